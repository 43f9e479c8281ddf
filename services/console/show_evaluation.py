"""An evaluation on the screen."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from services.classifier.evaluation.bootstrap import Interval
from services.classifier.evaluation.compare import Evaluation
from services.classifier.evaluation.measure import HEADLINE, Measured


def print_evaluation(console: Console, run: Evaluation) -> None:
    """The figures side by side, then labels, scopes and confidence of the classifier."""
    console.print(_headline(run))
    for reason in run.left_out:
        console.print(f"[yellow]left out: {escape(reason)}[/yellow]", highlight=False)
    if run.baselines:
        console.print(_ahead(run))
    console.print(_labels(run))
    console.print(_scopes(run.ours))
    console.print(_reliability(run.ours))
    by_facet = ", ".join(
        f"{facet} {_number(error)}" for facet, error in run.ours.calibration_error.items()
    )
    console.print(f"Expected calibration error: {by_facet}; Brier score {_number(run.ours.brier)}")


def print_misses(console: Console, run: Evaluation) -> None:
    """Every article and facet on which the classifier and a person differ."""
    table = Table("Article", "Facet", "Expected", "Given", "Rule", title="Differences")
    for one in run.misses:
        cells = (one.id, one.facet, ", ".join(one.expected), ", ".join(one.given))
        table.add_row(*map(escape, cells), escape("\n".join(one.rules)))
    console.print(table)


def _headline(run: Evaluation) -> Table:
    systems = (run.ours, *run.baselines)
    title = f"{len(run.examples)} examples, 95 % intervals over articles drawn again"
    table = Table("", *(escape(one.name) for one in systems), title=title, title_justify="left")
    for figure in HEADLINE:
        table.add_row(figure, *(_two_lines(one.headline[figure]) for one in systems))
    return table


def _ahead(run: Evaluation) -> Table:
    table = Table("Carillon is ahead by", *(escape(one.name) for one in run.baselines))
    for figure in HEADLINE[:-1]:
        ahead = (run.ours.ahead_of(one, figure) for one in run.baselines)
        table.add_row(figure, *(_two_lines(one) for one in ahead))
    return table


def _labels(run: Evaluation) -> Table:
    """Each label of the classifier, with the F1 that the baselines reach on it."""
    theirs = [f"F1 {one.name.split()[0]}" for one in run.baselines]
    table = Table(
        "Facet", "Label", "Support", "Precision", "Recall", "F1", *theirs, title="By label"
    )
    for one in run.ours.labels:
        figures = (_number(one.precision), _number(one.recall), _interval(one.f1))
        beside = (_number(other.f1_of(one.facet, one.id)) for other in run.baselines)
        table.add_row(one.facet, one.id, str(one.support), *figures, *beside)
    return table


def _scopes(measured: Measured) -> Table:
    expected = sorted({pair[0] for pair in measured.scopes})
    given = sorted({pair[1] for pair in measured.scopes})
    table = Table("Expected", *(f"given {one}" for one in given), title="Scope")
    for one in expected:
        table.add_row(one, *(str(measured.scopes.get((one, other), 0)) for other in given))
    return table


def _reliability(measured: Measured) -> Table:
    table = Table("Confidence", "Labels", "Mean", "Right", title="Confidence of given labels")
    for one in measured.calibration["all"]:
        if one.labels:
            place = f"{one.low:.1f} to {one.high:.1f}"
            table.add_row(place, str(len(one.labels)), _number(one.mean), _number(one.right))
    return table


def _interval(one: Interval) -> str:
    if one.low is None or one.high is None:
        return _number(one.value)
    return f"{_number(one.value)} ({_number(one.low)} to {_number(one.high)})"


def _two_lines(one: Interval) -> str:
    return _interval(one).replace(" (", "\n(", 1)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
