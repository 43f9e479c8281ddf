"""Digests that this notifier has claimed, with all that their hand-over takes."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import structlog
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier import claims, contents, subscribers
from services.notifier.claims import Claim
from services.notifier.compose import without
from services.notifier.digest import Digest
from services.notifier.office import BACK_OFF, Desk
from services.notifier.senders import Package, Target
from services.notifier.subscribers import Kept, Unreadable
from services.notifier.subscription import Subscription
from shared.article import Status
from shared.database import transaction
from shared.errors import Permanent, Retryable

log = structlog.get_logger(__name__)

INACTIVE = "the subscription is no longer active"
SILENT = "no answer came from any attempt"

Fault = Retryable | Permanent


@dataclass(frozen=True)
class Parcel:
    """A claimed digest and its subscriber.

    `gone` are articles of it that were retracted after a part of it was accepted. `fault` is why
    it is not handed over at all.
    """

    claim: Claim
    subscription: Subscription
    digest: Digest | None
    gone: frozenset[int] = frozenset()
    fault: Fault | None = None


@dataclass(frozen=True)
class Packed:
    """A parcel whose messages are written."""

    parcel: Parcel
    digest: Digest
    packages: Sequence[Package]
    target: Target


async def claimed(desk: Desk, ids: Collection[str]) -> list[Parcel]:
    """Claim those of these digests that nobody else has; what cannot be sent says why.

    Raises:
        Retryable: the database is away.
    """
    async with transaction(desk.engine) as connection:
        taken = await claims.claim(connection, ids, desk.office.patience.turn())
        if not taken:
            return []
        owners = await subscribers.of_ids(connection, {one.subscription_id for one in taken})
        known = [one for one in taken if isinstance(owners.get(one.subscription_id), Kept)]
        await _set_aside(connection, desk, taken, owners)
        parcels = await _parcels(connection, desk, known, owners)
        return await _checked(connection, parcels)


async def _set_aside(
    connection: AsyncConnection,
    desk: Desk,
    taken: Sequence[Claim],
    owners: dict[str, Kept | Unreadable],
) -> None:
    """Whose subscription cannot be read waits for its mending; one that has none is given up."""
    unread = [one for one in taken if isinstance(owners.get(one.subscription_id), Unreadable)]
    for one in unread:
        await claims.release(connection, one)
    for one in taken:
        if one.subscription_id not in owners:
            await claims.give_up(connection, one, INACTIVE, desk.clock())


async def _parcels(
    connection: AsyncConnection,
    desk: Desk,
    known: Sequence[Claim],
    owners: dict[str, Kept | Unreadable],
) -> list[Parcel]:
    read = await _read(connection, desk, known)
    made = []
    for claim, digest in zip(known, read, strict=True):
        owner = owners[claim.subscription_id]
        if isinstance(owner, Kept):
            whole = digest if isinstance(digest, Digest) else None
            bug = digest if isinstance(digest, Retryable) else None
            fault = _hindrance(claim, owner) or bug
            made.append(Parcel(claim, owner.subscription, whole, fault=fault))
    return made


def _hindrance(claim: Claim, owner: Kept) -> Permanent | None:
    if not owner.is_mailable:
        return Permanent(INACTIVE)
    if claim.attempt > len(BACK_OFF) + 1:  # only by crashing each time is one tried so often
        return Permanent(SILENT)
    return None


async def _read(
    connection: AsyncConnection, desk: Desk, taken: Sequence[Claim]
) -> list[Digest | Retryable]:
    """The digests of these claims; one that cannot be read does not hold up the others."""
    shelf = desk.office.shelf
    try:
        whole = await contents.load_many(connection, [one.content for one in taken], shelf)
    except (ValidationError, LookupError, TypeError, AttributeError):
        return [await _read_one(connection, desk, one) for one in taken]
    return list(whole)


async def _read_one(connection: AsyncConnection, desk: Desk, claim: Claim) -> Digest | Retryable:
    try:
        return await contents.load(connection, claim.content, desk.office.shelf)
    except (ValidationError, LookupError, TypeError, AttributeError) as error:
        log.exception("digest_unreadable", digest_id=claim.digest_id)
        return Retryable(f"a bug: {type(error).__name__}")


async def _checked(connection: AsyncConnection, parcels: Sequence[Parcel]) -> list[Parcel]:
    """The digests without what was retracted while they waited: that is never news."""
    pmids: dict[str, set[int]] = defaultdict(set)
    for one in parcels:
        if one.digest:
            pmids[one.digest.topic].update(item.pmid for item in one.digest.everything)
    gone = {topic: await claims.gone(connection, topic, pmids[topic]) for topic in sorted(pmids)}
    return [await _without(connection, one, gone) for one in parcels]


async def _without(
    connection: AsyncConnection, parcel: Parcel, gone: dict[str, dict[int, Status]]
) -> Parcel:
    digest, claim = parcel.digest, parcel.claim
    if digest is None or parcel.fault:
        return parcel
    shown = {item.pmid for item in digest.everything}
    hit = {pmid: status for pmid, status in gone[digest.topic].items() if pmid in shown}
    if not hit:
        return parcel
    if claim.parts_sent:
        return replace(parcel, gone=frozenset(hit))
    left = without(digest, hit)
    untold = digest.told.keys() - left.told.keys()
    await claims.withhold(connection, left, untold, maybe_sent=claim.maybe_sent)
    return replace(parcel, digest=left)
