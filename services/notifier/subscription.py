"""Who wants to be told what, and when; and the file in which an operator says so.

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
"""

import hashlib
import re
import tomllib
from collections.abc import Iterable
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import ErrorDetails

from services.notifier.item import MODALITIES
from services.notifier.recipient import MAIL
from services.notifier.schedule import Cadence, Weekday
from services.notifier.vault import is_sealed
from shared.errors import ConfigurationError

Channel = Literal["email", "slack", "webhook", "apprise", "capture"]
Scope = Literal["core", "adjacent", "oncology", "none", "unclear"]
Phrase = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=100)]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]

_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?", re.ASCII
)
"""RFC 5322's dot-atom and a host name: no spaces, no line ends, nothing that a header obeys."""

_LONGEST_ADDRESS = 254
"""RFC 5321, section 4.5.3.1.3: 256 octets for a path, two of which are its brackets."""


_URL = re.compile(r"[a-z][a-z0-9+.-]{1,20}://[!-~]{3,2000}")


def _mail_address(value: str) -> str:
    if len(value) > _LONGEST_ADDRESS or not _ADDRESS.fullmatch(value):
        raise ValueError("not an e-mail address: write one plain ASCII address, name@host")
    return value


def _modality(value: str) -> str:
    known = [modality for modality, _ in MODALITIES]
    if value not in known:
        near = get_close_matches(value, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
        raise ValueError(f"unknown modality {value!r}: {hint}")
    return value


class _Strict(BaseModel):
    """Frozen; a mistyped field is an error, and no value is ever quoted in one."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Filters(_Strict):
    """What a subscriber wants; an empty set admits everything of its facet.

    `scope` leaves out what is about cancer (`oncology`) or not about CAR cells at all (`none`)
    unless it is asked for. What the classifier could not tell (`unclear`) is shown. One of `words`
    has to be in the title, abstract or keywords. `journals` and `authors` are followed: what is
    theirs comes whatever its labels; what is of the muted ones never comes.
    """

    modality: frozenset[Annotated[Slug, AfterValidator(_modality)]] = frozenset()
    disease: frozenset[Slug] = frozenset()
    target: frozenset[Slug] = frozenset()
    evidence: frozenset[Slug] = frozenset()
    scope: frozenset[Scope] = frozenset({"core", "adjacent", "unclear"})
    words: tuple[Phrase, ...] = Field(default=(), max_length=50)
    journals: tuple[Phrase, ...] = Field(default=(), max_length=50)
    authors: tuple[Phrase, ...] = Field(default=(), max_length=50)
    muted_journals: tuple[Phrase, ...] = Field(default=(), max_length=50)
    muted_authors: tuple[Phrase, ...] = Field(default=(), max_length=50)
    min_relatedness: float = Field(default=0.0, ge=0, le=1)


class Wish(_Strict):
    """What a subscriber may choose. Neither `address` nor that of an `owner` is ever shown.

    `weekday` counts for weekly, `day` of the month for monthly (the last one of a shorter month).
    `notices`: whether news of a paper that was sent waits for the next digest. `preprints`:
    whether a pair is told once. `background`: bring what is no news too.
    """

    topic: Slug
    channel: Channel = "email"
    address: SecretStr
    owner: SecretStr | None = None
    cadence: Cadence = "weekly"
    weekday: Weekday = "monday"
    day: int = Field(default=1, ge=1, le=31)
    hour: int = Field(default=7, ge=0, le=23)
    time_zone: str = "UTC"
    filters: Filters = Filters()
    max_items: int = Field(default=50, ge=1, le=500)
    when_empty: Literal["skip", "heartbeat"] = "skip"
    notices: Literal["next", "at-once"] = "next"
    preprints: Literal["once", "both"] = "once"
    background: bool = False

    @field_validator("owner")
    @classmethod
    def _is_owner(cls, value: SecretStr | None) -> SecretStr | None:
        return None if value is None else SecretStr(_mail_address(value.get_secret_value()))

    @field_validator("address")
    @classmethod
    def _is_target(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        target, channel = value.get_secret_value(), info.data.get("channel")
        if channel in MAIL:
            _mail_address(target)
        elif channel and not (is_sealed(target) or _URL.fullmatch(target)):
            raise ValueError(f"a {channel} subscription needs the URL of its target")
        return value

    @field_validator("time_zone")
    @classmethod
    def _is_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:  # unknown, unsafe, or a folder of zones
            raise ValueError(
                f"unknown time zone {value!r}: use an IANA name such as 'Europe/Belgrade'"
            ) from error
        return value

    @property
    def zone(self) -> ZoneInfo:
        """The zone whose clock `hour` is read from."""
        return ZoneInfo(self.time_zone)


class Subscription(Wish):
    """A wish on record. One that is not confirmed is never mailed.

    `created_at` is the moment from which it counts: its first digest is the first one due later.
    """

    id: Slug
    created_at: AwareDatetime
    confirmed_at: AwareDatetime | None = None
    paused_at: AwareDatetime | None = None
    paused_until: AwareDatetime | None = None
    looked_at: AwareDatetime | None = None


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


def subscription_id(topic: str, channel: str, address: SecretStr) -> str:
    """The same wish, the same id (hex, 24).

    It travels in events and logs; who knows an address can compute it, and nobody can go back.
    """
    words = "\x1f".join((topic, channel, address.get_secret_value().lower()))
    return hashlib.sha256(words.encode()).hexdigest()[:24]


class _File(_Strict):
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


def _refuse_twins(found: Iterable[Subscription], name: str) -> None:
    seen: dict[str, int] = {}
    for number, one in enumerate(found, 1):
        if one.id in seen:
            raise ConfigurationError(
                f"{name}: subscriptions {seen[one.id]} and {number} have the same id {one.id!r} "
                "(same topic, channel and address): remove one, or give each an id of its own"
            )
        seen[one.id] = number


def faults(error: ValidationError) -> str:
    """The first three faults of a subscription, by field; never a value."""
    return "; ".join(map(_fault, error.errors(include_input=False, include_url=False)[:3]))


def _fault(fault: ErrorDetails) -> str:
    where = ".".join(map(str, fault["loc"])) or "entry"
    if fault["type"] == "extra_forbidden":
        known = ", ".join((*Entry.model_fields, *Filters.model_fields))
        return f"{where}: unknown field; the fields are {known}"
    if fault["type"] == "missing":
        return f"{where}: missing; add it"
    return f"{where}: {fault['msg'].removeprefix('Value error, ')}"
