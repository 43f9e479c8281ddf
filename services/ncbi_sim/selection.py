"""The ids a request is about: an id list, or a page of a set on the history server."""

from services.ncbi_sim.history import History
from services.ncbi_sim.paging import LIMIT
from services.ncbi_sim.params import Params


def uses_history(params: Params) -> bool:
    """Whether the request names a set on the history server."""
    return bool(params.get("WebEnv") or params.get("query_key"))


def selected(params: Params, history: History, default_count: int = LIMIT) -> list[str]:
    """The ids, each once.

    Raises:
        UnknownQueryError: the history server has no such set.
    """
    if not uses_history(params):
        return params.ids()
    uids = history.read(params.get("WebEnv"), params.get("query_key"))
    start = params.number("retstart", 0)
    count = params.number("retmax", default_count)
    # The back end that serves PubMed's records has the same limit as its search.
    return list(uids[start : min(start + count, LIMIT)])
