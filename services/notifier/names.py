"""Journals and authors by the names that readers write.

Pure. A journal is known by its title, its abbreviation or its ISSN; an author as PubMed writes
them ("Schett G"), as one says it ("Georg Schett", "Schett, Georg"), by ORCID, or as a group by its
whole name.

Who follows an author would rather see a paper too many; who mutes one, lose none that is not
theirs. So a followed name also matches where it is shorter than the printed one ("Schett G" is
"Schett GA", and "Georg Schett" is "Schett G" where the first name is not printed), and a last name
alone is everybody of that name; to be muted, an author must be called exactly so.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from services.notifier.spelling import folded
from shared.article import Author, Journal

_ORCID = re.compile(r"(?:https?://orcid\.org/)?(\d{4})-?(\d{4})-?(\d{4})-?(\d{3}[\dx])")
"""https://support.orcid.org/: sixteen digits, the last one may be an X."""

_NO_NAME = re.compile(r"[.,;:'\u2019\u2010-\u2015-]+")
_PLACE = re.compile(r"\s*\([^)]*\)$")
"""PubMed tells journals of one name apart by their place: "Lancet (London, England)"."""


def is_journal(journal: Journal, wanted: str) -> bool:
    """Whether a journal is the one that a reader means."""
    name = _journal(wanted)
    known = (journal.title, journal.abbreviation or "", journal.issn or "")
    return bool(name) and any(name == _journal(one) for one in known if one)


@lru_cache(maxsize=8192)
def _journal(name: str) -> str:
    words = _NO_NAME.sub(" ", _PLACE.sub("", folded(name).strip())).replace("&", " and ").split()
    return " ".join(words[1:] if words[:1] == ["the"] else words)


def is_author(author: Author, wanted: str, *, strictly: bool = False) -> bool:
    """Whether an author is the one that a reader means; `strictly`, to be muted."""
    orcid = _orcid(wanted)
    if orcid:
        return orcid == _orcid(author.orcid or "")
    name = _words(wanted)
    if author.collective_name:
        return name == _words(author.collective_name)
    splits = _by_last(wanted).get(_words(author.last_name or ""), ())
    return bool(name) and any(_is_called(author, split, strictly=strictly) for split in splits)


def _orcid(text: str) -> str | None:
    found = _ORCID.fullmatch(folded(text).strip())
    return "".join(found.groups()) if found else None


@lru_cache(maxsize=8192)
def _words(name: str) -> tuple[str, ...]:
    return tuple(_NO_NAME.sub(" ", folded(name)).split())


@dataclass(frozen=True)
class _Split:
    """A name as written, taken as a last name and given ones."""

    last: tuple[str, ...]
    given: tuple[str, ...]


@lru_cache(maxsize=8192)
def _by_last(wanted: str) -> Mapping[tuple[str, ...], Sequence[_Split]]:
    """The ways to read a name, by the last name in each.

    One is looked up, not tried out: a stranger's preview may have a hundred names of fifty words.
    """
    found: dict[tuple[str, ...], list[_Split]] = {}
    for split in _splits(wanted):
        found.setdefault(split.last, []).append(split)
    return found


@lru_cache(maxsize=8192)
def _splits(wanted: str) -> tuple[_Split, ...]:
    """Every way to read the name: the comma says where it ends, else either side may be first."""
    last, comma, given = wanted.partition(",")
    if comma:
        return (_Split(_words(last), _words(given)),)
    words = _words(wanted)
    cuts = range(1, len(words))
    found = [_Split(words[:at], words[at:]) for at in cuts]
    found += [_Split(words[at:], words[:at]) for at in cuts]
    return tuple(dict.fromkeys((*found, _Split(words, ()))))


def _is_called(author: Author, wanted: _Split, *, strictly: bool) -> bool:
    if not wanted.last or wanted.last != _words(author.last_name or ""):
        return False
    fore, initials = _words(author.fore_name or ""), "".join(_words(author.initials or ""))
    given, short = wanted.given, "".join(wanted.given)
    if given and (given == fore or short == initials):
        return True
    if strictly:
        return False
    return _agrees(given, short, fore, initials)


def _agrees(given: tuple[str, ...], short: str, fore: tuple[str, ...], initials: str) -> bool:
    """Whether given names that differ from the printed ones may be the same person's."""
    if not given or given == fore[: len(given)] or (fore and fore == given[: len(fore)]):
        return True
    is_short = len(short) <= len(given) + 2 and len(given) == 1
    if is_short and initials.startswith(short):
        return True
    first = "".join(name[0] for name in given)
    printed_short = all(len(name) == 1 for name in fore)
    return printed_short and bool(initials) and _begins(first, initials)


def _begins(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)
