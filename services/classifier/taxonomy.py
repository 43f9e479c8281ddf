"""The taxonomy of a topic: labels and the phrases that carry them, as data that a reader can edit.

The phrase language is described in `phrases.py` and at the top of the taxonomy file.
"""

import tomllib
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from services.classifier.entries import (
    Cue,
    CueKind,
    CueRule,
    Entry,
    Group,
    Kind,
    Rule,
    TaxonomyLabel,
)  # fmt: skip
from services.classifier.finder import Finder
from services.classifier.lines_of import line_of
from services.classifier.phrases import PhraseError, variants
from services.classifier.tokens import normal
from shared.errors import ConfigurationError

__all__ = [
    "Cue", "CueKind", "CueRule", "Entry", "Group", "Kind", "Rule", "Taxonomy", "TaxonomyLabel",
    "load_taxonomy", "read_taxonomy",
]  # fmt: skip

SCOPES = ("core", "adjacent", "oncology", "none", "unclear")
EVIDENCE = (
    "trial", "protocol", "observational", "case-report", "preclinical", "systematic-review",
    "review", "guidance", "commentary", "notice", "other",
)  # fmt: skip


class Taxonomy(BaseModel):
    """All labels of one topic. `version` goes into every classification."""

    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(cached_property,))

    id: str
    version: str = Field(min_length=1)
    labels: tuple[TaxonomyLabel, ...] = Field(alias="label", min_length=1)
    groups: tuple[Group, ...] = Field(alias="group", default=())
    cues: tuple[Cue, ...] = Field(alias="cue", default=())

    @model_validator(mode="after")
    def _whole(self) -> "Taxonomy":
        keys = [label.key for label in self.labels]
        for key in keys:
            if keys.count(key) > 1:
                raise ValueError(f"label {key} is there twice: keep one")
        for label in self.labels:
            _check_label(label, set(keys))
        _check_parents(self.labels, {group.key for group in self.groups})
        for cue in self.cues:
            _check_phrases(f"cue {cue.kind}", cue.patterns)
        missing = [f"scope:{scope}" for scope in SCOPES if f"scope:{scope}" not in keys]
        missing += [f"evidence:{kind}" for kind in EVIDENCE if f"evidence:{kind}" not in keys]
        if missing:
            raise ValueError(f"label {missing[0]} is missing: add it, the rules speak of it")
        return self

    @cached_property
    def by_key(self) -> dict[str, TaxonomyLabel]:
        """The labels by "facet:id"."""
        return {label.key: label for label in self.labels}

    @cached_property
    def rules(self) -> tuple[Rule | CueRule, ...]:
        """Every phrase with its meaning."""
        return tuple(self._rules())

    @cached_property
    def finder(self) -> Finder:
        """All phrases as one automaton."""
        return Finder(self.rules)

    def _rules(self) -> Iterator[Rule | CueRule]:
        kinds: tuple[tuple[Kind, str], ...] = (
            ("strong", "strong"), ("plain", "patterns"), ("weak", "weak"), ("cell", "cells"),
            ("not", "exclude"),
        )  # fmt: skip
        for label in self.labels:
            for kind, name in kinds:
                near = label.near_receptor and kind == "plain"
                special = near or kind in ("not", "cell")
                for phrase in getattr(label, name):
                    yield Rule(phrase, label, kind, label.key, near, special)
        for cue in self.cues:
            if cue.kind == "between":
                continue
            for phrase in cue.patterns:
                yield CueRule(phrase, cue.kind)

    @cached_property
    def joining(self) -> frozenset[str]:
        """Words, in normal form, that may stand between a target and its receptor."""
        return frozenset(
            normal(word)
            for cue in self.cues
            if cue.kind == "between"
            for phrase in cue.patterns
            for word in phrase.split()
        )

    @cached_property
    def mesh(self) -> dict[str, tuple[TaxonomyLabel, ...]]:
        """Labels by MeSH heading, in small letters."""
        return self._by("mesh")

    @cached_property
    def publication_types(self) -> dict[str, tuple[TaxonomyLabel, ...]]:
        """Labels by publication type, in small letters."""
        return self._by("publication_types")

    def _by(self, name: str) -> dict[str, tuple[TaxonomyLabel, ...]]:
        found: dict[str, tuple[TaxonomyLabel, ...]] = {}
        for label in self.labels:
            for heading in getattr(label, name):
                found[heading.casefold()] = (*found.get(heading.casefold(), ()), label)
        return found


def _check_label(label: TaxonomyLabel, keys: set[str]) -> None:
    aimed = [f"modality:{label.aimed}"] if label.aimed else []
    for other in [*label.implies, *aimed]:
        if other not in keys:
            raise ValueError(f"label {label.key} refers to {other}, which is not there: add it")
    _check_phrases(
        f"label {label.key}",
        [*label.strong, *label.patterns, *label.weak, *label.cells, *label.exclude],
    )


def _check_parents(labels: tuple[TaxonomyLabel, ...], groups: AbstractSet[str]) -> None:
    """Every parent is there, and the way up ends."""
    parents = {x.key: f"{x.facet}:{x.parent}" for x in labels if x.parent}
    for key, parent in parents.items():
        if parent not in groups and not any(x.key == parent for x in labels):
            raise ValueError(f"label {key} has the parent {parent}, which is not there: add it")
        seen, above = {key}, parent
        while above in parents:
            if above in seen:
                raise ValueError(f"label {key} is above itself: correct its parent")
            seen.add(above)
            above = parents[above]


def _check_phrases(owner: str, phrases: "list[str] | tuple[str, ...]") -> None:
    for phrase in phrases:
        try:
            variants(phrase)
        except PhraseError as error:
            raise ValueError(f"{owner}: {error}") from error


def read_taxonomy(text: str, origin: str) -> Taxonomy:
    """A taxonomy from TOML text; `origin` names it in errors.

    Raises:
        ConfigurationError: not TOML (with the line), a wrong field, a phrase that cannot be
            read, or a reference to a label that is not there; it names the label and the line of
            its table.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"taxonomy {origin} is not TOML: {error}; correct it") from error
    try:
        return Taxonomy.model_validate(content)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        line = line_of(text, content, fault["loc"], fault["msg"])
        where = f", line {line}" * bool(line) + _place(content, fault["loc"])
        raise ConfigurationError(f"taxonomy {origin}{where}: {fault['msg']}") from error


def _place(content: dict[str, object], loc: tuple[int | str, ...]) -> str:
    """The label's own name where an error says "label 17"."""
    entries = content.get(str(loc[0])) if loc else None
    if len(loc) < 2 or not isinstance(entries, list) or not isinstance(loc[1], int):
        return "".join(f", {part}" for part in loc)
    entry = entries[loc[1]]
    name = (entry.get("id") or entry.get("kind")) if isinstance(entry, dict) else None
    rest = "".join(f", {part}" for part in loc[2:])
    return f", {loc[0]} {name or f'number {loc[1] + 1}'}{rest}"


def load_taxonomy(path: Path) -> Taxonomy:
    """The taxonomy in a file.

    Raises:
        ConfigurationError: as `read_taxonomy`, or the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise ConfigurationError(
            f"taxonomy {path} cannot be read ({reason}): set CLASSIFIER_TAXONOMY to a taxonomy file"
        ) from error
    return read_taxonomy(text, str(path))
