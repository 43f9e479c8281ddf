"""All figures of one or several systems on the same examples, with their intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.classifier.evaluation.bootstrap import Figure, Interval, difference, interval
from services.classifier.evaluation.calibration import Bin, bins, brier, expected_error
from services.classifier.evaluation.counts import (
    Given,
    Tally,
    Weights,
    accuracy,
    confusion,
    macro_f1,
    micro_f1,
    tallies,
)
from services.classifier.evaluation.gold import FACETS, Example

ENOUGH = 5
"""Examples that a label must have to count in the macro average."""
MANY = ("modality", "disease")
ONE = ("scope", "evidence")


@dataclass(frozen=True, slots=True)
class LabelScore:
    """One label of one system."""

    facet: str
    id: str
    support: int
    precision: Figure
    recall: Figure
    f1: Interval


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything about one system. `headline` has the figures by name, in order."""

    name: str
    headline: Mapping[str, Interval]
    labels: tuple[LabelScore, ...]
    scopes: Mapping[tuple[str, str], int]
    calibration: Mapping[str, tuple[Bin, ...]]
    calibration_error: Mapping[str, Figure]
    brier: Figure
    draws: Mapping[str, tuple[Figure, ...]]

    def f1_of(self, facet: str, label: str) -> Figure:
        """The F1 of one label; `None` where nothing can be said of it."""
        return next((o.f1.value for o in self.labels if (o.facet, o.id) == (facet, label)), None)

    def ahead_of(self, other: "Measured", figure: str) -> Interval:
        """How much more a figure is than another system's, on the same draws."""
        pairs = zip(self.draws[figure], other.draws[figure], strict=True)
        return difference(self.headline[figure], other.headline[figure], list(pairs))


@dataclass(frozen=True, slots=True)
class Parts:
    """A system's answers, sorted once so that each draw is only sums."""

    examples: Sequence[Example]
    tallies: Mapping[str, Mapping[str, Tally]]
    bins: Sequence[Bin]

    def figures(self, weights: Weights) -> dict[str, Figure]:
        """Every figure under these weights, by name."""
        found: dict[str, Figure] = {}
        for facet in MANY:
            labels = self.tallies[facet]
            sums = {name: tally.sums(weights) for name, tally in labels.items()}
            enough = [sums[name] for name, tally in labels.items() if tally.support >= ENOUGH]
            found[f"{facet} micro-F1"] = micro_f1(list(sums.values()))
            found[f"{facet} macro-F1"] = macro_f1(enough)
            found |= {f"{facet}:{name}": one.f1 for name, one in sums.items()}
        for facet in ONE:
            labels = self.tallies[facet]
            found[f"{facet} accuracy"] = accuracy(self.examples, labels, facet, weights)
            found |= {f"{facet}:{name}": t.sums(weights).f1 for name, t in labels.items()}
        found[CALIBRATION] = expected_error(self.bins, weights)
        return found


CALIBRATION = "calibration error"
HEADLINE = (
    "modality micro-F1",
    "modality macro-F1",
    "scope accuracy",
    "disease micro-F1",
    "disease macro-F1",
    "evidence accuracy",
    CALIBRATION,
)


def measure(
    name: str, examples: Sequence[Example], given: Sequence[Given], draws: Sequence[Weights]
) -> Measured:
    """Measure a system's answers; `draws` are the weights of each resample."""
    by_facet = {facet: tallies(examples, given, facet) for facet in FACETS}
    table = bins(examples, given)
    parts = Parts(examples, by_facet, table)
    whole = [1] * len(examples)
    values = parts.figures(whole)
    drawn = [parts.figures(weights) for weights in draws]
    columns = {figure: tuple(one[figure] for one in drawn) for figure in values}
    tables = {facet: bins(examples, given, [facet]) for facet in FACETS}
    return Measured(
        name=name,
        headline={figure: interval(values[figure], columns[figure]) for figure in HEADLINE},
        labels=tuple(_label_scores(parts, values, columns)),
        scopes=confusion(examples, given, "scope"),
        calibration={"all": table, **tables},
        calibration_error={
            facet: expected_error(one, whole) for facet, one in {"all": table, **tables}.items()
        },
        brier=brier(table),
        draws={figure: columns[figure] for figure in HEADLINE},
    )


def _label_scores(
    parts: Parts, values: Mapping[str, Figure], columns: Mapping[str, tuple[Figure, ...]]
) -> list[LabelScore]:
    found, whole = [], [1] * len(parts.examples)
    for facet, labels in parts.tallies.items():
        for name, tally in labels.items():
            sums = tally.sums(whole)
            f1 = interval(values[f"{facet}:{name}"], columns[f"{facet}:{name}"])
            found.append(LabelScore(facet, name, tally.support, sums.precision, sums.recall, f1))
    return found
