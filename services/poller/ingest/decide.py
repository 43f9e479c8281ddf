"""What a record of a file does to what the topic knows. Pure, on top of the rules of polls.

A file is days or a year old when it is taken in, and a poll may have read the same record since.
NLM dates every change of a record (`DateRevised`), so the older of two is told from the newer.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from services.poller.ingest.spool import Taken
from services.poller.legs import Asked, Plan, leg_key, merge
from services.poller.poll import Decision, Entry, Found, Moment, Waiting, discover, revisit
from shared.article import Article, Status
from shared.events import Reason, Relation

UNDELETED = timedelta(days=3)
"""An article read at PubMed so much later than a file was made is there, whatever the file says.

Files are made up to a day or two after the last change that is in them.
"""


@dataclass(frozen=True)
class News:
    """What is news to a topic: what entered PubMed after `since`.

    `complete` are the legs, by their keys, of which polls have had all: a record that was changed
    after `since`, and so comes to match one of them, is late and news as it is in a poll.
    """

    since: datetime
    complete: frozenset[str] = frozenset()

    def late(self, article: Article, reasons: Iterable[Reason]) -> Relation | None:
        """By which relation a record may have come to match lately.

        Indexing takes months, and so does the list of what a paper cites.
        """
        if article.revised_on is None or article.revised_on < self.since.date():
            return None
        kinds = {
            one.relation for one in reasons if leg_key(one.relation, one.name) in self.complete
        }
        return next((kind for kind in ("cited-by", "query") if kind in kinds), None)


@dataclass(frozen=True)
class Edition:
    """A file as its records are judged by it.

    `newest` is the last day on which NLM touched one of its records: it was made on that day or
    soon after.
    """

    moment: Moment
    news: News
    newest: date | None

    @property
    def read_on(self) -> datetime:
        """When its records were PubMed's, at the latest that is certain; never in the future."""
        day = self.newest or date.min
        return min(datetime.combine(day, time(), UTC), self.moment.now)


def last_versions(taken: Iterable[Taken]) -> dict[int, Taken]:
    """Of each PMID the highest version, and of equal ones the last in the file."""
    kept: dict[int, Taken] = {}
    for one in taken:
        before = kept.get(one.article.pmid)
        if before is None or one.article.version >= before.article.version:
            kept[one.article.pmid] = one
    return kept


def decide(
    taken: Taken, entry: Entry | None, waiting: Waiting | None, edition: Edition
) -> Decision:
    """What becomes of a record: a discovery, a revision, or another reason for a known article.

    It counts as read when the file was made, not now: polls read it again soon.
    """
    late = edition.news.late(taken.article, taken.reasons)
    found = found_for(taken.reasons, waiting, edition, late)
    if entry is None:
        decision = discover(taken.article, found, edition.moment)
        return _read(decision, edition.read_on)
    if is_older(taken.article, entry, edition.newest):
        return revisit(entry, None, found, edition.moment)
    decision = revisit(entry, taken.article, found, edition.moment)
    return _read(decision, max(edition.read_on, entry.reread_at))


def _read(decision: Decision, at: datetime) -> Decision:
    return replace(decision, entry=replace(decision.entry, reread_at=at))


def found_for(
    reasons: tuple[Reason, ...],
    waiting: Waiting | None,
    edition: Edition,
    late: Relation | None = None,
) -> Found:
    """The reasons as those of a leg that asks for the first time: old articles are background.

    What is late has those of a leg that asks again: for links, or for the whole past. What the
    seed cites is news only within the topic's look-back.
    """
    moment = edition.moment
    lookback = moment.now - moment.topic.lookback
    is_reference = bool(reasons) and all(one.relation == "references" for one in reasons)
    since = lookback if is_reference else edition.news.since
    plan = Plan(late or "query", "ingest", whole=late == "query")
    leg = Asked(plan, first=late is None, news_from=since)
    both = merge(waiting.reasons if waiting else (), reasons)
    return Found(both, (leg,), waiting)


def is_older(article: Article, entry: Entry, newest: date | None = None) -> bool:
    """Whether the record is from before what is known of the article; `newest` is its file's day.

    Where that was stored without its day, the day counts on which it was read. Of two of the same
    day the later file counts, unless PubMed was read when the file was old: not every change moves
    the day. Nothing of the day of its deletion brings an article back.
    """
    stored = entry.article
    read_on = entry.reread_at.astimezone(UTC).date()
    if article.version != stored.version:
        return article.version < stored.version
    revised = article.revised_on or date.min
    if stored.status is Status.DELETED:
        return revised <= max(stored.revised_on or read_on, read_on)
    day = stored.revised_on or read_on
    return revised < day or (revised == day and _was_read_since(entry, newest))


def _was_read_since(entry: Entry, newest: date | None) -> bool:
    """Whether an article was read at PubMed well after a file was made."""
    return newest is not None and entry.reread_at.date() > newest + UNDELETED


def delete(entry: Entry, edition: Edition) -> Decision | None:
    """What becomes of a known article that NLM has taken out; None when that is no news."""
    if _was_read_since(entry, edition.newest):
        return None
    if entry.article.status is Status.DELETED:
        return None
    gone = entry.article.model_copy(update={"status": Status.DELETED})
    decision = revisit(entry, gone, Found(), edition.moment)
    return _read(decision, max(edition.read_on, entry.reread_at))
