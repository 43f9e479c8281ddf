"""Letters: single mails that are no digest. What each says, and how long it is of use.

A question to confirm is the only thing sent to who has not confirmed. Each letter answers an act
of somebody's, carries no news and no link but ours, and is sent once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from services.notifier.tokens import Tokens

Kind = Literal["confirm", "manage", "known", "dead-target"]
"""`confirm` what was asked for; the link to `manage`; that an address is `known` already, asked
for by a page; that a target is dead and its subscription switched off."""

CONFIRM_WITHIN = timedelta(hours=72)
MANAGE_WITHIN = timedelta(hours=1)
TELL_WITHIN = timedelta(days=3)

_WITHIN: dict[Kind, timedelta] = {
    "confirm": CONFIRM_WITHIN,
    "manage": MANAGE_WITHIN,
    "known": MANAGE_WITHIN,
    "dead-target": TELL_WITHIN,
}
_CHANNELS = {
    "slack": "to your Slack channel",
    "webhook": "to your webhook",
    "apprise": "to your service, by Apprise",
}
_NOT_YOU = (
    "If it was not you, please do nothing: you will get nothing more, and what was asked for is "
    "forgotten in a few days."
)


@dataclass(frozen=True)
class Letter:
    """A letter to send. `recipient` is the hash of `address`; `told` what its words need."""

    id: str
    kind: Kind
    recipient: str
    created_at: datetime
    address: str = field(repr=False)
    subscription_id: str | None = None
    told: Mapping[str, object] = field(default_factory=dict)

    @property
    def until(self) -> datetime:
        """When its link ends. A letter that could not be sent by then is not sent any more."""
        return self.created_at + _WITHIN[self.kind]


@dataclass(frozen=True)
class Words:
    """A letter in words; `button` is the text of its one link, to `url`."""

    subject: str
    title: str
    lead: str
    button: str
    url: str = field(repr=False)
    after: tuple[str, ...]
    facts: tuple[tuple[str, str], ...] = ()


def confirm_subject(subscription_id: str, who: str) -> str:
    """What a token to confirm is about: this subscription, in the mailbox of this recipient."""
    return f"{subscription_id} {who}"


def words(letter: Letter, tokens: Tokens, public_url: str) -> Words:
    """What a letter says; the same each time, its tokens included."""
    if letter.kind == "confirm":
        return _confirm(letter, tokens, public_url)
    if letter.kind == "dead-target":
        return _dead_target(letter, tokens, public_url)
    token = tokens.sign("manage", letter.recipient, letter.until)
    return _manage(letter, f"{public_url}/manage?token={token}")


def _confirm(letter: Letter, tokens: Tokens, public_url: str) -> Words:
    subject = confirm_subject(letter.subscription_id or "", letter.recipient)
    token = tokens.sign("confirm", subject, letter.until)
    topic = _text(letter, "topic")
    return Words(
        subject=f"Please confirm: news on {topic}",
        title="One click, and it begins",
        lead=f"Somebody, we hope you, asked Carillon to send news on {topic}. Nothing is sent "
        "until you have confirmed it.",
        facts=_pairs(letter),
        button="See it and confirm",
        url=f"{public_url}/confirm?token={token}",
        after=(f"The link is good until {_moment(letter.until)}.", _NOT_YOU),
    )


def _manage(letter: Letter, url: str) -> Words:
    lead = "Somebody, we hope you, asked for the link to change or end what Carillon sends you."
    if letter.kind == "known":
        lead = (
            f"Somebody, we hope you, asked Carillon to send you news on {_text(letter, 'topic')}. "
            "You get them already. This link lets you change what you get."
        )
    return Words(
        subject="Your link to manage what Carillon sends you",
        title="Your subscriptions",
        lead=lead,
        button="Manage my subscriptions",
        url=url,
        after=(
            f"The link is good until {_moment(letter.until)}. Who has it can change everything: "
            "please do not pass it on.",
            "If it was not you, please do nothing. Nothing has been changed.",
        ),
    )


def _dead_target(letter: Letter, tokens: Tokens, public_url: str) -> Words:
    token = tokens.sign("ask", letter.subscription_id or "")
    return Words(
        subject=f"Switched off: news on {_text(letter, 'topic')} could not be delivered",
        title="Your channel takes no messages any more",
        lead=f"Carillon could not deliver news on {_text(letter, 'topic')} "
        f"{_CHANNELS.get(str(letter.told.get('channel')), 'there')}: "
        f"{letter.told.get('reason') or 'it was refused'}. It has stopped trying. What was not "
        "delivered is kept, and comes when you have put it right.",
        facts=_pairs(letter),
        button="Ask for a link to put it right",
        url=f"{public_url}/link?s={token}",
        after=("You get this letter because you look after this channel.",),
    )


def _text(letter: Letter, name: str) -> str:
    return str(letter.told.get(name) or "your topic")


def _pairs(letter: Letter) -> tuple[tuple[str, str], ...]:
    found = letter.told.get("facts")
    if not isinstance(found, list):
        return ()
    return tuple((str(heading), str(said)) for heading, said in found)


def _moment(at: datetime) -> str:
    return f"{at.day} {at:%B %Y}, {at:%H:%M} UTC"
