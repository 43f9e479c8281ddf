"""The window that retstart and retmax cut out of a result, with PubMed's limit of 9,999 records."""

from collections.abc import Sequence
from dataclasses import dataclass

LIMIT = 9999
MAX_START = LIMIT - 1

START_ERROR = (
    "Search Backend failed: Exception:\n"
    f"'retstart' cannot be larger than {MAX_START}. For PubMed, ESearch can only retrieve the "
    "first 9,999 records matching the query. To obtain more than 9,999 PubMed records, consider "
    "using EDirect that contains additional logic to batch PubMed search results automatically "
    "so that an arbitrary number can be retrieved. For details see "
    "https://www.ncbi.nlm.nih.gov/books/NBK25499/"
)


class StartError(ValueError):
    """`retstart` lies beyond the records that can be retrieved."""


@dataclass(frozen=True)
class Page:
    """The ids of a window, and NCBI's remark if the limit made it smaller than asked for."""

    uids: Sequence[str]
    start: int
    remark: str | None = None


def cut(uids: Sequence[str], start: int, count: int) -> Page:
    """The window of `count` ids from `start`.

    Raises:
        StartError: `start` is larger than 9,998.
    """
    if start > MAX_START:
        raise StartError(START_ERROR)
    allowed = min(count, LIMIT - start)
    cut_short = allowed < min(count, len(uids) - start)
    remark = f"Restrictions achieved. start and count adjusted to {start}, {allowed}"
    return Page(uids[start : start + allowed], start, remark if cut_short else None)
