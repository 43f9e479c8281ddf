"""Which articles a digest brings to a subscriber, and which of those sent need a notice.

Pure. News are articles of the topic that

- are no backfill, and neither retracted nor withdrawn nor taken out of PubMed;
- pass the subscriber's filters (`match`);
- are not in the subscriber's ledger: what was sent once is not sent again, whatever changed;
- were discovered, or became relevant, less than 30 days before the subscription began, so that a
  first digest brings the last 30 days; and
- were discovered, classified for the first time, or became relevant less than 30 days before the
  end of the last digest. So a late or failed one is made up for, while filters that are widened
  and rules that change bring no flood of old papers.

An article becomes relevant when a revision of its text brings it into scope or adds a label:
PubMed often has the title first, and the abstract and MeSH terms weeks later.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.notifier.digest import Notice
from services.notifier.item import clean
from services.notifier.match import admits, against
from services.notifier.project import Known
from services.notifier.standing import GONE, STANDINGS, is_gone
from services.notifier.subscription import Subscription
from shared.article import Article, Correction, Status
from shared.events import Classified

LOOKBACK = timedelta(days=30)


@dataclass(frozen=True)
class Period:
    """What a digest covers: later than `start`, up to and including `end`, its due instant.

    `carried` is from when the last digest looked for news, if it had to leave some for this one.
    `cut_at` is when the digest is made: what was discovered later than that was so by a clock that
    has been put back since, and does not wait for that clock's time to come again.
    """

    start: datetime
    end: datetime
    carried: datetime | None = None
    cut_at: datetime | None = None

    @classmethod
    def of(cls, subscription: Subscription, last_end: datetime | None, end: datetime) -> "Period":
        """From the end of the last digest, and from 30 days before its subscription at most.

        Who left and came back subscribed when they came back.
        """
        first = subscription.created_at - LOOKBACK
        return cls(max(last_end or first, first), end)

    def has_seen(self, at: datetime) -> bool:
        """Whether what was discovered then was there at the period's end."""
        return at <= self.end or (self.cut_at is not None and at > self.cut_at)

    def floor(self, subscription: Subscription) -> datetime:
        """What was discovered and classified before this is no news any more."""
        floor = max(self.start, subscription.created_at) - LOOKBACK
        return min(floor, self.carried or floor)


@dataclass(frozen=True)
class Sent:
    """An article that a subscriber was sent: when, what its status was, what it is now.

    `noticed` are the statuses of which a notice is in the ledger already.
    """

    known: Known
    delivered_at: datetime
    status_then: Status
    noticed: frozenset[Status] = frozenset()


def news(
    subscription: Subscription, articles: Iterable[Known], told: Collection[int], period: Period
) -> list[Classified]:
    """The entries for the next digest; `told` are the PMIDs in the subscriber's ledger."""
    return [
        known.entry
        for known in articles
        if known.entry.topic == subscription.topic
        and known.pmid not in told
        and is_news(known, subscription, period)
    ]


def is_news(known: Known, subscription: Subscription, period: Period) -> bool:
    """Whether an article that this subscriber was not sent is news; the rules are above."""
    return (
        not known.backfill
        and known.status not in GONE
        and period.has_seen(known.discovered_at)
        and known.is_new_since > subscription.created_at - LOOKBACK
        and max(known.is_new_since, known.first_seen_at) > period.floor(subscription)
        and admits(subscription.filters, known.features)
    )


def no_news(known: Known, subscription: Subscription, period: Period) -> str | None:
    """Why an article is no news to this subscriber, in an operator's words; None when it is.

    What was told already is not its question, as it is not that of `is_news`.
    """
    if known.backfill:
        return "background: it was there before the watch began"
    if known.status in GONE:
        return f"no news any more: it is {known.status.value}"
    if not period.has_seen(known.discovered_at):
        return "found after its next digest is due, by a clock that is ahead"
    if known.is_new_since <= subscription.created_at - LOOKBACK:
        return "older than the subscription by more than 30 days"
    if max(known.is_new_since, known.first_seen_at) <= period.floor(subscription):
        return "older than what its next digest looks back to"
    refused = against(subscription.filters, known.features)
    return None if refused is None else f"filtered: {refused}"


def is_background(known: Known, subscription: Subscription, period: Period) -> bool:
    """Whether an article was there before the watch began and may be shown for background."""
    return (
        known.backfill
        and not is_gone(known.entry.article)
        and period.has_seen(known.discovered_at)
        and admits(subscription.filters, known.features)
    )


def notices(subscription: Subscription, sent: Iterable[Sent]) -> list[Notice]:
    """Notices of papers whose status changed since this subscriber was sent them, each once."""
    return [
        _notice(one, subscription)
        for one in sent
        if _is_worth_a_notice(one)
        and one.known.status != one.status_then
        and one.known.status not in one.noticed
    ]


def _is_worth_a_notice(sent: Sent) -> bool:
    """A preprint that appeared in a journal is not worse for it: its journal version is news."""
    article = sent.known.entry.article
    if article.status is Status.UPDATED and article.is_preprint:
        return False
    return article.status in STANDINGS


def _notice(sent: Sent, subscription: Subscription) -> Notice:
    article = sent.known.entry.article
    source = _source(article)
    return Notice(
        pmid=article.pmid,
        title=clean(article.title),
        kind=STANDINGS[article.status].kind,
        notice_pmid=source.pmid if source else None,
        notice_source=source.source if source else None,
        sent_on=sent.delivered_at.astimezone(subscription.zone).date(),
    )


def _source(article: Article) -> Correction | None:
    named = STANDINGS[article.status].sources
    found = [one for one in article.corrections if one.ref_type in named]
    return found[-1] if found else None
