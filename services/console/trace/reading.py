"""Every place looked at for one article; what cannot be looked at is a gap, and stops nothing."""

from collections.abc import Collection
from dataclasses import replace
from functools import partial

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.classifier import tables as classifier
from services.console.archive.source import opened_source
from services.console.parked.broker import BrokerParking
from services.console.parked.embedded import EmbeddedParking
from services.console.parked.message import Parked
from services.console.settings import Settings
from services.console.trace import stores as sql
from services.console.trace.facts import Facts, Heard, Unpublished
from services.console.trace.hearing import hear
from services.console.trace.places import Asked, Places, opened_places
from services.notifier import tables as notifier
from services.notifier.trace.life import lives, sent_by_replays
from services.poller import tables as poller
from shared.clock import system_clock
from shared.errors import ConfigurationError


async def gather(settings: Settings, asked: Asked) -> Facts:
    """Look everywhere; nothing is changed.

    Raises:
        ConfigurationError: there is neither a deployment nor an embedded store to look at.
    """
    async with opened_places(settings, asked) as places:
        heard = await places.look("the archive", partial(_hear, places, settings, asked))
        facts = replace(await _stored(places, asked), heard=heard)
        ids = event_ids(facts)
        facts = await _carried(places, facts, ids)
        parked = await places.look("the parked messages", partial(_look, places, settings)) or []
        ours, nameless = about(parked, asked.pmid, ids)
        doubts = _doubt(nameless, "parked messages do not say which article they are about")
        return replace(
            facts, parked=tuple(ours), gaps=places.told_gaps, doubts=(*facts.doubts, *doubts)
        )


def event_ids(facts: Facts) -> frozenset[str]:
    """The ids of all events about the article that are known by now."""
    said = facts.heard.said if facts.heard else ()
    return frozenset(
        [one.event.id for one in said]
        + [one.event_id for one in facts.labelled]
        + [one.event_id for one in facts.unpublished]
        + [one.event_id for life in facts.lives for one in life.arrivals]
    )


def broker_url(settings: Settings) -> str:
    """The deployment's; what is in a folder here would be another's."""
    if settings.amqp_url is None:
        raise ConfigurationError("CARILLON_AMQP_URL is not set")
    return settings.amqp_url.get_secret_value()


async def _hear(places: Places, settings: Settings, asked: Asked) -> Heard:
    if places.bus is None:
        broker_url(settings)
    async with opened_source(settings, asked.state) as source:
        return await hear(source.name, source.read(), asked.pmid, asked.topic)


async def _stored(places: Places, asked: Asked) -> Facts:
    """What the three services have of it."""
    stores, pmid, topic = places.stores, asked.pmid, asked.topic
    held = await places.look("the poller's store", partial(sql.held, stores.poller, pmid)) or []
    unread = partial(sql.not_understood, stores.poller, pmid)
    records, nameless = await places.look("the poller's records", unread) or ([], 0)
    labels = partial(sql.labelled, stores.classifier, pmid)
    labelled = await places.look("the classifier's store", labels) or []
    life = partial(lives, stores.notifier, pmid, topic, asked.now)
    found = await places.look("the notifier's store", life) or []
    again = partial(sent_by_replays, stores.notifier, pmid, topic)
    return Facts(
        pmid,
        held=tuple(one for one in held if topic in (None, one.topic)),
        not_understood=tuple(one for one in records if topic in (None, one.topic)),
        labelled=tuple(one for one in labelled if topic in (None, one.topic)),
        lives=tuple(found),
        sent_again=tuple(await places.look("the notifier's replays", again) or []),
        unpublished=tuple(await _unpublished(places, pmid)),
        doubts=(
            *(doubt for life in found for doubt in life.doubts),
            *_doubt(nameless, "records that were not understood do not say which they are"),
        ),
    )


def _doubt(number: int, text: str) -> tuple[str, ...]:
    return (f"{number} {text}",) if number else ()


async def _unpublished(places: Places, pmid: int) -> list[Unpublished]:
    stores = places.stores
    outboxes: tuple[tuple[str, AsyncEngine, sa.Table], ...] = (
        ("poller", stores.poller, poller.outbox),
        ("classifier", stores.classifier, classifier.outbox),
        ("notifier", stores.notifier, notifier.outbox),
    )
    found: list[Unpublished] = []
    for service, engine, outbox in outboxes:
        there = partial(sql.unpublished, engine, outbox, service, pmid)
        found += await places.look(f"the {service}'s outbox", there) or []
    return found


async def _carried(places: Places, facts: Facts, ids: Collection[str]) -> Facts:
    """Who has had its events, live and by replays, and which wait in the embedded queues."""
    stores = places.stores
    inboxes: tuple[tuple[str, AsyncEngine, sa.Table, sa.Table], ...] = (
        ("classifier", stores.classifier, classifier.inbox, classifier.outcomes),
        ("notifier", stores.notifier, notifier.inbox, notifier.outcomes),
    )
    receipts, rehearsed = [*facts.receipts], [*facts.rehearsed]
    for service, engine, inbox, outcomes in inboxes:
        live = partial(sql.receipts, engine, inbox, ids)
        receipts += await places.look(f"the {service}'s inbox", live) or []
        again = partial(sql.rehearsed, engine, outcomes, service, ids)
        rehearsed += await places.look(f"the {service}'s replays", again) or []
    queued = [*facts.queued]
    if places.bus is not None:
        queued += await places.look("the queues", partial(sql.queued, places.bus, ids)) or []
    return replace(
        facts, receipts=tuple(receipts), rehearsed=tuple(rehearsed), queued=tuple(queued)
    )


async def _look(places: Places, settings: Settings) -> list[Parked]:
    if places.bus is not None:
        return await EmbeddedParking(places.bus, system_clock).look()
    return await BrokerParking(broker_url(settings), system_clock).look()


def about(parked: Collection[Parked], pmid: int, ids: Collection[str]) -> tuple[list[Parked], int]:
    """Those about the article, of whatever topic; and how many cannot tell what they are about."""
    ours = [one for one in parked if one.pmid == pmid or not {*one.names}.isdisjoint(ids)]
    return ours, sum(1 for one in parked if one.pmid is None and not one.type)
