"""`carillon eval`: how well articles are labelled, beside the obvious alternatives."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from services.classifier.evaluation.compare import compare
from services.classifier.evaluation.gold import Example, read_gold
from services.classifier.evaluation.ours import by_rules, given, refitted
from services.classifier.evaluation.report import write_report
from services.classifier.settings import Settings
from services.classifier.taxonomy import Taxonomy, load_taxonomy
from services.console.corrections import corrections, print_corrections
from services.console.demo_examples import demo_examples
from services.console.show_evaluation import print_evaluation, print_misses
from services.ncbi_sim.catalogue import load_catalogue
from services.ncbi_sim.settings import PACKAGED_CATALOGUE
from shared.logs import configure_logging
from shared.settings import load

GOLD = Path(__file__).parents[4] / "shared" / "gold" / "dev.jsonl"
"""Where annotators' labels lie beside a checkout that has them."""
WIDE = 140
"""Columns of what goes to a file: the table of labels fits."""
NO_GOLD = """\
There are no labelled examples here. Give a file with --gold (again for more files): one JSON object
a line, with id, title, perhaps abstract and pub_types, and the labels a person gave:
  {"id": "1", "title": "CD19 CAR-T cells in lupus", "scope": "core", "modality": ["cd19-car-t"],
   "disease": ["sle"], "evidence": "commentary"}
docs/evaluation.md tells more. With --demo the demo catalogue's own labels are used."""

DEMO = (
    "the demo catalogue: few articles, labelled by the authors of the rules. "
    "This shows that nothing is broken, not how good the labels are"
)
OUT_OF_FOLD = "confidences out of fold, since they were fitted to these examples"


def evaluate(
    gold: Annotated[
        list[Path] | None, typer.Option(help="A file of labelled examples; may be given again.")
    ] = None,
    report: Annotated[Path, typer.Option(help="Where the HTML report goes.")] = Path(
        "out/eval.html"
    ),
    baselines: Annotated[bool, typer.Option(help="Measure the baselines beside it.")] = True,
    demo: Annotated[
        bool, typer.Option("--demo", help="Use the labels of the demo catalogue.")
    ] = False,
    refit: Annotated[
        bool | None,
        typer.Option(
            "--out-of-fold/--as-shipped",
            help="Fit confidences anew, out of fold; without either, where they were fitted here.",
        ),
    ] = None,
    feedback: Annotated[
        Path | None,
        typer.Option(help="Corrections that `carillon feedback export` wrote: try the rules on."),
    ] = None,
    errors: Annotated[
        bool, typer.Option("--errors", help="List every difference, with the rule that spoke.")
    ] = False,
) -> None:
    """Measure the labels against those that people gave, and write a report."""
    configure_logging("carillon", as_json=False, level=40)
    console = Console(width=None if sys.stdout.isatty() else WIDE)
    taxonomy = _taxonomy()
    if feedback is not None:
        print_corrections(console, corrections(feedback, taxonomy))
        if not gold:
            return
    paths = [] if demo else gold or _found()
    examples, source = _examples(paths, taxonomy)
    fitted_here = any(path.resolve() == GOLD.resolve() for path in paths)
    found = by_rules(examples, taxonomy)
    if fitted_here if refit is None else refit:
        answers, source = refitted(examples, found, taxonomy), f"{source}; {OUT_OF_FOLD}"
    else:
        answers = tuple(map(given, found))
    console.print(f"Measured on {source}", highlight=False, soft_wrap=True)
    with console.status("") as status:
        run = compare(
            examples,
            found,
            answers,
            baselines=baselines,
            told=lambda step: status.update(f"Measuring: {step}"),
        )
    print_evaluation(console, run)
    if errors:
        print_misses(console, run)
    write_report(report, run, source)
    console.print(f"{len(run.misses)} differences; report in {report}", highlight=False)


def _taxonomy() -> Taxonomy:
    unused = {"database_url": "embedded", "amqp_url": "embedded"}
    return load_taxonomy(load(Settings, unused).taxonomy)


def _found() -> list[Path]:
    if GOLD.is_file():
        return [GOLD]
    typer.echo(NO_GOLD, err=True)
    raise typer.Exit(code=2)


def _examples(paths: list[Path], taxonomy: Taxonomy) -> tuple[tuple[Example, ...], str]:
    """The examples of the files, or of the demo; and what they are called."""
    if not paths:
        return demo_examples(load_catalogue(PACKAGED_CATALOGUE)), DEMO
    return read_gold(paths, taxonomy), ", ".join(path.name for path in paths)
