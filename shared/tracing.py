"""What is told of the line's work to a collector of traces, where one is set; else nothing is done.

Whose work it is stands in the event: its `traceparent` follows from its id (`shared.events`), and
so do trace and span. What is written to an outbox is one span with just these ids, in whatever
process; what is done about the event is told under it. So nothing but the body has to travel, and
no byte of it depends on whether anybody watches. A replay gives its events other `traceparent`s:
it is told as traces of its own.

Attributes are ids, counts and kinds: never an address, a URL or a text.
"""

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Protocol, Self

Value = str | int | float | bool | None
"""Of an attribute; one that is None is left out."""
Kind = Literal["inside", "client", "producer", "consumer"]


class Span(Protocol):
    """Work that is under way."""

    def note(self, **attributes: Value) -> None:
        """Add attributes."""

    def failed(self, fault: BaseException) -> None:
        """It came to nothing; the kind of the fault is told, and not its words."""


@dataclass(frozen=True)
class Ended:
    """Work that is over: since when (ns since 1970), and what it is told as.

    `at` is the `traceparent` that names this span, `under` the one of its parent, `links` are those
    of others, each with its PMID where it has one. Without `under` it begins a trace.
    """

    name: str
    since: int
    at: str | None = None
    under: str | None = None
    links: Sequence[tuple[str, int | None]] = ()
    kind: Kind = "inside"


class Tracer(Protocol):
    """Who tells it."""

    def span(
        self, name: str, kind: Kind, under: str | None, attributes: Mapping[str, Value]
    ) -> AbstractContextManager[Span]:
        """Work from here to the end of the block; what is raised in it is told as its fault."""

    def ended(self, work: Ended, attributes: Mapping[str, Value]) -> None:
        """Tell of work that is over."""

    def here(self) -> str | None:
        """The `traceparent` of the work that is under way here."""


class _Untold:
    """Work that is told to nobody."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return

    def note(self, **attributes: Value) -> None:
        """Nobody hears it."""

    def failed(self, fault: BaseException) -> None:
        """Nobody hears it."""


_UNTOLD = _Untold()
_TRACER: ContextVar[Tracer | None] = ContextVar("carillon_tracer", default=None)


@contextmanager
def told_to(tracer: Tracer | None) -> Iterator[None]:
    """What is done in this block, and by tasks that begin in it, is told to this one."""
    token = _TRACER.set(tracer)
    try:
        yield
    finally:
        _TRACER.reset(token)


def tracer() -> Tracer | None:
    """Who is told of what is done here; None where nobody is."""
    return _TRACER.get()


def span(
    name: str, kind: Kind = "inside", under: str | None = None, **attributes: Value
) -> AbstractContextManager[Span]:
    """Work from here to the end of the block, under `under` or what is under way here."""
    teller = _TRACER.get()
    return _UNTOLD if teller is None else teller.span(name, kind, under, attributes)


def span_of(
    name: str, kind: Kind, body: bytes, **attributes: Value
) -> AbstractContextManager[Span]:
    """The same, for work on an event: under the span that its body names."""
    teller = _TRACER.get()
    return _UNTOLD if teller is None else teller.span(name, kind, named_in(body), attributes)


def now() -> int:
    """Of the machine (ns since 1970): collectors do not live in simulated time."""
    return time.time_ns()


_NAMED = re.compile(rb'"traceparent": ?"([0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2})"')


def named_in(body: bytes) -> str | None:
    """The `traceparent` in an event's body. In a text, JSON would have escaped the quotes."""
    found = _NAMED.search(body)
    return found[1].decode() if found else None


def ids_in(traceparent: str | None) -> dict[str, str]:
    """What a log line about this one says, where somebody listens.

    For lines that are written about several events at once: `span` sees to all others.
    """
    if _TRACER.get() is None or not traceparent:
        return {}
    _, trace, own, _ = traceparent.split("-")
    return {"trace_id": trace, "span_id": own}


def links_to(traceparents: Iterable[str | None]) -> list[tuple[str, int | None]]:
    """Links to these, where there are any."""
    return [(one, None) for one in traceparents if one]
