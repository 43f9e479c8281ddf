"""World and evidence side by side, with what several rules of the judge look up."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Literal

from tests.chaos.evidence import Announced, Evidence, Key
from tests.chaos.expect import people
from tests.chaos.papers import Paper
from tests.chaos.readers import START, Reader
from tests.chaos.received import Received
from tests.chaos.world import Plan

UNASKED_DAYS = 2
"""A paper that stood for no longer may have come and gone between two polls."""


@dataclass(frozen=True)
class Finding:
    """What contradicts a promise; `pmid` where it is about one paper."""

    kind: Literal["lost", "duplicated", "unaccounted", "forbidden"]
    says: str
    pmid: int | None = None


@dataclass(frozen=True)
class Told:
    """One digest as its reader has it, however often it came: all that it told of."""

    digest: str
    reader: Reader
    pmids: frozenset[int]
    notices: tuple[int, ...]
    cut_at: datetime
    copies: int
    first_at: float


@dataclass(frozen=True)
class Case:
    """What the judge has before it."""

    plan: Plan
    evidence: Evidence

    @property
    def papers(self) -> Mapping[int, Paper]:
        """The truth by PMID."""
        return self.plan.library.papers

    @cached_property
    def readers(self) -> dict[str, Reader]:
        """The subscriptions by id."""
        return {one.id: one for one in self.plan.readers}

    @cached_property
    def people(self) -> dict[str, list[Reader]]:
        """The subscriptions of each address."""
        return people(self.plan.readers)

    @cached_property
    def events(self) -> dict[str, Announced]:
        """The archive without what was carried twice, by id."""
        return {event.id: event for event in self.evidence.archive}

    @cached_property
    def copies(self) -> dict[str, list[Received]]:
        """The mails by the id of their digest."""
        found: dict[str, list[Received]] = defaultdict(list)
        for mail in self.evidence.mails:
            found[digest_of(mail)].append(mail)
        return found

    @property
    def repeats(self) -> int:
        """Mails that came again under the same Message-ID."""
        return sum(len(mails) - 1 for mails in self.copies.values())

    @cached_property
    def delivered(self) -> dict[str, Announced]:
        """The events of delivered digests by the id of the digest."""
        found = self.events.values()
        return {one.subject: one for one in found if one.key == "digest.delivered"}

    @cached_property
    def told(self) -> dict[str, list[Told]]:
        """What each person was told, digest by digest, by address."""
        found: dict[str, list[Told]] = defaultdict(list)
        for digest, mails in self.copies.items():
            cut = self.evidence.cuts.get(digest)
            if cut is not None and cut.subscription in self.readers:
                one = self._told(digest, self.readers[cut.subscription], mails)
                found[one.reader.address].append(one)
        return found

    def _told(self, digest: str, reader: Reader, mails: Sequence[Received]) -> Told:
        # A long digest names its last items on a page only: the event about it has them all.
        event = self.delivered.get(digest)
        pmids = {pmid for mail in mails for pmid in mail.pmids}
        shown = {pmid for mail in mails for pmid in mail.notices}
        return Told(
            digest=digest,
            reader=reader,
            pmids=frozenset(pmids | set(event.pmids if event else ())),
            notices=tuple(sorted(shown | set(event.notices if event else ()))),
            cut_at=parsedate_to_datetime(mails[0].date),
            copies=len(mails),
            first_at=min(mail.at for mail in mails),
        )

    @cached_property
    def times(self) -> dict[str, Counter[int]]:
        """How often each person was told of each paper, by address; repeats count once."""
        return {
            address: Counter(pmid for one in told for pmid in one.pmids)
            for address, told in self.told.items()
        }

    @cached_property
    def status_known(self) -> dict[Key, datetime]:
        """When the notifier first heard what became of a paper, by its simulated clock."""
        found: dict[Key, datetime] = {}
        for event in self.events.values():
            at = self.evidence.noticed.get(event.id)
            if event.key != "article.classified" or at is None:
                continue
            key = Key(event.topic, int(event.subject))
            paper = self.papers.get(key.pmid)
            if paper and event.status == paper.status:
                found[key] = min(at, found.get(key, at))
        return found

    @cached_property
    def given_up(self) -> set[tuple[str, int]]:
        """Papers, by address, that count as told by a digest that was given up unanswered."""
        cuts, times = self.evidence.cuts, self.times
        rows = (row for row in self.evidence.ledger if row.kind == "article")
        pairs = {
            (self.readers[row.subscription].address, row.pmid)
            for row in rows
            if cuts[row.digest].state == "failed" and cuts[row.digest].maybe_sent
        }
        return {(who, pmid) for who, pmid in pairs if not times.get(who, Counter())[pmid]}

    @cached_property
    def polled(self) -> dict[str, list[datetime]]:
        """When the polls of each topic began, by the simulated clock."""
        found: dict[str, list[datetime]] = defaultdict(list)
        for event in self.events.values():
            if event.key == "poll.completed" and event.started is not None:
                found[event.topic].append(event.started)
        return found

    def is_beyond_knowing(self, topic: str, paper: Paper) -> bool:
        """Whether PubMed deleted it soon, and before any poll of the topic could have seen it.

        A day or two is what may be between two polls under fire; who did not ask for longer is
        not excused.
        """
        if paper.gone_day is None or paper.gone_day - paper.day > UNASKED_DAYS:
            return False
        entered, gone = (START + timedelta(days=day) for day in (paper.day, paper.gone_day))
        return not any(entered <= at < gone for at in self.polled[topic])

    @cached_property
    def unseen(self) -> list[Key]:
        """What no topic's store has, as PubMed did not have it when it was asked."""
        return [
            Key(topic, paper.pmid)
            for paper in self.papers.values()
            for topic in paper.relations
            if Key(topic, paper.pmid) not in self.evidence.kept
            and self.is_beyond_knowing(topic, paper)
        ]

    def day_of(self, at: datetime) -> int:
        """The day of the catalogue that an instant is in."""
        return (at - START).days

    def simulated(self, at: float) -> datetime | None:
        """What the clock showed at a real time; None before it was first set."""
        shown = [instant for since, instant in self.evidence.clock if since <= at]
        return shown[-1] if shown else None


def digest_of(mail: Received) -> str:
    """The id of a digest stands before the @ of its Message-ID."""
    return mail.message_id.strip("<>").partition("@")[0]
