"""What a sandbox's services made, written into its folder while they live: labels and digests."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.artefacts import write_digest
from services.console.replay.sandbox.result import Fault, Kind, Labelled, Revision, Told
from services.console.replay.sandbox.world import IDENTITY, Kept, World
from services.notifier import subscribers
from services.notifier.contents import load_many
from services.notifier.digest import Digest, Item
from services.notifier.gathered import Gathered
from services.notifier.plan import preview
from services.notifier.quiet import is_empty
from services.notifier.recipient import MAIL
from services.notifier.render.labels import labelled
from services.notifier.render.mail import Envelope
from services.notifier.render.words import UNCLEAR
from services.notifier.subscription import Subscription
from services.notifier.tables import digests
from shared.database import transaction
from shared.events import ArticleClassified, DigestDelivered, decode
from shared.outbox import Outgoing

_OWN_FORM = {"slack": "slack.json", "webhook": "webhook.json", "apprise": "note.json"}
"""The file in which what a channel was handed lies; a mail is `digest.eml`."""


@dataclass
class Post:
    """Hears every event, and writes what is to be kept of it below `folder`."""

    folder: Path
    lines: IO[str]
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    labels: dict[Revision, Labelled] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    _sent: list[str] = field(default_factory=list)

    def passed(self, event: Outgoing) -> None:
        """Remember a digest that was sent, and write down the labels of an article."""
        if event.routing_key == DigestDelivered.ROUTING_KEY:
            delivered = decode(event.body)
            if isinstance(delivered, DigestDelivered):
                self._sent.append(delivered.data.digest_id)
        elif event.routing_key == ArticleClassified.ROUTING_KEY:
            classified = decode(event.body)
            if isinstance(classified, ArticleClassified):
                self._label(classified)

    def _label(self, event: ArticleClassified) -> None:
        entry, found = event.data, event.data.classification
        named = tuple((label.facet, label.id) for label in found.labels)
        pmid = entry.article.pmid
        self.labels[(entry.topic, pmid, entry.revision)] = Labelled(found.scope, named)
        line = {
            "topic": entry.topic,
            "revision": entry.revision,
            "taxonomy_version": found.taxonomy_version,
            "classifier_version": found.classifier_version,
            **labelled(pmid, found.scope, found.labels),
        }
        self.lines.write(f"{json.dumps(line, ensure_ascii=False)}\n")

    async def write_sent(self, world: World) -> None:
        """Write the digests that were sent since the last time."""
        ids, self._sent = self._sent, []
        if not ids:
            return
        async with transaction(world.notifier) as connection:
            found = await _load(connection, ids)
        kept = world.kept
        for digest in found:
            place = self._written(digest, "notice" if digest.kind == "notice" else "digest")
            _write_handed_over(place, kept, digest, self.subscriptions[digest.subscription_id])
        kept.packages.clear()

    async def write_next(self, world: World) -> None:
        """Write, for each subscription, what was left to tell at the end: its next digest."""
        async with transaction(world.notifier) as connection:
            mailable = await subscribers.mailable(connection)
        background, gathered = world.office.background, Gathered()
        for one in mailable:
            digest = await preview(world.notifier, one, world.hand.now, background, gathered)
            if digest is not None and not is_empty(digest):
                self._written(digest, "next")

    def _written(self, digest: Digest, kind: Kind) -> Path:
        one = self.subscriptions[digest.subscription_id]
        moment = f"{digest.period_to:%Y-%m-%dT%H%M%SZ}"
        name = {"digest": moment, "notice": f"{moment}-notice", "next": "next"}[kind]
        place = Path("digests") / one.id / name
        is_mail = one.channel in MAIL
        address = one.address.get_secret_value() if is_mail else f"{one.id}@{IDENTITY.host}"
        envelope = Envelope(IDENTITY.sender, address, IDENTITY.list_id, IDENTITY.host)
        write_digest(self.folder / place, digest, envelope)
        self.told.append(_told(digest, one, kind, place.as_posix()))
        return self.folder / place


async def not_sent(connection: AsyncConnection) -> list[Fault]:
    """The digests that were due and could not be sent, with the reason."""
    rows = await connection.execute(
        sa.select(digests)
        .where(digests.c.state.in_(("intent", "failed")))
        .order_by(digests.c.period_to, digests.c.subscription_id)
    )
    return [
        Fault(
            None,
            row.id,
            "digest",
            "digests",
            f"of {row.subscription_id}, due {row.period_to.isoformat()}: {row.error}",
        )
        for row in rows
    ]


async def _load(connection: AsyncConnection, ids: Sequence[str]) -> list[Digest]:
    rows = await connection.scalars(
        sa.select(digests.c.content)
        .where(digests.c.id.in_(ids))
        .order_by(digests.c.period_to, digests.c.subscription_id, digests.c.kind)
    )
    return await load_many(connection, rows.all())


def _write_handed_over(place: Path, kept: Kept, digest: Digest, one: Subscription) -> None:
    """In the form of its channel: what that was really handed."""
    mine = [content for name, content in kept.packages.items() if digest.id in name]
    if one.channel not in _OWN_FORM:
        (place / "digest.eml").write_bytes(b"".join(mine))
        return
    parts = [json.loads(content) for content in mine]
    told = json.dumps(parts, indent=2, ensure_ascii=False)
    (place / _OWN_FORM[one.channel]).write_text(f"{told}\n", encoding="utf-8")


def _told(digest: Digest, one: Subscription, kind: Kind, folder: str) -> Told:
    sections = [(group.name, _pmids(group.items)) for group in digest.groups if group.items]
    sections += [(UNCLEAR, _pmids(digest.other))] if digest.other else []
    return Told(
        subscription_id=one.id,
        topic=digest.topic,
        channel=one.channel,
        cadence=digest.cadence,
        kind=kind,
        at=digest.period_to,
        pmids=_pmids(digest.items),
        sections=tuple(sections),
        notices=tuple((notice.pmid, notice.kind) for notice in digest.notices),
        background=_pmids(digest.all_background),
        folder=folder,
    )


def _pmids(items: Sequence[Item]) -> tuple[int, ...]:
    return tuple(item.pmid for item in items)
