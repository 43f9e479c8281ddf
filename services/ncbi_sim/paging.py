"""The window that retstart and retmax cut out of a result, with PubMed's cap of 9,999 records."""

from collections.abc import Sequence
from dataclasses import dataclass

CAP = 9_999

_START_ERROR = (
    "Search Backend failed: Exception:\n"
    "'retstart' cannot be larger than {last}. For PubMed, ESearch can only retrieve the "
    "first {cap:,} records matching the query. To obtain more than {cap:,} PubMed records, "
    "consider "
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


def cut(uids: Sequence[str], start: int, count: int, cap: int = CAP) -> Page:
    """The window of `count` ids from `start`, none of them beyond the first `cap`.

    Raises:
        StartError: `start` is beyond them.
    """
    if start >= cap:
        raise StartError(_START_ERROR.format(last=cap - 1, cap=cap))
    allowed = min(count, cap - start)
    cut_short = allowed < min(count, len(uids) - start)
    remark = f"Restrictions achieved. start and count adjusted to {start}, {allowed}"
    return Page(uids[start : start + allowed], start, remark if cut_short else None)
