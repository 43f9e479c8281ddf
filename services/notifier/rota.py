"""In what order those have their turn for whom a digest is due: everybody, however many."""

from bisect import bisect_right
from collections.abc import Iterable


class Rota:
    """Goes round: it begins behind the one that had its turn last.

    Where more is due than can be cut, an order that always begins at the same end serves the same
    readers again and again, as an immediate one is due anew every quarter of an hour, and the
    others never. `after` is behind whom the first round begins: notifiers that begin at different
    places are not in each other's way.
    """

    def __init__(self, after: str = "") -> None:
        self._after = after

    def ordered(self, ids: Iterable[str]) -> list[str]:
        """The same ids, from the one whose turn it is."""
        around = sorted(ids)
        first = bisect_right(around, self._after)
        return around[first:] + around[:first]

    def had(self, subscription_id: str) -> None:
        """Note that it had its turn, whatever came of it."""
        self._after = subscription_id
