"""What the archive's pages say of a topic: its seed, and how well it was checked."""

from dataclasses import dataclass
from datetime import datetime

from services.notifier.archive.store import last_poll
from services.notifier.web.faults import NOT_FOUND, Refused
from services.notifier.web.house import House
from shared.database import transaction


@dataclass(frozen=True)
class About:
    """A topic. `whole_at` is when all that PubMed counted was here last; `None` for never yet."""

    id: str
    title: str
    seed: int
    checked_at: datetime
    whole_at: datetime | None

    @property
    def is_whole(self) -> bool:
        """Whether the last check was complete."""
        return self.whole_at == self.checked_at


async def about_topic(house: House, topic: str) -> About:
    """A topic that has been polled.

    Raises:
        Refused: there is none of that id.
    """
    async with transaction(house.engine) as connection:
        last = await last_poll(connection, topic)
        whole = await last_poll(connection, topic, healthy=True)
    if last is None:
        raise Refused(NOT_FOUND)
    whole_at = whole.finished_at if whole else None
    return About(topic, last.topic_title, last.seed, last.finished_at, whole_at)
