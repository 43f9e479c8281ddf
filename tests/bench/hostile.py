"""Texts made to be slow: a megabyte each, of what makes readers of text go back and forth."""

from collections.abc import Mapping

from shared.article import AbstractSection, Article

SIZE = 1_000_000
"""Characters of each text."""


def _filled(piece: str) -> str:
    return (piece * (SIZE // len(piece) + 1))[:SIZE]


TEXTS: Mapping[str, str] = {
    "no blanks": _filled("x"),
    "all blanks": " " * SIZE,
    "all lines": "\n" * SIZE,
    "all full stops": _filled("."),
    "stops and blanks": _filled(". "),
    "brackets open": _filled("("),
    "brackets nested": "(" * (SIZE // 2) + ")" * (SIZE // 2),
    "short forms in nested brackets": _filled("CAR (CAR [CAR (CAR "),
    "definitions": _filled("constitutive androstane receptor (CAR) "),
    "equals signs": _filled("CAR = "),
    "one word": _filled("a "),
    "the beginning of a phrase": _filled("chimeric antigen "),
    "phrases with gaps": _filled("generated in vivo generated in vivo CAR "),
    "everything at once": _filled("no CAR-T (a b c) unlike CD19 and BCMA CAR; "),
    "combining marks": _filled("a" + "\u0301" * 40),
    "combining marks alone": _filled("\u0301"),
    "Greek": _filled("\u03b3\u03b4\u00b5"),
    "invisible signs": _filled("C\u00adA\u200dR\ufeff"),
    "digits": _filled("12345678"),
    "registers": _filled("NCT 1234567 ChiCTR 123 2020-512345-1 "),
    "initials": _filled("A. B. "),
}


def hostile(text: str) -> Article:
    """The text as abstract, as title, and as keyword."""
    return Article(pmid=1, title=text, abstract=(AbstractSection(text=text),), keywords=(text,))
