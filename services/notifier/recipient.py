"""Who a message is for, without saying it: the hash that stands for a channel and its target."""

import hashlib

MAIL = ("email", "capture")
"""The channels whose target is a mailbox: in both a person is the same address."""


def recipient(channel: str, target: str) -> str:
    """SHA-256 (hex) of a channel and its target; a mail address counts in any spelling of case.

    Two subscriptions with one recipient are one person: no paper goes there twice.
    """
    is_mail = channel in MAIL
    words = "\x1f".join(("email", target.lower()) if is_mail else (channel, target))
    return hashlib.sha256(words.encode()).hexdigest()
