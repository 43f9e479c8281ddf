"""The channels that a digest can take. One file per channel; each translates its own faults."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from shared.errors import Permanent, Retryable
from shared.under_replay import UnderReplay

UNDER_REPLAY = UnderReplay.AS_TOLD
"""Of all senders. They are handed live digests, letters, and what an allow-list asked for.
"""


class RecipientRejected(Permanent):
    """The channel says that this recipient does not exist, or will never take a message."""


class AnswerLost(Retryable):
    """The channel may have the message, but its answer did not come: neither yes nor no."""


@dataclass(frozen=True, slots=True)
class Package:
    """What is handed over in one piece, the same at every attempt.

    `id` is what a reader's program knows a repeat by: the Message-ID of a mail, in its angle
    brackets, or the `webhook-id`. `content` is what travels: a mail as bytes, or JSON.
    """

    id: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Target:
    """Where a package goes: a mail address or a URL, opened; never shown.

    `secret` is the key that a webhook's messages are signed with; `bounce_to` is the address that
    a mail server returns a mail to.
    """

    address: str = field(repr=False)
    secret: str | None = field(default=None, repr=False)
    bounce_to: str | None = field(default=None, repr=False)


class Sender(Protocol):
    """Hands packages to its channel."""

    @property
    def flights(self) -> int:
        """How many packages it can make use of at once, those that wait for a connection too."""

    async def send(self, package: Package, target: Target) -> None:
        """Return once the channel has accepted the package.

        Raises:
            AnswerLost: the package was on its way, or there already, when the connection ended.
            Retryable: the channel is away, asks to come back later, or refuses us (a wrong
                password, a relay that does not know us): the recipient is not to blame.
            RecipientRejected: this recipient will never get a message there.
            Permanent: this message will never be taken.
        """

    async def rest(self) -> None:
        """Let go of connections that have been idle for long; called when nothing waits."""

    async def close(self) -> None:
        """Let go of all connections; nothing is being sent now."""


Senders = Mapping[str, Sender]
"""The sender for each channel name of a subscription."""
