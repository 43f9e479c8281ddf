"""The file in which an operator says who wants to be told what.

```toml
[[subscription]]
topic = "car-autoimmune"
address = "reader@example.org"
confirmed = true            # the operator's statement that this reader asked for it
cadence = "weekly"
weekday = "monday"
hour = 7
time_zone = "Europe/Belgrade"

[subscription.filters]
modality = ["caar-t", "car-treg"]
```

docs/subscriptions.md has every field.
"""

import tomllib
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from services.notifier.subscription import Slug, Subscription, Wish, faults, subscription_id
from shared.errors import ConfigurationError


class Entry(Wish):
    """One entry of the file.

    `confirmed = true` is the operator's own statement that the reader asked for the mails.
    `since` (a date-time with an offset) lets the subscription count from an earlier moment than
    the one at which it is first read. `id` keeps a subscription the same when its address
    changes, and is needed when one address subscribes to one topic twice.
    """

    id: Slug | None = None
    confirmed: bool = False
    since: AwareDatetime | None = None

    def subscription(self, now: datetime) -> Subscription:
        """The entry as first read at `now`; the store keeps earlier times of a known one."""
        wish = {name: getattr(self, name) for name in Wish.model_fields}
        since = self.since or now
        return Subscription(
            **wish,
            id=self.id or subscription_id(self.topic, self.channel, self.address),
            created_at=since,
            confirmed_at=since if self.confirmed else None,
        )


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    subscription: list[Any] = []

    @classmethod
    def read(cls, text: str, name: str) -> Self:
        try:
            return cls.model_validate(tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise ConfigurationError(f"{name}: not TOML: {error}; correct it there") from error
        except ValidationError as error:
            raise ConfigurationError(
                f"{name}: {faults(error)}; the file holds [[subscription]] tables only"
            ) from error


def load(path: Path, now: datetime) -> tuple[Subscription, ...]:
    """The subscriptions in a file.

    Raises:
        ConfigurationError: the file cannot be read, or an entry in it is wrong; names the file,
            the entry and the field, never the address.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise ConfigurationError(
            f"{path}: subscriptions cannot be read ({reason}): "
            "create the file, or set NOTIFIER_SUBSCRIPTIONS_FILE to the right one"
        ) from error
    return parse(text, str(path), now)


def parse(text: str, name: str, now: datetime) -> tuple[Subscription, ...]:
    """The subscriptions in the text of a file called `name`; raises as `load` does."""
    entries = _File.read(text, name).subscription
    found = [read_entry(raw, f"{name}: subscription {n}", now) for n, raw in enumerate(entries, 1)]
    _refuse_twins(found, name)
    _refuse_unsigned(found, name)
    return tuple(found)


def read_entry(raw: object, where: str, now: datetime) -> Subscription:
    """One entry as `Entry` has it; `where` begins the message of what is wrong with it.

    Raises:
        ConfigurationError: naming the field, never the address.
    """
    try:
        return Entry.model_validate(raw).subscription(now)
    except ValidationError as error:
        raise ConfigurationError(f"{where}: {faults(error)}") from error


def _refuse_unsigned(found: Iterable[Subscription], name: str) -> None:
    for number, one in enumerate(found, 1):
        if one.channel == "webhook" and one.secret is None:
            raise ConfigurationError(
                f"{name}: subscription {number}: secret: missing; add the key that its messages "
                'are signed with: "whsec_", and behind it what `openssl rand -base64 32` prints'
            )


def _refuse_twins(found: Iterable[Subscription], name: str) -> None:
    seen: dict[str, int] = {}
    for number, one in enumerate(found, 1):
        if one.id in seen:
            raise ConfigurationError(
                f"{name}: subscriptions {seen[one.id]} and {number} have the same id {one.id!r} "
                "(same topic, channel and address): remove one, or give each an id of its own"
            )
        seen[one.id] = number
