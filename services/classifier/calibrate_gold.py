"""Observations for the model of confidence, from articles that people have labelled.

A labelled article is an article line (see `lines`) with `scope`, `modality`, `disease` and
`evidence`, as its annotators gave them. Facets that a line does not label teach nothing.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from services.classifier.calibrate import Observation
from services.classifier.classify import findings
from services.classifier.confidence import UNSURE
from services.classifier.features import vector
from services.classifier.lines import Line, Unreadable, read_line
from services.classifier.taxonomy import Taxonomy
from shared.errors import ConfigurationError

FACETS = ("scope", "modality", "disease", "evidence")


def labelled_lines(path: Path) -> Iterator[Line]:
    """The labelled articles in a file; empty lines are passed over.

    Raises:
        ConfigurationError: the file cannot be read, or a line is not a labelled article; it
            names the line.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise ConfigurationError(
            f"labelled articles {path}: {error.strerror}; give --gold a JSON-lines file"
        ) from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _labelled(line, f"{path}, line {number}")


def _labelled(line: bytes, where: str) -> Line:
    try:
        found = read_line(line)
    except Unreadable as error:
        raise ConfigurationError(f"labelled articles {where}: {error}") from error
    for facet in FACETS:
        if not _well_formed(found.fields.get(facet)):
            raise ConfigurationError(
                f"labelled articles {where}: {facet} is not a label's id or a list of ids"
            )
    if not any(facet in found.fields for facet in FACETS):
        raise ConfigurationError(
            f"labelled articles {where}: no label; give one of {', '.join(FACETS)}"
        )
    return found


def _well_formed(given: Any) -> bool:
    ids = given if isinstance(given, list) else [given or ""]
    return all(isinstance(one, str) for one in ids)


def given(line: Line, facet: str) -> set[str] | None:
    """What annotators gave; None where they did not look at the facet."""
    if facet not in line.fields:
        return None
    value = line.fields[facet]
    return set(value) if isinstance(value, list) else {value} - {None, ""}


def observations(lines: Iterable[Line], taxonomy: Taxonomy) -> list[Observation]:
    """What the rules give each article, each label with whether the annotators gave it too."""
    return [one for line in lines for one in _observed(line, taxonomy)]


def _observed(line: Line, taxonomy: Taxonomy) -> Iterator[Observation]:
    found = findings(line.article, taxonomy)
    beside = Counter(ground.label.facet for ground in found.grounds)
    for ground in found.grounds:
        facet, name = ground.label.facet, ground.label.id
        gold = given(line, facet)
        if gold is not None and name != UNSURE:
            features = vector(ground, beside[facet], found.setting)
            yield Observation(
                article=str(line.id),
                facet=facet,
                label=name,
                features=features,
                judged=ground.judged,
                right=name in gold,
            )
