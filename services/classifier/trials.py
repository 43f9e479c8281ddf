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

_LONG_NUMBER = re.compile(r"[0-9][0-9]{5}")
"""What every form has; most texts have none, and need not be looked through form by form."""

_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"))

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
    if not _LONG_NUMBER.search(text):
        return []
    plain = text.translate(_DASHES)
    capitals = plain.upper()
    found: list[tuple[int, str]] = []
    for letters, form, shape in _NUMBERS:
        if letters in capitals:
            found += [(hit.start(), _written(hit, shape)) for hit in form.finditer(plain)]
    return [number for _, number in sorted(found)]


def _written(hit: "re.Match[str]", shape: str) -> str:
    """As the register prints it: letters of a kind in capitals, the "s" of jRCT small."""
    parts = [part or "" for part in hit.groups()]
    small = shape.startswith("jRCT")
    parts = [part.lower() if small else part.upper() for part in parts]
    return shape.format(*parts).rstrip("-")
