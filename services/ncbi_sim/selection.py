"""The ids a request is about: an id list, or a page of a set on the history server."""

from services.ncbi_sim.history import History
from services.ncbi_sim.paging import cut
from services.ncbi_sim.params import Params


def uses_history(params: Params) -> bool:
    """Whether the request names a set on the history server."""
    return bool(params.get("WebEnv") or params.get("query_key"))


def selected(params: Params, history: History) -> list[str]:
    """The ids, each once. Of a kept set no more can be retrieved than of a search.

    Raises:
        UnknownQueryError: the history server has no such set.
        StartError: `retstart` is beyond what can be retrieved.
    """
    if not uses_history(params):
        return params.ids()
    uids = history.read(params.get("WebEnv"), params.get("query_key"))
    start, count = params.number("retstart", 0), params.number("retmax", history.cap)
    return list(cut(uids, start, count, history.cap).uids)
