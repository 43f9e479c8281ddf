"""`carillon eval`: how well articles are labelled, beside the obvious alternatives."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from services.classifier.evaluation.compare import compare
from services.classifier.evaluation.gold import Example, read_gold
from services.classifier.evaluation.ours import by_rules
from services.classifier.evaluation.report import write_report
from services.classifier.settings import Settings
from services.classifier.taxonomy import Taxonomy, load_taxonomy
from services.console.demo_examples import demo_examples
from services.console.show_evaluation import print_evaluation, print_misses
from services.ncbi_sim.catalogue import load_catalogue
from services.ncbi_sim.settings import PACKAGED_CATALOGUE
from shared.logs import configure_logging
from shared.settings import load

GOLD = Path(__file__).parents[4] / "shared" / "gold" / "dev.jsonl"
"""Where annotators' labels lie beside a checkout that has them."""
NO_GOLD = """\
There are no labelled examples here. Give a file with --gold (again for more files): one JSON object
a line, with id, title, perhaps abstract and pub_types, and the labels a person gave:
  {"id": "1", "title": "CD19 CAR-T cells in lupus", "scope": "core", "modality": ["cd19-car-t"],
   "disease": ["sle"], "evidence": "commentary"}
docs/evaluation.md tells more. With --demo the demo catalogue's own labels are used."""


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
    errors: Annotated[
        bool, typer.Option("--errors", help="List every difference, with the rule that spoke.")
    ] = False,
) -> None:
    """Measure the labels against those that people gave, and write a report."""
    configure_logging("carillon", as_json=False, level=40)
    console = Console(soft_wrap=False)
    taxonomy = _taxonomy()
    examples, source = _examples(gold or [], taxonomy, demo=demo)
    console.print(f"Measured on {source}", highlight=False)
    with console.status("") as status:
        run = compare(
            examples,
            by_rules(examples, taxonomy),
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


def _examples(
    gold: list[Path], taxonomy: Taxonomy, *, demo: bool
) -> tuple[tuple[Example, ...], str]:
    if demo:
        return demo_examples(load_catalogue(PACKAGED_CATALOGUE)), (
            "the demo catalogue: few articles, labelled by the authors of the rules. "
            "This shows that nothing is broken, not how good the labels are."
        )
    paths = gold or ([GOLD] if GOLD.is_file() else [])
    if not paths:
        typer.echo(NO_GOLD, err=True)
        raise typer.Exit(code=2)
    return read_gold(paths, taxonomy), ", ".join(path.name for path in paths)
