"""Who wants to be told what, and when. How an operator says so in a file: `entries`."""

import hashlib
import re
from datetime import datetime
from difflib import get_close_matches
from typing import Annotated, Literal, Self
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
    model_validator,
)
from pydantic_core import ErrorDetails

from services.notifier.item import MODALITIES
from services.notifier.recipient import MAIL
from services.notifier.schedule import Cadence, Rhythm, Weekday
from services.notifier.vault import is_sealed, is_webhook_key

Channel = Literal["email", "slack", "webhook", "apprise", "capture"]
Scope = Literal["core", "adjacent", "oncology", "none", "unclear"]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]

_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?", re.ASCII
)
"""RFC 5322's dot-atom and a host name: no spaces, no line ends, nothing that a header obeys."""

_LONGEST_ADDRESS = 254
"""RFC 5321, section 4.5.3.1.3: 256 octets for a path, two of which are its brackets."""


_URL = re.compile(r"[a-z][a-z0-9+.-]{1,20}://[!-~]{3,2000}")


def is_mail_address(value: str) -> bool:
    """Whether this is one plain ASCII address, as headers and SMTP commands can carry it."""
    return len(value) <= _LONGEST_ADDRESS and bool(_ADDRESS.fullmatch(value))


def _mail_address(value: str) -> str:
    if not is_mail_address(value):
        raise ValueError("not an e-mail address: write one plain ASCII address, name@host")
    return value


def _modality(value: str) -> str:
    known = [modality for modality, _ in MODALITIES]
    if value not in known:
        near = get_close_matches(value, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
        raise ValueError(f"unknown modality {value!r}: {hint}")
    return value


def _words(value: str) -> str:
    if not any(sign.isalnum() for sign in value):
        raise ValueError("nothing to look for: it needs a letter or a digit")
    return value


Phrase = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=2, max_length=100),
    AfterValidator(_words),
]


class _Strict(BaseModel):
    """Frozen; a mistyped field is an error, and no value is ever quoted in one."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Filters(_Strict):
    """What a subscriber wants; an empty set admits everything of its facet.

    `scope` leaves out what is about cancer (`oncology`) or not about CAR cells at all (`none`)
    unless it is asked for. One of `words` has to be in the title, abstract or keywords. `journals`
    and `authors` are followed, the muted ones never come. How all that is meant: `match`.
    """

    modality: frozenset[Annotated[Slug, AfterValidator(_modality)]] = frozenset()
    disease: frozenset[Slug] = frozenset()
    target: frozenset[Slug] = frozenset()
    evidence: frozenset[Slug] = frozenset()
    scope: frozenset[Scope] = Field(frozenset({"core", "adjacent", "unclear"}), min_length=1)
    words: tuple[Phrase, ...] = Field(default=(), max_length=50)
    journals: tuple[Phrase, ...] = Field(default=(), max_length=50)
    authors: tuple[Phrase, ...] = Field(default=(), max_length=50)
    muted_journals: tuple[Phrase, ...] = Field(default=(), max_length=50)
    muted_authors: tuple[Phrase, ...] = Field(default=(), max_length=50)
    min_relatedness: float = Field(default=0.0, ge=0, le=1)


class Wish(_Strict):
    """What a subscriber may choose. Neither `address` nor that of an `owner` is ever shown.

    `secret` is the key that the messages of a webhook are signed with. `weekday` counts for
    weekly, `day` of the month for monthly (the last one of a shorter month). `notices`: whether
    news of a paper that was sent waits for the next digest. `preprints`: whether a pair is told
    once. `background`: bring what is no news too.
    """

    topic: Slug
    channel: Channel = "email"
    address: SecretStr
    owner: SecretStr | None = None
    secret: SecretStr | None = None
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

    @field_validator("secret")
    @classmethod
    def _is_key(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is None:
            return None
        if info.data.get("channel") != "webhook":
            raise ValueError("only the messages of a webhook are signed: leave the secret out")
        key = value.get_secret_value()
        if not (is_sealed(key) or is_webhook_key(key)):
            raise ValueError("not a key to sign with: whsec_ and 24 to 64 random bytes in Base64")
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

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.cadence == "immediate" and self.when_empty == "heartbeat":
            raise ValueError("when_empty: a heartbeat every quarter of an hour helps nobody: skip")
        return self

    @property
    def rhythm(self) -> Rhythm:
        """When its digests are due."""
        return Rhythm(self.cadence, self.weekday, self.day, self.hour, self.time_zone)

    @property
    def zone(self) -> ZoneInfo:
        """The zone whose clock `hour` is read from."""
        return ZoneInfo(self.time_zone)


class Subscription(Wish):
    """A wish on record. One that is not confirmed is never mailed.

    `created_at` is the moment from which it counts: its first digest is the first one due later.
    A pause begins at `paused_at`, ends at `paused_until` or when it is ended, and stays on record
    until a digest has caught up with it. `looked_at` is the last due instant of an immediate one
    that had nothing to bring.
    """

    id: Slug
    created_at: AwareDatetime
    confirmed_at: AwareDatetime | None = None
    paused_at: AwareDatetime | None = None
    paused_until: AwareDatetime | None = None
    looked_at: AwareDatetime | None = None

    def is_paused(self, at: datetime) -> bool:
        """Whether nothing is due for it then."""
        return self.paused_at is not None and (self.paused_until is None or at < self.paused_until)


def subscription_id(topic: str, channel: str, address: SecretStr) -> str:
    """The same wish, the same id (hex, 24).

    It travels in events and logs; who knows an address can compute it, and nobody can go back.
    """
    target = address.get_secret_value()
    words = "\x1f".join((topic, channel, target.lower() if channel in MAIL else target))
    return hashlib.sha256(words.encode()).hexdigest()[:24]


_FIELDS = (*Wish.model_fields, "id", "confirmed", "since", *Filters.model_fields)


def faults(error: ValidationError) -> str:
    """The first three faults of a subscription, by field; never a value."""
    return "; ".join(map(_fault, error.errors(include_input=False, include_url=False)[:3]))


def _fault(fault: ErrorDetails) -> str:
    where = ".".join(map(str, fault["loc"])) or "entry"
    if fault["type"] == "extra_forbidden":
        return f"{where}: unknown field; the fields are {', '.join(_FIELDS)}"
    if fault["type"] == "missing":
        return f"{where}: missing; add it"
    return f"{where}: {fault['msg'].removeprefix('Value error, ')}"
