"""Numbers of clinical trials: those of the record's own list, and those in its text.

The forms are those of the registers that the WHO's registry platform (ICTRP) names, each as its
register prints them. Numbers are given in that form, whatever blanks and dashes a text puts in.
"""

import re
from collections.abc import Iterator

from shared.article import Article

_GAP = r"[\s:#_-]{0,2}"
"""What authors put between the letters of a register and its digits."""

_REGISTERS: tuple[tuple[str, str], ...] = (
    # ClinicalTrials.gov
    (rf"(?<![A-Za-z0-9])NCT{_GAP}(\d{{8}})(?!\d)", "NCT{}"),
    # Chinese Clinical Trial Registry: since 2017 without, before with the kind of study
    (rf"(?<![A-Za-z0-9])ChiCTR{_GAP}(\d{{10}})(?!\d)", "ChiCTR{}"),
    (rf"(?<![A-Za-z0-9])ChiCTR{_GAP}([A-Z]{{2,4}}){_GAP}(\d{{8}})(?!\d)", "ChiCTR-{}-{}"),
    # EU Clinical Trials Information System, then EudraCT: year, number, check digits
    (r"(?<![\d-])(20[2-3]\d)-(5\d{5})-(\d\d)(?:-(\d\d))?(?![\d-])", "{}-{}-{}-{}"),
    (r"(?<![\d-])(20[0-2]\d)-([0-4]\d{5})-(\d\d)(?![\d-])", "{}-{}-{}"),
    # ISRCTN
    (rf"(?<![A-Za-z0-9])ISRCTN{_GAP}(\d{{8}})(?!\d)", "ISRCTN{}"),
    # Japan: jRCT (an "s" marks the trials under its Clinical Trials Act), UMIN
    (rf"(?<![A-Za-z0-9])jRCT{_GAP}(s?){_GAP}(\d{{9,10}})(?!\d)", "jRCT{}{}"),
    (rf"(?<![A-Za-z0-9])UMIN(?:{_GAP}CTR)?{_GAP}(\d{{9}})(?!\d)", "UMIN{}"),
    # Australia and New Zealand
    (rf"(?<![A-Za-z0-9])ACTRN{_GAP}(\d{{14}})(?!\d)", "ACTRN{}"),
    # India
    (r"(?<![A-Za-z0-9])CTRI\s?/\s?(\d{4})\s?/\s?(\d{2,3})\s?/\s?(\d{6})(?!\d)", "CTRI/{}/{}/{}"),
    # Germany
    (rf"(?<![A-Za-z0-9])DRKS{_GAP}(\d{{8}})(?!\d)", "DRKS{}"),
)
_NUMBERS = tuple(
    (
        shape.upper().partition("{")[0].partition("-")[0].rstrip("/"),
        re.compile(form, re.IGNORECASE),
        shape,
    )
    for form, shape in _REGISTERS
)
"""The letters of each register in capitals, its form and how it is printed."""

_DIGITS = bytes(48 if chr(sign).isdecimal() and sign < 128 else 32 for sign in range(256))
"""Every digit as 0, everything else as a blank: a fifth of the time that a pattern takes."""
_EUROPEAN = re.compile(r"20\d\d-\d{6}-\d\d")
"""What both European forms have; they have no letters by which to pass them over."""

_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2212"

LONGEST = 100_000
"""Characters of an abstract that are read, as for the labels."""


def trials(article: Article) -> tuple[str, ...]:
    """Trials that an article names: the record's own list first, then in reading order.

    A number of the record's list that has no form we know is kept as the record has it.
    """
    found = [number for given in article.trial_ids for number in _numbers(given) or [given.strip()]]
    for text in _texts(article):
        found += _numbers(text)
    return tuple(dict.fromkeys(number for number in found if number))


def _texts(article: Article) -> Iterator[str]:
    yield article.title[:LONGEST]
    left = LONGEST
    for section in article.abstract:
        yield section.text[:left]
        left = max(0, left - len(section.text))
    yield from (keyword[:LONGEST] for keyword in article.keywords)


def _numbers(text: str) -> list[str]:
    """Every number in a text, in reading order."""
    if not _has_long_number(text):
        return []
    plain = _dashed(text)
    capitals = plain.upper()
    european = _EUROPEAN.search(plain)
    found: list[tuple[int, str]] = []
    for letters, form, shape in _NUMBERS:
        if letters in capitals if letters else european:
            found += [(hit.start(), _written(hit, shape)) for hit in form.finditer(plain)]
    return [number for _, number in sorted(found)]


def _has_long_number(text: str) -> bool:
    """Whether six digits follow each other, as in every form; most texts have none."""
    # A lone surrogate is no text, but what JSON may bring.
    return b"000000" in text.encode("utf-8", "surrogatepass").translate(_DIGITS)


def _dashed(text: str) -> str:
    """The text with one kind of dash."""
    if not text.isascii():
        for dash in _DASHES:
            text = text.replace(dash, "-")
    return text


def _written(hit: "re.Match[str]", shape: str) -> str:
    """As the register prints it: letters of a kind in capitals, the "s" of jRCT small."""
    parts = [part or "" for part in hit.groups()]
    small = shape.startswith("jRCT")
    parts = [part.lower() if small else part.upper() for part in parts]
    return shape.format(*parts).rstrip("-")
