"""The channels that a digest can take. One file per channel; each translates its own faults."""

from collections.abc import Mapping
from email.message import EmailMessage
from email.policy import SMTP
from typing import Protocol

from shared.errors import Permanent, Retryable

_WIRE = SMTP.clone(cte_type="7bit")


class RecipientRejected(Permanent):
    """The channel says that this recipient does not exist, or will never take a message."""


class AnswerLost(Retryable):
    """The channel may have the message, but its answer did not come: neither yes nor no."""


class Sender(Protocol):
    """Hands a message to its channel."""

    async def send(self, message: EmailMessage, recipient: str) -> None:
        """Return once the channel has accepted the message.

        Raises:
            AnswerLost: the message was on its way, or there already, when the connection ended.
            Retryable: the channel is away, asks to come back later, or refuses us (a wrong
                password, a relay that does not know us): the recipient is not to blame.
            RecipientRejected: this recipient will never get a message there.
            Permanent: this message will never be taken.
        """


Senders = Mapping[str, Sender]
"""The sender for each channel name of a subscription."""


def wire(message: EmailMessage) -> bytes:
    """A message as it travels: CRLF, seven bits, the same bytes each time."""
    return message.as_bytes(policy=_WIRE)
