"""Slack's incoming webhooks: what each answer means (https://api.slack.com/messaging/webhooks)."""

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta

from services.notifier.senders import AnswerLost, Package, RecipientRejected, Target
from services.notifier.senders.outgoing import Answer, Outgoing
from services.notifier.senders.pace import Buckets, Pace
from services.notifier.senders.targets import check_target
from shared.errors import Permanent, Retryable

_DEAD = (
    "no_service", "no_service_id", "no_team", "team_disabled", "channel_not_found",
    "channel_is_archived", "invalid_token", "user_not_found", "action_prohibited",
    "posting_to_general_channel_denied", "no_active_hooks",
)  # fmt: skip
"""What Slack says when a webhook will never take a message again; its answers are plain text."""

_LONGEST_IN_PLACE = 5.0
"""Seconds: who has to wait longer comes back with the next pass, and holds up nobody."""


def _one_a_second() -> Pace:
    """Slack takes one message a second for a channel; more is a matter of luck."""
    return Pace(Buckets(1.0))


@dataclass(frozen=True)
class SlackSender:
    """Posts one payload a second to each webhook."""

    outgoing: Outgoing
    pace: Pace = field(default_factory=_one_a_second)

    @property
    def flights(self) -> int:
        """As many webhooks at once."""
        return 8

    async def send(self, package: Package, target: Target) -> None:
        """Return once Slack has taken the payload; raises as `Sender` says."""
        check_target("slack", target.address, self.outgoing.gate)
        key = hashlib.sha256(target.address.encode()).hexdigest()
        held = self.pace.held(key)
        if held > _LONGEST_IN_PLACE:
            raise Retryable("Slack asked to wait", timedelta(seconds=held))
        await self.pace.turn(key)
        headers = {"Content-Type": "application/json; charset=utf-8"}
        answer = await self.outgoing.post(target.address, headers, package.content)
        if answer.status == 429 and answer.retry_after:
            self.pace.hold(key, answer.retry_after.total_seconds())
        judge(answer)

    async def rest(self) -> None:
        """No connection is kept."""

    async def close(self) -> None:
        """No connection is kept."""


def judge(answer: Answer) -> None:
    """What Slack's answer means.

    Raises:
        RecipientRejected: the webhook is gone: 403, 404, 410, or a word that says so.
        Retryable: too many (429), Slack is away (5xx), or an answer that only a proxy gives.
        AnswerLost: 502 and 504: who stood between did not hear whether Slack took it.
        Permanent: Slack cannot read the payload, as with `invalid_payload`.
    """
    if answer.is_accepted:
        return
    word = answer.text.strip()[:60]
    told = f"Slack answered {answer.status}" + (f" {word}" if word.isidentifier() else "")
    if word in _DEAD or answer.status in {403, 404, 410}:
        raise RecipientRejected(f"{told}: the webhook does not exist any more")
    if answer.status in {502, 504}:
        raise AnswerLost(f"{told}; it is tried again")
    if answer.status in {408, 425, 429} or answer.status >= 500 or answer.status < 400:
        raise Retryable(f"{told}; it is tried again", answer.retry_after)
    raise Permanent(f"{told}: it cannot read the message")
