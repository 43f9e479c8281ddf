"""The MD5 sums that NLM puts beside its files, and the sums of what is here."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from shared.errors import Permanent

_PIECE = 1 << 20
_NLM = re.compile(r"MD5\s*\(([^)]+)\)\s*=\s*([0-9a-f]{32})\s*", re.IGNORECASE)
_MD5SUM = re.compile(r"([0-9a-f]{32})(?:\s+\*?(\S.*))?\s*", re.IGNORECASE)


class WrongSum(Permanent):
    """A file is not the one that its MD5 file is about."""


@dataclass(frozen=True)
class Sums:
    """What a file's bytes add up to, in hexadecimal digits, and how many bytes there are."""

    md5: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Checked:
    """A file as it is here; `error` is set when it is not as NLM made it.

    `has_md5` is False when there was nothing to hold it against.
    """

    sums: Sums
    has_md5: bool
    error: str | None = None


def check(path: Path) -> Checked:
    """Add up a file, and hold it against `FILE.md5` beside it. Runs in a worker process.

    Raises:
        OSError: the file cannot be read.
    """
    sums = sums_of(path)
    try:
        expected = expected_md5(path)
    except WrongSum as fault:
        return Checked(sums, has_md5=True, error=f"{fault}; download both again")
    if expected in (None, sums.md5):
        return Checked(sums, has_md5=expected is not None)
    error = f"{path.name}: its MD5 sum is not the one in {path.name}.md5; download both again"
    return Checked(sums, has_md5=True, error=error)


def sums_of(path: Path) -> Sums:
    """The sums of a file, read in pieces."""
    md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            md5.update(piece)
            sha256.update(piece)
            size += len(piece)
    return Sums(md5.hexdigest(), sha256.hexdigest(), size)


def expected_md5(path: Path) -> str | None:
    """The sum in the MD5 file beside `path`; None when there is no such file.

    It may be as NLM writes it, `MD5(pubmed26n1335.xml.gz)= 2f...`, or as md5sum does.

    Raises:
        WrongSum: there is no sum in it, or it is about another file.
        OSError: it is there and cannot be read.
    """
    beside = path.with_name(f"{path.name}.md5")
    try:
        text = beside.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        return None
    if found := _NLM.fullmatch(text):
        name, digits = found[1], found[2]
    elif found := _MD5SUM.fullmatch(text):
        name, digits = found[2] or path.name, found[1]
    else:
        raise WrongSum(f"{beside.name}: there is no MD5 sum in it")
    if Path(name.strip()).name != path.name:
        raise WrongSum(f"{beside.name}: it is about {Path(name.strip()).name}, not {path.name}")
    return digits.lower()
