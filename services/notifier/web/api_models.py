"""What the HTTP API takes and gives, as OpenAPI describes it."""

from datetime import datetime
from typing import Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.notifier.schedule import Cadence, Weekday
from services.notifier.subscribers import Kept
from services.notifier.subscription import Filters, Wish
from services.notifier.web.rows import state
from services.notifier.web.topics import Topic
from services.notifier.wording import where


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, from_attributes=True)


class Choices(_Model):
    """What a reader may choose; what is left out keeps its default."""

    cadence: Cadence = "weekly"
    weekday: Weekday = Field(default="monday", description="Counts for weekly.")
    day: int = Field(default=1, ge=1, le=31, description="Counts for monthly.")
    hour: int = Field(default=7, ge=0, le=23, description="Local hour in the time zone.")
    time_zone: str = Field(default="UTC", max_length=64, description="IANA name.")
    filters: Filters = Filters()
    max_items: int = Field(default=50, ge=1, le=500)
    when_empty: Literal["skip", "heartbeat"] = "skip"
    notices: Literal["next", "at-once"] = "next"
    preprints: Literal["once", "both"] = "once"
    background: bool = False


class NewSubscription(Choices):
    """A subscription to ask for. It begins when who reads the mailbox has confirmed it."""

    topic: str = Field(max_length=64, examples=["car-autoimmune"])
    channel: Literal["email", "slack", "webhook", "apprise"] = "email"
    address: str = Field(
        max_length=2048, repr=False, description="A mail address, or the URL of the target."
    )
    owner: str | None = Field(
        default=None,
        max_length=254,
        repr=False,
        description="The mail address that confirms and looks after a target that is no mailbox.",
    )


class Asked(_Model):
    """The answer to what is confirmed by mail; the same, whatever is known of the address."""

    detail: str = "A message is on its way to the mailbox. Open its link to go on."


class Wanted(Choices):
    """Choices to try out on a topic."""

    topic: str = Field(max_length=64, examples=["car-autoimmune"])


class Issue(_Model):
    """A digest as it would have been; of its articles the most related are named."""

    due: datetime
    total: int
    pmids: list[int]


class PreviewOut(_Model):
    """What the last weeks would have brought, the latest first."""

    since: datetime
    total: int
    is_cut_off: bool = Field(description="There were more: the numbers are at least so many.")
    issues: list[Issue]


class LinkWanted(_Model):
    """For whom the link to manage is asked."""

    email: str = Field(max_length=254, repr=False, examples=["reader@example.org"])


class Pause(_Model):
    """Until when to pause; without a time, until it is resumed."""

    until: AwareDatetime | None = None


class SubscriptionOut(_Model):
    """A subscription of who asks. Its target is never told."""

    id: str
    topic: str
    channel: str
    where: str
    state: str = Field(description="How it stands, in words.")
    active: bool
    confirmed_at: datetime | None
    paused_until: datetime | None
    choices: Choices

    @classmethod
    def of(cls, kept: Kept, now: datetime) -> Self:
        """A subscription as it stands now."""
        one = kept.subscription
        return cls(
            id=one.id,
            topic=one.topic,
            channel=one.channel,
            where=where(one),
            state=state(kept, now).text,
            active=kept.active,
            confirmed_at=one.confirmed_at,
            paused_until=one.paused_until if one.is_paused(now) else None,
            choices=choices_of(one),
        )


def choices_of(wish: Wish) -> Choices:
    """The choices of a wish."""
    return Choices(**{name: getattr(wish, name) for name in Choices.model_fields})


class TopicOut(_Model):
    """A topic that is followed; `new` counts the papers found in the last 30 days."""

    id: str
    title: str
    seed_pmid: int
    checked_at: datetime
    is_complete: bool
    articles: int
    new: int

    @classmethod
    def of(cls, topic: Topic) -> Self:
        """A topic as its last poll left it."""
        return cls(
            id=topic.id,
            title=topic.title,
            seed_pmid=topic.seed,
            checked_at=topic.checked_at,
            is_complete=topic.healthy,
            articles=topic.articles,
            new=topic.lately,
        )


class LegOut(_Model):
    """One relation of the last poll: what PubMed counted, and what of it is here."""

    relation: str
    name: str | None
    state: str
    counted: int | None
    held: int
    open_since: datetime | None
    alarm: bool


class Coverage(_Model):
    """What the last poll of a topic checked. `next_at` is when the next one is due."""

    topic: str
    checked_at: datetime
    is_complete: bool
    next_at: datetime | None
    relations: list[LegOut]


class Health(_Model):
    """Whether the pages work; `topics` that were polled, and those of them not complete."""

    status: Literal["ok"] = "ok"
    topics: int
    incomplete: list[str]


class Wrong(_Model):
    """One fault of what was sent: where, and what. Never the value."""

    field: str
    message: str


class Problem(BaseModel):
    """RFC 9457."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[Wrong] | None = None


_AS_SENT = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}

PROBLEMS: dict[int | str, dict[str, Any]] = {
    code: {"model": Problem, "description": words, "content": _AS_SENT}
    for code, words in (
        (400, "The body could not be read."),
        (401, "The token to manage is missing, wrong or expired."),
        (403, "Sent from another site, or nobody may subscribe by themselves."),
        (404, "There is no such thing."),
        (413, "The body is too large."),
        (422, "Something in the request is wrong; `errors` says what."),
        (429, "Asked too often; see Retry-After."),
        (503, "The database is away; see Retry-After."),
    )
}
