"""A subscription as its reader sees it on the page to manage: pure."""

from dataclasses import dataclass
from datetime import datetime

from services.notifier.recipient import MAIL
from services.notifier.subscribers import LEFT, Kept
from services.notifier.subscription import Subscription
from services.notifier.web.choices import Choices
from services.notifier.web.pages import instant
from services.notifier.wording import facts, masked

Action = tuple[str, str, str]
"""What a button does, what it says, and its class."""


@dataclass(frozen=True)
class State:
    """How a subscription stands, in words."""

    text: str
    is_on: bool = False
    is_bad: bool = False


@dataclass(frozen=True)
class Row:
    """A subscription with what can be done to it."""

    id: str
    title: str
    state: State
    facts: tuple[tuple[str, str], ...]
    actions: tuple[Action, ...]
    may_pause: bool
    listed: bool


def row(kept: Kept, offer: Choices, now: datetime) -> Row:
    """A subscription as it stands now."""
    one, found = kept.subscription, state(kept, now)
    return Row(
        id=one.id,
        title=offer.title(one.topic),
        state=found,
        facts=_facts(one, offer),
        actions=_actions(kept, now),
        may_pause=found.is_on and not one.is_paused(now),
        listed=kept.origin == "file",
    )


def state(kept: Kept, now: datetime) -> State:
    """How it stands."""
    one = kept.subscription
    if not kept.active:
        if kept.inactive_reason == LEFT:
            return State("You have left")
        return State(f"Switched off: {kept.inactive_reason or 'by the operator'}", is_bad=True)
    if one.confirmed_at is None:
        return State("Not confirmed yet: please use the link in the message that we sent you")
    if kept.inactive_reason:
        return State(f"Held up: {kept.inactive_reason}", is_bad=True)
    if one.is_paused(now):
        until = f"until {instant(one.paused_until)}" if one.paused_until else "until you come back"
        return State(f"Paused {until}")
    return State("On", is_on=True)


def _facts(one: Subscription, offer: Choices) -> tuple[tuple[str, str], ...]:
    found = facts(one, offer.names)
    if one.channel in MAIL:
        address = masked(one.address.get_secret_value())
        found = tuple((n, f"{said} to {address}" if n == "Where to" else said) for n, said in found)
    return found


def _actions(kept: Kept, now: datetime) -> tuple[Action, ...]:
    if not kept.active:
        label = "Bring it back" if kept.inactive_reason == LEFT else "It is put right: try again"
        return (("return", label, "quiet"),)
    if kept.subscription.confirmed_at is None:
        return (("leave", "Withdraw it", "grave"),)
    change = ("change", "Change", "quiet")
    leave = ("leave", "Leave", "grave")
    if kept.subscription.is_paused(now):
        return (("resume", "Go on now", ""), change, leave)
    return (change, leave)
