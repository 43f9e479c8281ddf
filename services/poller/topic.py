"""Topics: a seed article and its relations, read from `topics/<id>.toml`."""

import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared.errors import ConfigurationError

Name = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[a-z0-9][a-z0-9-]*$")]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Query(_Strict):
    """A PubMed query: `name` is shown to readers, `term` is what PubMed is asked."""

    name: Name
    term: Annotated[str, Field(min_length=3, max_length=20_000)]


class Similar(_Strict):
    """How much of PubMed's similar articles counts: the first `top` with at least `min_score`."""

    top: Annotated[int, Field(ge=1, le=1000)] = 100
    min_score: Annotated[int, Field(ge=0)] = 0


class CitesTracked(_Strict):
    """One hop further: articles that cite at least so many of those already near the seed."""

    at_least: Annotated[int, Field(ge=2, le=1000)] = 5


class Topic(_Strict):
    """What is watched around a seed article, and how often.

    `initial_lookback_days`: at the first poll, what entered PubMed before is kept as background
    and is no news. `backfill_years`: how far back the first poll of a query looks.
    `overlap_days`: every poll looks at the days before the last one again. `alarm_after_hours`: a
    relation that could not be completed for longer raises an alarm. `poll_within_minutes`: what
    a poll has not been answered by then is left for the next one.
    """

    id: Name
    title: Annotated[str, Field(min_length=1, max_length=200)]
    seed: Annotated[int, Field(ge=1, le=999_999_999)]
    query: tuple[Query, ...] = ()
    similar: Similar | None = None
    cited_by: bool = False
    references: bool = False
    cites_tracked: CitesTracked | None = None
    initial_lookback_days: Annotated[int, Field(ge=0, le=3650)] = 30
    backfill_years: Annotated[int, Field(ge=0, le=50)] = 5
    overlap_days: Annotated[int, Field(ge=1, le=365)] = 14
    poll_every_minutes: Annotated[int, Field(ge=1, le=44_640)] = 60
    poll_within_minutes: Annotated[int, Field(ge=1, le=1440)] = 30
    alarm_after_hours: Annotated[int, Field(ge=1, le=8760)] = 24

    @model_validator(mode="after")
    def _has_distinct_relations(self) -> "Topic":
        names = [query.name for query in self.query]
        if len(set(names)) < len(names):
            raise ValueError("two queries have the same name; rename one")
        if not (names or self.similar or self.cited_by or self.references):
            raise ValueError("no relation to the seed: add a [[query]], similar or cited_by")
        return self

    @property
    def source(self) -> str:
        """The CloudEvents `source` of this topic's events."""
        return f"urn:carillon:poller:{self.id}"

    @property
    def lookback(self) -> timedelta:
        """`initial_lookback_days` as a span."""
        return timedelta(days=self.initial_lookback_days)

    @property
    def alarm_after(self) -> timedelta:
        """`alarm_after_hours` as a span."""
        return timedelta(hours=self.alarm_after_hours)

    @property
    def overlap(self) -> timedelta:
        """`overlap_days` as a span."""
        return timedelta(days=self.overlap_days)


def read_topic(path: Path) -> Topic:
    """Read one topic file.

    Raises:
        ConfigurationError: not readable, not TOML, a field missing, wrong or unknown, or an `id`
            that is not the file's name; the message names file and field.
    """
    topic = _validate(_load(path), path)
    if topic.id != path.stem:
        raise ConfigurationError(
            f"{path}: id is {topic.id!r} but the file is called {path.name!r}; make them the same"
        )
    return topic


def read_topics(folder: Path) -> tuple[Topic, ...]:
    """Every topic of a folder, in the order of their ids.

    Raises:
        ConfigurationError: the folder is missing or holds no topic, or a topic is wrong.
    """
    topics = tuple(read_topic(path) for path in sorted(folder.glob("*.toml")))
    if not topics:
        raise ConfigurationError(f"{folder}: no topic file (*.toml); add one or correct the folder")
    return topics


def _load(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(
            f"{path}: cannot be read ({error.strerror}); correct the name or its permissions"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: not valid TOML: {error}; correct that line") from error


def _validate(content: dict[str, Any], path: Path) -> Topic:
    try:
        return Topic.model_validate(content)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'topic'}: {fault['msg']}"
            for fault in error.errors(include_input=False, include_url=False)
        )
        raise ConfigurationError(f"{path}: {faults}; correct the file") from error
