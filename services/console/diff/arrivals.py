"""What the notifier would know of each article on either side, event by event.

An article's events are folded with the notifier's own rule while its whole text is at hand; what
goes on to the digests is as little as their rules ask for.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import AwareDatetime

from services.console.diff.compare import Outcome, with_labels
from services.console.diff.digests import Arrival, State
from services.notifier.match import admits
from services.notifier.project import Known, project
from services.notifier.subscription import Filters, Subscription
from services.notifier.ties import stated_versions
from shared.article import Article, Record
from shared.events import Classification, Classified, Discovery


class _Shown(Record):
    """A `Known` as it is written down."""

    entry: Classified
    discovered_at: AwareDatetime
    first_seen_at: AwareDatetime
    classified_at: AwareDatetime
    backfill: bool
    relevant_since: AwareDatetime | None
    wanted: int


class _Arrival(Record):
    """`after` is left out where it is as `before`."""

    at: AwareDatetime
    before: _Shown | None
    after: _Shown | None
    same: bool


@dataclass
class Folding:
    """Folds events, article by article. `versions` gathers what is a version of what, by topic."""

    subscriptions: Sequence[Subscription]
    versions: dict[str, set[tuple[int, int]]] = field(default_factory=dict)
    _article: tuple[str, int] | None = None
    _known: tuple[Known | None, Known | None] = (None, None)

    def __post_init__(self) -> None:
        self._readers: dict[tuple[str, Filters], int] = {}
        for number, one in enumerate(self.subscriptions):
            key = (one.topic, one.filters)
            self._readers[key] = self._readers.get(key, 0) | 1 << number

    def fold(
        self, at: datetime, entry: Discovery, outcomes: tuple[Outcome, Outcome]
    ) -> Iterator[bytes]:
        """The article after an event received at `at`, where anybody would want it."""
        if (key := (entry.topic, entry.article.pmid)) != self._article:
            self._article, self._known = key, (None, None)
        if pairs := stated_versions(entry.article):
            self.versions.setdefault(entry.topic, set()).update(pairs)
        was_wanted = any(map(self._wanted, self._known))
        old = _after(self._known[0], entry, outcomes[0], at)
        is_one = self._known[0] is self._known[1] and outcomes[0] is outcomes[1]
        new = old if is_one else _after(self._known[1], entry, outcomes[1], at)
        self._known = (old, new)
        before = self._shown(old)
        after = before if is_one else self._shown(new)
        if was_wanted or any(one and one.wanted for one in (before, after)):
            same = before == after
            told = _Arrival(at=at, before=before, after=None if same else after, same=same)
            yield told.model_dump_json(exclude_defaults=True).encode()

    def _shown(self, known: Known | None) -> _Shown | None:
        if known is None:
            return None
        return _Shown(
            entry=_short(known.entry),
            discovered_at=known.discovered_at,
            first_seen_at=known.first_seen_at,
            classified_at=known.classified_at,
            backfill=known.backfill,
            relevant_since=known.relevant_since,
            wanted=self._wanted(known),
        )

    def _wanted(self, known: Known | None) -> int:
        """A bit for each subscription whose filters let it pass."""
        if known is None:
            return 0
        wanted = 0
        for (topic, filters), readers in self._readers.items():
            if topic == known.entry.topic and admits(filters, known.features):
                wanted |= readers
        return wanted


def _after(known: Known | None, entry: Discovery, outcome: Outcome, at: datetime) -> Known | None:
    """Without a classification the notifier hears nothing of it."""
    if not isinstance(outcome, Classification):
        return known
    return project(known, with_labels(entry, outcome), at, at)


def _short(entry: Classified) -> Classified:
    """What a digest's rules ask of an article whose filters were asked already."""
    article = entry.article
    labels = (one.model_copy(update={"evidence": ()}) for one in entry.classification.labels)
    return entry.model_copy(
        update={
            "article": Article(
                pmid=article.pmid,
                title=article.title,
                status=article.status,
                publication_types=article.publication_types,
                corrections=article.corrections,
            ),
            "reasons": (),
            "classification": entry.classification.model_copy(
                update={
                    "labels": tuple(labels),
                    "taxonomy_version": "",
                    "classifier_version": "",
                }
            ),
        }
    )


def read_arrival(body: bytes) -> Arrival:
    """What `Folding.fold` wrote."""
    found = _Arrival.model_validate_json(body)
    before = _state(found.before)
    after = before if found.same else _state(found.after)
    entry = (found.before or found.after or _nobody()).entry
    return Arrival(found.at, entry.article.pmid, entry.topic, before, after)


def _nobody() -> _Shown:
    raise ValueError("an arrival on neither side")


def _state(shown: _Shown | None) -> State | None:
    if shown is None:
        return None
    known = Known(
        entry=shown.entry,
        discovered_at=shown.discovered_at,
        first_seen_at=shown.first_seen_at,
        classified_at=shown.classified_at,
        backfill=shown.backfill,
        relevant_since=shown.relevant_since,
    )
    return State(known, shown.wanted)
