"""Which consumer's queue a replayed event goes to, and which events go to none."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from services.console.archive.recorded import Recorded
from shared.broker import LARGEST
from shared.errors import ConfigurationError
from shared.events import ArticleClassified, ReplayFinished, Undecodable
from shared.topology import CONSUMERS, ConsumerQueue

BROKER = "broker"
"""The target that means every consumer; any other is the name of one consumer's queue."""

Why = Literal["unreadable", "too-large", "nobodys", "told-anew", "made-by-a-replay", "repeated"]
WORDS: dict[Why, str] = {
    "unreadable": "no event that this version can read",
    "too-large": "larger than a queue takes",
    "nobodys": "for none of these consumers",
    "told-anew": "labelled anew by the classifier (--type article.classified sends what was said)",
    "made-by-a-replay": "made by an earlier replay (--replay ID selects them)",
    "repeated": "in the archive twice",
}
_NAME = re.compile(r"[!-~]{1,100}")
_MARKS_ROOM = 10_000
"""Bytes that marks may add to a body; far more than they do."""


@dataclass(frozen=True)
class Routes:
    """Where the events of one replay go. What is in `told_anew` is made by a consumer again."""

    queues: tuple[ConsumerQueue, ...]
    told_anew: frozenset[str] = frozenset()

    def of(self, entry: Recorded) -> ConsumerQueue | Why:
        """The queue of an event, or why it goes to none.

        The end of a replay is no past to go through again, whoever listens to it.
        """
        try:
            key = entry.event().ROUTING_KEY
        except Undecodable:
            return "unreadable"
        if not _NAME.fullmatch(entry.event_id):
            return "unreadable"
        if len(entry.body) > LARGEST - _MARKS_ROOM:
            return "too-large"
        if key in self.told_anew:
            return "told-anew"
        if key == ReplayFinished.ROUTING_KEY:
            return "nobodys"
        wanting = (queue for queue in self.queues if key in queue.bindings)
        return next(wanting, None) or "nobodys"


def routes(target: str, types: Collection[str], *, forced: bool) -> Routes:
    """The routes of a replay to a target, of the types that were asked for by name, if any were.

    Forced, a discovery makes its `article.classified` anew; what was recorded of it would be a
    second one. So that type is left to the classifier then, unless it is asked for by name.

    Raises:
        ConfigurationError: there is no such consumer, or it takes none of a type asked for.
    """
    if target == BROKER:
        own = frozenset({ArticleClassified.ROUTING_KEY})
        return Routes(CONSUMERS, own if forced and not types else frozenset())
    queue = next((one for one in CONSUMERS if one.name == target), None)
    if queue is None:
        names = " or ".join(one.name for one in CONSUMERS)
        raise ConfigurationError(f"--queue: {target!r} is no consumer's queue; it may be {names}")
    if foreign := sorted(set(types) - set(queue.bindings)):
        raise ConfigurationError(
            f"--queue {target}: it takes {' and '.join(queue.bindings)}, and no {foreign[0]}"
        )
    return Routes((queue,))
