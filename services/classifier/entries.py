"""The tables of a taxonomy file: labels, groups of them, cues, and what a phrase becomes."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from services.classifier.tokens import normal, words
from shared.events import Facet

Kind = Literal["strong", "plain", "weak", "cell", "not"]
CueKind = Literal[
    "negation", "denial", "comparison", "hope", "background", "future", "listing", "conclusion",
    "dual",
    "between", "aimed", "support", "other-sense", "beyond-cancer", "tolerance",
    "patients", "own",
]  # fmt: skip


class Entry(BaseModel):
    """A table of the taxonomy file; a misspelt key is an error, not a silence."""

    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(cached_property,))


class TaxonomyLabel(Entry):
    """One label. `patterns` carry it; `strong` ones decide alone, `weak` ones only support.

    `exclude` are phrases inside which a pattern does not count. `implies` names labels that come
    with it ("disease:sle"). `cells` are words for a carrier, which carry the label in a sentence
    that names a receptor without its cell. `aimed` is, for a target, the modality of CAR-T cells
    aimed at it.
    `near_receptor` asks for a chimeric receptor in the same sentence. `group` gathers diseases
    for the rules of scope. `parent` is a wider label or a group of the same facet. `mesh_ui` and
    `ncit` are its MeSH descriptor and its NCI Thesaurus concept. `examples` are texts (first line
    the title, the rest the abstract) that must get the label, `counter_examples` must not.
    """

    facet: Facet | Literal["receptor"]
    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    name: str = Field(min_length=1)
    definition: str = Field(min_length=1)
    strong: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    mesh: tuple[str, ...] = ()
    publication_types: tuple[str, ...] = ()
    implies: tuple[str, ...] = ()
    aimed: str | None = None
    near_receptor: bool = False
    group: Literal["autoimmune", "immune", "cancer", "other"] | None = None
    parent: str | None = None
    mesh_ui: str | None = Field(default=None, pattern=r"^D\d{6}(\d{3})?$")
    ncit: str | None = Field(default=None, pattern=r"^C\d{3,6}$")
    examples: tuple[str, ...] = ()
    counter_examples: tuple[str, ...] = ()

    @cached_property
    def key(self) -> str:
        """The name by which `implies` refers to it."""
        return f"{self.facet}:{self.id}"

    @cached_property
    def own_words(self) -> frozenset[str]:
        """The words of its name and definition, in normal form."""
        return frozenset(map(normal, words(f"{self.name} {self.definition}")))


class Group(Entry):
    """Labels of one facet that belong together; it is never given to an article."""

    facet: Facet
    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    name: str = Field(min_length=1)
    definition: str = Field(min_length=1)

    @property
    def key(self) -> str:
        """The name by which `parent` refers to it, with its facet."""
        return f"{self.facet}:{self.id}"


class Cue(Entry):
    """Words that say how a mention is meant; they carry no label."""

    kind: CueKind
    patterns: tuple[str, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """A phrase with the label that it carries; `kind` says how strongly, `key` is the label's.

    `near` says that it counts only in a sentence that names a receptor, `special` that whether it
    counts depends on what else the sentence names.
    """

    phrase: str
    label: TaxonomyLabel
    kind: Kind = "plain"
    key: str = ""
    near: bool = False
    special: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class CueRule:
    """A phrase that says how mentions beside it are meant."""

    phrase: str
    kind: CueKind
