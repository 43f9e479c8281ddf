"""A signed webhook in the Standard Webhooks form, and what each answer of a target means."""

from dataclasses import dataclass

from services.notifier.senders import AnswerLost, Package, RecipientRejected, Target
from services.notifier.senders.outgoing import Answer, Outgoing
from services.notifier.senders.signing import headers
from services.notifier.senders.targets import check_target
from shared.clock import Clock, system_clock
from shared.errors import Retryable

UNSIGNED = "the webhook has no secret to sign with: subscribe it again on the page"


@dataclass(frozen=True)
class WebhookSender:
    """Posts JSON with the three headers; the time that is signed is that of the attempt."""

    outgoing: Outgoing
    clock: Clock = system_clock

    @property
    def flights(self) -> int:
        """As many targets at once."""
        return 8

    async def send(self, package: Package, target: Target) -> None:
        """Return once the target has answered 2xx; raises as `Sender` says."""
        check_target("webhook", target.address, self.outgoing.gate)
        if target.secret is None:
            raise Retryable(UNSIGNED)
        at = int(self.clock().timestamp())
        signed = headers(target.secret, package.id, at, package.content)
        sent = {"Content-Type": "application/json", "User-Agent": "carillon-webhook/1", **signed}
        judge(await self.outgoing.post(target.address, sent, package.content))

    async def rest(self) -> None:
        """No connection is kept."""

    async def close(self) -> None:
        """No connection is kept."""


def judge(answer: Answer) -> None:
    """What a target's answer means, as the specification has it.

    Raises:
        RecipientRejected: 410: its owner does not want any more messages.
        AnswerLost: 502 and 504: who stood between did not hear whether the target took it.
        Retryable: anything else but 2xx; a redirect too, which is never followed.
    """
    if answer.is_accepted:
        return
    told = f"the webhook answered {answer.status}"
    if answer.status == 410:
        raise RecipientRejected(f"{told}: its owner wants no more messages")
    if answer.status in {502, 504}:
        raise AnswerLost(f"{told}; it is tried again")
    if 300 <= answer.status < 400:
        raise Retryable(f"{told}: a redirect is not followed; give the address it leads to")
    raise Retryable(f"{told}; it is tried again", answer.retry_after)
