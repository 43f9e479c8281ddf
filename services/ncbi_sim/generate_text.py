"""Words for invented records: every text says by its parts whether a query means it."""

from dataclasses import dataclass
from random import Random
from typing import Literal

Theme = Literal["both", "receptor", "disease", "neither"]
"""What a text is about: an engineered receptor, an autoimmune disease, both, or neither."""

_RECEPTORS = (
    "CAR T cells", "CD19 CAR T cells", "chimeric antigen receptor T cells", "CAR NK cells",
    "CAAR T cells", "BCMA CAR T cells", "CAR Treg therapy", "in vivo CAR T cells",
)  # fmt: skip
_DISEASES = (
    "systemic lupus erythematosus", "systemic sclerosis", "dermatomyositis", "myasthenia gravis",
    "multiple sclerosis", "pemphigus vulgaris", "rheumatoid arthritis", "type 1 diabetes",
    "membranous nephropathy", "immune thrombocytopenia",
)  # fmt: skip
_CANCERS = (
    "large B cell lymphoma", "acute lymphoblastic leukaemia", "multiple myeloma", "glioblastoma",
    "mantle cell lymphoma", "ovarian cancer",
)  # fmt: skip
_DRUGS = ("rituximab", "belimumab", "methotrexate", "tocilizumab", "mycophenolate", "telitacicept")
_SUBJECTS = (
    ("soil bacteria", "a temperate meadow"), ("bird song", "city parks"),
    ("bridge girders", "salt spray"), ("sea grass", "coastal lagoons"),
    ("honey bees", "mountain orchards"), ("glacier melt", "two valleys"),
)  # fmt: skip
_DESIGNS = (
    "a cohort of {n}", "results after {n} weeks", "a study in {n} mice", "an open-label trial",
    "a case series of {n}", "long-term follow-up", "a review of {n} reports",
)  # fmt: skip
_SENTENCES = (
    "We report on {n} participants seen at {m} centres.",
    "The primary outcome was reached after {n} weeks in most of them.",
    "Side effects were mild, and none led to an end of treatment.",
    "Samples were taken at {m} time points and measured twice.",
    "Whether the effect lasts beyond {n} months is not known.",
    "The methods and all measurements are open to other groups.",
    "Results agreed between the {m} sites.",
    "A larger study with {n} participants is planned.",
)

_LAST = (
    "Abel", "Brandt", "Castro", "Dvořák", "Eriksen", "Fischer", "Gröber", "Hayashi", "Ivanova",
    "Jensen", "Kowalski", "Lindqvist", "Müller", "Nkosi", "Okafor", "Petrov", "Rossi",
)  # fmt: skip
_FORE = ("Anna", "Bo", "Carla", "Dmitri", "Ewa", "Finn", "Grace", "Hiro", "Ines", "Jonas")
JOURNALS = (
    "Annals of Invented Medicine", "Simulated Rheumatology", "Journal of Made-up Biology",
    "Imaginary Immunology", "Example Neurology",
)  # fmt: skip


@dataclass(frozen=True)
class Text:
    """Title, sentences of the abstract and keywords of one record."""

    title: str
    summary: tuple[str, ...]
    keywords: tuple[str, ...]


def write(theme: Theme, random: Random) -> Text:
    """A text about a theme. Whatever is drawn, its words are about that theme and no other."""
    what, where = _subject(theme, random)
    design = _fill(random.choice(_DESIGNS), random)
    title = f"{what[0].upper()}{what[1:]} in {where}: {design}."
    sentences = random.sample(_SENTENCES, random.randint(2, 5))
    opening = f"We studied {what} in {where}."
    summary = () if random.random() < 0.1 else (opening, *(_fill(s, random) for s in sentences))
    return Text(title, summary, (what, where) if random.random() < 0.5 else ())


def authors(random: Random) -> list[dict[str, str]]:
    """One to five invented people."""
    names = random.sample(_LAST, random.randint(1, 5))
    fores = [random.choice(_FORE) for _ in names]
    return [
        {"last": name, "fore": fore, "initials": fore[0]}
        for name, fore in zip(names, fores, strict=True)
    ]


def _subject(theme: Theme, random: Random) -> tuple[str, str]:
    if theme == "neither":
        return random.choice(_SUBJECTS)
    what = _RECEPTORS if theme in {"both", "receptor"} else _DRUGS
    where = _DISEASES if theme in {"both", "disease"} else _CANCERS
    return random.choice(what), random.choice(where)


def _fill(sentence: str, random: Random) -> str:
    return sentence.format(n=random.randint(6, 90), m=random.randint(2, 9))
