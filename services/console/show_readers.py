"""Subscriptions as the console prints them, for their operator."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import Console
from rich.markup import escape

from services.notifier.recipient import MAIL
from services.notifier.subscribers import Kept
from services.notifier.wording import facts


def print_readers(console: Console, found: Sequence[Kept], now: datetime) -> None:
    """Each subscription with what it asks for; a target that is no mailbox is never shown."""
    for kept in found:
        one = kept.subscription
        target = one.address.get_secret_value() if one.channel in MAIL else f"({one.channel})"
        console.print(
            f"[bold]{escape(one.id)}[/bold]  {escape(target)}  {escape(one.topic)}  "
            f"{escape(standing(kept, now))}",
            highlight=False, soft_wrap=True,
        )  # fmt: skip
        asked = "; ".join(words for heading, words in facts(one) if heading != "Where to")
        console.print(f"    {escape(asked)}", highlight=False, soft_wrap=True)
    console.print(f"{len(found)} subscription{'s' * (len(found) != 1)}", highlight=False)


def standing(kept: Kept, now: datetime) -> str:
    """How a subscription stands, the gravest first."""
    one = kept.subscription
    if kept.suppressed:
        return "suppressed: never written to"
    if not kept.active:
        return f"off: {kept.inactive_reason}"
    if one.confirmed_at is None:
        return "not confirmed"
    if not one.is_paused(now):
        return "active"
    return f"paused until {one.paused_until:%Y-%m-%d %H:%M} UTC" if one.paused_until else "paused"
