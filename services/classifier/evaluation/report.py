"""The evaluation as one HTML file: pictures are drawn inside it, nothing is loaded from elsewhere.

It names articles by id and title, and never their text: it may be shown to colleagues.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from services.classifier.evaluation.bootstrap import Interval
from services.classifier.evaluation.calibration import Bin
from services.classifier.evaluation.compare import Evaluation
from services.classifier.evaluation.measure import CALIBRATION, HEADLINE, LabelScore
from shared.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Cell:
    """A field of the scope table; `share` (0 to 1) of its row, for the colour."""

    count: int
    share: float
    right: bool


def render(run: Evaluation, source: str) -> str:
    """The report as HTML; `source` says what was measured."""
    environment = Environment(
        loader=PackageLoader("services.classifier.evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"figure": _figure, "span": _span}
    return environment.get_template("report.html.j2").render(
        source=source,
        run=run,
        systems=(run.ours, *run.baselines),
        figures=[name for name in HEADLINE if name != CALIBRATION],
        calibration=CALIBRATION,
        ahead=_ahead(run),
        facets=_by_facet(run.ours.labels),
        scopes=_scope_table(run.ours.scopes),
        reliability=[one for one in run.ours.calibration["all"] if one.labels],
        most=_most(run.ours.calibration["all"]),
    )


def write_report(path: Path, run: Evaluation, source: str) -> None:
    """Write the report, with its folder.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render(run, source), encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written ({error.strerror}): name another file with --report"
        ) from error


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"  # noqa: RUF001 (a dash in a table)


def _span(one: Interval) -> str:
    if one.low is None or one.high is None:
        return ""
    return f"{one.low:.3f} to {one.high:.3f}"


def _ahead(run: Evaluation) -> dict[str, list[Interval]]:
    figures = [name for name in HEADLINE if name != CALIBRATION]
    return {name: [run.ours.ahead_of(one, name) for one in run.baselines] for name in figures}


def _by_facet(labels: Sequence[LabelScore]) -> dict[str, list[LabelScore]]:
    return {facet: list(group) for facet, group in groupby(labels, key=lambda one: one.facet)}


def _scope_table(scopes: Mapping[tuple[str, str], int]) -> dict[str, dict[str, Cell]]:
    """Rows are what was expected, columns what was given."""
    rows = sorted({expected for expected, _ in scopes})
    columns = sorted({given for _, given in scopes} | set(rows))
    table: dict[str, dict[str, Cell]] = {}
    for row in rows:
        counts = {column: scopes.get((row, column), 0) for column in columns}
        whole = sum(counts.values())
        table[row] = {name: Cell(n, n / whole, name == row) for name, n in counts.items()}
    return table


def _most(table: Sequence[Bin]) -> int:
    return max((len(one.labels) for one in table), default=1) or 1
