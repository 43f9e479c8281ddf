"""`carillon train`: fit what confidences are reckoned with to labelled articles."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from services.classifier.calibrate import Observation, Versions, fit, out_of_fold
from services.classifier.calibrate_figures import Figures, figures
from services.classifier.calibrate_gold import observations
from services.classifier.classify import CLASSIFIER_VERSION
from services.classifier.confidence import LEAST, MOST, WEIGHTS, written
from services.classifier.evaluation.gold import FACETS, read_gold
from services.classifier.settings import Settings
from services.classifier.taxonomy import load_taxonomy
from shared.errors import ConfigurationError
from shared.settings import load

GOLD = Path("../shared/gold/dev.jsonl")
"""Optional material beside a checkout; its texts are read and never kept."""


def train(
    gold: Annotated[
        list[Path] | None,
        typer.Option(help="Labelled articles (JSON lines); may be given several times."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Where the weights go.")] = WEIGHTS,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print figures only.")] = False,
) -> None:
    """Fit the confidences to labelled articles, and print how far they mean what they say."""
    settings = load(Settings, {"database_url": "embedded", "amqp_url": "embedded"})
    taxonomy = load_taxonomy(settings.taxonomy)
    seen = observations(read_gold(gold or [_default()], taxonomy), taxonomy)
    if not seen:
        raise ConfigurationError("the labelled articles are given no label: nothing to learn from")
    versions = Versions(CLASSIFIER_VERSION, taxonomy.version)
    _report(Console(highlight=False), seen, out_of_fold(seen, versions))
    if not dry_run:
        _keep(out, written(fit(seen, versions)))


def _keep(out: Path, text: str) -> None:
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"weights {out}: {error.strerror}; give another --out") from error


def _default() -> Path:
    if not GOLD.is_file():
        raise ConfigurationError(
            f"labelled articles {GOLD} are not there: give --gold FILE, one JSON object a line "
            "with title, abstract, scope, modality, disease and evidence"
        )
    return GOLD


def _report(console: Console, seen: Sequence[Observation], sure: Sequence[float]) -> None:
    rights = [one.right for one in seen]
    before = [min(MOST, max(LEAST, one.judged)) for one in seen]
    table = Table("facet", "labels", "right", "ECE", "Brier", "log loss", box=None)
    for facet in (None, *FACETS):
        for name, given in (("judged", before), ("fitted", sure)):
            chosen = [i for i, one in enumerate(seen) if facet in (None, one.facet)]
            if chosen:
                found = figures([given[i] for i in chosen], [rights[i] for i in chosen])
                table.add_row(f"{facet or 'all'}, {name}", *_cells(found))
    console.print("Confidences before (judged by the rules) and after (out of fold):\n")
    console.print(table)
    console.print("\nReliability of the fitted confidences, out of fold:\n")
    console.print(_bins(figures(sure, rights)))


def _cells(found: Figures) -> tuple[str, ...]:
    numbers = (found.right, found.error, found.brier, found.loss)
    return (str(found.count), *(f"{number:.4f}" for number in numbers))


def _bins(found: Figures) -> Table:
    table = Table("from", "labels", "confidence", "right", box=None)
    for one in found.bins:
        table.add_row(f"{one.low:.1f}", str(len(one.labels)), f"{one.mean:.3f}", f"{one.right:.3f}")
    return table
