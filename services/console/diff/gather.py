"""From the archive into the spool: discoveries, what was recorded for them, what was told."""

from dataclasses import dataclass, replace

from services.console.archive.recorded import Read, Recorded, key_of
from services.console.diff.spool import Fault, Found, Spool
from services.console.replay.selection import Selection
from shared.events import (
    EVENTS,
    ArticleClassified,
    ArticleDiscovered,
    ArticleRevised,
    DigestDelivered,
    Undecodable,
)

OURS = (ArticleDiscovered, ArticleRevised, ArticleClassified)
OTHERS = frozenset(event.ROUTING_KEY for event in EVENTS if event not in OURS)
"""What is passed over. An entry of a type that nobody knows may be about an article."""


@dataclass(frozen=True)
class Chosen:
    """What a selection means where articles are compared.

    `wanted` is for discoveries and revisions, `about` for all that was recorded about the same
    articles, before and after. Labels and `last` are looked at later, when both sides have
    answered.
    """

    wanted: Selection
    about: Selection

    @classmethod
    def by(cls, selection: Selection) -> "Chosen":
        """Of the whole selection."""
        wanted = replace(selection, types=frozenset(), labels=frozenset(), last=None)
        about = replace(wanted, since=None, until=None, statuses=frozenset(), relations=frozenset())
        return cls(wanted, about)

    def is_over(self, entry: Recorded) -> bool:
        """Whether an entry comes after all that is wanted."""
        return self.wanted.until is not None and entry.published_at >= self.wanted.until


async def gather(read: Read, selection: Selection, spool: Spool) -> int:
    """Read an archive into the spool.

    How many discoveries are not in the archive any more, so that their recorded classification
    stands for them. Raises what reading raises.
    """
    chosen = Chosen.by(selection)
    async for entry in read():
        key = key_of(entry.type)
        if key == DigestDelivered.ROUTING_KEY:
            _told(entry, selection, spool)
        elif key not in OTHERS:
            _article(entry, chosen, spool)
    return spool.adopt()


def _told(entry: Recorded, selection: Selection, spool: Spool) -> None:
    """What was sent before the selection begins; what cannot be read says nothing of labels."""
    if entry.marks or selection.since is None or entry.published_at >= selection.since:
        return
    try:
        event = entry.event()
    except Undecodable:
        return
    if isinstance(event, DigestDelivered):
        spool.tell(event.data.subscription_id, event.data.pmids)


def _article(entry: Recorded, chosen: Chosen, spool: Spool) -> None:
    is_meant = chosen.wanted.wants(entry)
    if not (is_meant or chosen.about.wants(entry)):
        return
    try:
        event = entry.event()
    except Undecodable as error:
        if is_meant:
            spool.fault(Fault(entry.position, entry.event_id, str(error)))
        return
    if not isinstance(event, OURS):
        return
    found = Found(
        event.id, entry.position, entry.published_at, event.data.topic,
        event.data.article.pmid, is_meant, entry.today().body,
    )  # fmt: skip
    if isinstance(event, ArticleClassified):
        cause = event.causationid or event.id
        outcome = event.data.classification.model_dump_json().encode()
        orphan = None if chosen.is_over(entry) else replace(found, event_id=cause)
        spool.record(cause, entry.published_at, outcome, orphan)
    elif not chosen.is_over(entry):
        spool.find(found)
