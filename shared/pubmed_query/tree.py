"""What a query says: terms, days, and how they are combined."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Literal

from shared.pubmed_query.fields import Field

Operator = Literal["AND", "OR", "NOT"]


@dataclass(frozen=True)
class Term:
    """Words searched in one field. `tagged` is False where the query left the field open."""

    text: str
    field: Field
    quoted: bool
    tag: str | None

    @property
    def tagged(self) -> bool:
        """Whether the query named a field PubMed knows."""
        return self.tag is not None


@dataclass(frozen=True)
class DateRange:
    """Days from `start` to `end`, both included, of a date field.

    `since` and `until` are the times (UTC) on the first and the last day, where the query has them.
    """

    start: date
    end: date
    field: Field
    since: time = time.min
    until: time = time.max

    @property
    def span(self) -> tuple[datetime, datetime]:
        """The first and the last instant."""
        first = datetime.combine(self.start, self.since, UTC)
        return first, datetime.combine(self.end, self.until, UTC)


@dataclass(frozen=True)
class LastDays:
    """The last `days` days up to today of a date field."""

    days: int
    field: Field


@dataclass(frozen=True)
class Combination:
    """Two parts joined by an operator; `grouped` if the query had parentheses around them."""

    operator: Operator
    left: "Node"
    right: "Node"
    grouped: bool = False


Node = Term | DateRange | LastDays | Combination


@dataclass(frozen=True)
class Query:
    """A parsed query: the tree, and what the parser had to leave out."""

    tree: Node | None
    unknown_fields: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    group_tag_ignored: bool = False
