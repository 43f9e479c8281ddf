"""What goes into one subscriber's digest: read from the database, chosen and put together."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier import history, store
from services.notifier.compose import Beside, compose
from services.notifier.digest import Coverage, Digest, DigestHead
from services.notifier.gathered import Gathered
from services.notifier.health import still_to_tell
from services.notifier.render.words import BEYOND_LISTED
from services.notifier.select import Period, Sent, is_background, news, notices
from services.notifier.sent import sent_and_changed
from services.notifier.subscription import Subscription
from services.notifier.summary import with_summary
from services.notifier.ties import Kin, named, ties, told_once
from shared.events import Classified

PAGE = 200
"""Background articles looked at in one query, the most related first."""


@dataclass(frozen=True)
class Reader:
    """A subscriber whose digest is made, how much background fits into it, and what is read."""

    subscription: Subscription
    background: int
    gathered: Gathered


@dataclass(frozen=True)
class Chosen:
    """What a digest brings. `folded` are preprints that give way to their journal version."""

    news: Sequence[Classified]
    background: Sequence[Classified]
    folded: Collection[int]
    kin: Kin


async def draft(
    connection: AsyncConnection, reader: Reader, head: DigestHead, checked: Coverage
) -> Digest:
    """The digest of the period in `head`, but for what `finished` adds; nothing is written."""
    subscription = reader.subscription
    left = await history.left(connection, subscription.id, head.period_to)
    period = Period(head.period_from, head.period_to, left.carried, head.created_at)
    chosen = await _choose(connection, reader, period)
    changed = await _changed(connection, reader, chosen.kin.told)
    entries = most_related(chosen.news)
    digest = compose(
        entries,
        notices(subscription, changed),
        head,
        _with_history(left.before, checked),
        await _beside(connection, reader, replace(chosen, news=entries)),
    )
    waiting = len(chosen.news) - len(entries)
    changes = {"waiting": waiting, "news_from": period.floor(subscription)}
    return digest.model_copy(update=changes)


async def finished(connection: AsyncConnection, digest: Digest, reader: Reader) -> Digest:
    """The digest with what it says about itself: what is usual, first, and the trend."""
    around, filters = reader.gathered.surroundings, reader.subscription.filters
    return await with_summary(connection, digest, around, filters)


async def _choose(connection: AsyncConnection, reader: Reader, period: Period) -> Chosen:
    subscription = reader.subscription
    floor = period.floor(subscription)
    known = await reader.gathered.articles(connection, subscription.topic, floor)
    told = await history.told(connection, subscription.id)
    versions = await reader.gathered.versions(connection, subscription.topic)
    kin = Kin(versions=versions, told=told)
    found = news(subscription, known, told, period)
    kept = found if subscription.preprints == "both" else told_once(found, kin)
    beside = replace(kin, told=told | {entry.article.pmid for entry in kept})
    old = await _background(connection, reader, period, beside)
    folded = {entry.article.pmid for entry in found} - {entry.article.pmid for entry in kept}
    return Chosen(kept, old[0], folded | old[1], kin)


async def _background(
    connection: AsyncConnection, reader: Reader, period: Period, kin: Kin
) -> tuple[list[Classified], set[int]]:
    """The most related background that this reader was never sent, and what it leaves out."""
    subscription = reader.subscription
    found: list[Classified] = []
    page, start = PAGE, 0
    while subscription.background and len(found) < 2 * reader.background and page == PAGE:
        rows = await store.background(connection, subscription, period.end, (start, PAGE))
        found += [one.entry for one in rows if is_background(one, subscription, period)]
        page, start = len(rows), start + PAGE
    kept = found if subscription.preprints == "both" else told_once(found, kin)
    left_out = {entry.article.pmid for entry in found} - {entry.article.pmid for entry in kept}
    return kept[: reader.background], left_out


async def _changed(
    connection: AsyncConnection, reader: Reader, told: Collection[int]
) -> list[Sent]:
    """What this reader was sent and has changed; asked only where something of it may have."""
    if (await reader.gathered.changed(connection)).isdisjoint(told):
        return []
    return await sent_and_changed(connection, reader.subscription.id)


async def _beside(connection: AsyncConnection, reader: Reader, chosen: Chosen) -> Beside:
    subscription = reader.subscription
    entries = [*chosen.news, *chosen.background]
    others = named((entry.article for entry in entries), chosen.kin.versions)
    sent = await history.sent_on(connection, subscription.id, others)
    kin = replace(
        chosen.kin,
        known=await store.named(connection, subscription.topic, others),
        sent_on={pmid: at.astimezone(subscription.zone).date() for pmid, at in sent.items()},
    )
    found = ties(entries, chosen.folded, kin)
    return Beside(chosen.background, found, reader.gathered.made)


def _with_history(last: history.Before | None, checked: Coverage) -> Coverage:
    """The coverage with each change of a query's reading marked as told, or carried along."""
    if last is None:
        return checked
    drifts = still_to_tell(checked.drifts, last.coverage.drifts, was_sent=last.was_sent)
    return checked.model_copy(update={"drifts": tuple(drifts)})


def most_related(entries: Sequence[Classified]) -> list[Classified]:
    """As many as a digest names at least by a link; the others wait for the next one."""
    ranked = sorted(entries, key=lambda entry: (-entry.relatedness, -entry.article.pmid))
    return ranked[:BEYOND_LISTED]
