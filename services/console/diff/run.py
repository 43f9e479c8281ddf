"""A comparison from the archive to its report, a step at a time, over the spool."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.classifier.evaluation.gold import Example
from services.classifier.opinion import MARK
from services.console.archive.recorded import Read
from services.console.diff.arrivals import Folding, read_arrival
from services.console.diff.compare import ArticleDifference, Failed, Outcome, compare, is_same
from services.console.diff.digests import Desk, DigestDifference
from services.console.diff.gather import gather
from services.console.diff.gold import GoldFigures, ask, figures, recorded
from services.console.diff.results import Results
from services.console.diff.sides import Side
from services.console.diff.spool import Answered, Fault, Spool
from services.console.replay.selection import Selection
from services.notifier.subscription import Subscription
from shared.events import Classification, Discovery, decode

Subscribers = Callable[[datetime], Sequence[Subscription]]
"""The subscriptions to look at; a file's begin to count at the instant that is given."""


FAILED = b"!"
"""How an outcome in the spool begins that is none; JSON does not."""


@dataclass
class Tally:
    """What a comparison came to, in numbers.

    `reworded` are articles whose labels are the same for other reasons, or a little more or less
    sure: no difference. `adopted` are those whose discovery the archive does not have any more.
    `opinions` are recorded results that had a second opinion, which is not asked again.
    """

    compared: int = 0
    differing: int = 0
    reworded: int = 0
    adopted: int = 0
    opinions: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    digests: int = 0
    readers: set[str] = field(default_factory=set)
    subscriptions: int = 0
    faults: list[Fault] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether anything differs, or could not be told."""
        return bool(self.differing or self.digests or self.faults)


@dataclass(frozen=True)
class Comparison:
    """A finished one. What differs is read from the spool's file, as often as it is wanted."""

    tally: Tally
    results: Results
    gold: GoldFigures | None = None

    def articles(self) -> Iterator[ArticleDifference]:
        """The articles that differ, in the order of publishing."""
        yield from map(ArticleDifference.model_validate_json, self.results.differences())

    def digests(self) -> Iterator[DigestDifference]:
        """The digests that differ, by subscription and due instant."""
        yield from map(DigestDifference.model_validate_json, self.results.digests())


@dataclass(frozen=True)
class Asked:
    """What is compared. `old` is `None` for what was recorded; `gold` are labelled examples."""

    selection: Selection
    old: Side | None
    new: Side
    subscribers: Subscribers
    gold: Sequence[Example] = ()


async def run(read: Read, asked: Asked, spool: Spool) -> Comparison:
    """Compare both sides over what is selected.

    Raises what reading and the sides raise.
    """
    selection = asked.selection
    tally = Tally(adopted=await gather(read, selection, spool), faults=spool.faults())
    if not selection.labels:
        spool.keep_last(selection.last)
    spool.forget_strangers()
    await _answer(spool, asked)
    if selection.labels:
        spool.keep_last(selection.last)
    first = spool.first()
    subscriptions = asked.subscribers(first) if first else ()
    versions = _compare(spool, subscriptions, tally)
    _digests(spool, subscriptions, versions, tally)
    return Comparison(tally, spool.results, await _gold(spool, asked))


async def _answer(spool: Spool, asked: Asked) -> None:
    labels = asked.selection.labels
    for batch in spool.chosen():
        articles = [_discovery(body).article for _, body, _ in batch]
        new = await asked.new(articles)
        old: Sequence[Outcome] = (
            [_read(found) for _, _, found in batch]
            if asked.old is None
            else await asked.old(articles)
        )
        spool.answer(
            (no, _written(one), _written(other), not labels or _carries((one, other), labels))
            for (no, _, _), one, other in zip(batch, old, new, strict=True)
        )


def _carries(outcomes: Sequence[Outcome], labels: frozenset[str]) -> bool:
    """Whether one side gave one of these labels; what has none, as it failed, may have had it."""
    return any(
        not isinstance(one, Classification) or any(label.id in labels for label in one.labels)
        for one in outcomes
    )


def _compare(
    spool: Spool, subscriptions: Sequence[Subscription], tally: Tally
) -> dict[str, frozenset[tuple[int, int]]]:
    tally.subscriptions = len(subscriptions)
    folding = Folding(subscriptions)
    for row in spool.answered():
        is_plain = row.chosen and _is_one(row)
        tally.compared += is_plain
        if is_plain and not subscriptions:
            continue
        entry, old = _discovery(row.body), _read(row.before)
        new = old if is_plain or not row.chosen else _read(row.after)
        if row.chosen and not is_plain and new is not None:
            _count(spool, tally, row, entry, (old, new))
        if subscriptions:
            for arrival in folding.fold(row.at, entry, (old, new)):
                spool.results.arrive(row.at, arrival)
    return {topic: frozenset(pairs) for topic, pairs in folding.versions.items()}


def _is_one(row: Answered) -> bool:
    """Whether both sides said the same to the letter: most did, and need no second look."""
    return row.before is not None and row.before == row.after and row.before[:1] != FAILED


def _count(
    spool: Spool,
    tally: Tally,
    row: Answered,
    entry: Discovery,
    sides: tuple[Outcome, Classification | Failed],
) -> None:
    old, new = sides
    tally.compared += 1
    found = compare(entry, row.event_id, old, new)
    if found is not None:
        tally.differing += 1
        for regard in found.regards:
            tally.kinds[regard] = tally.kinds.get(regard, 0) + 1
        spool.results.differ(row.position, found.model_dump_json().encode())
    elif isinstance(old, Classification) and isinstance(new, Classification):
        tally.reworded += not is_same(old, new)
    if isinstance(old, Classification) and old.classifier_version.endswith(MARK):
        tally.opinions += 1


def _digests(
    spool: Spool,
    subscriptions: Sequence[Subscription],
    versions: dict[str, frozenset[tuple[int, int]]],
    tally: Tally,
) -> None:
    desk = Desk(subscriptions, spool.told(), versions)
    for found in desk.differences(map(read_arrival, spool.results.arrivals())):
        tally.digests += 1
        tally.readers.add(found.subscription_id)
        spool.results.digest(found.model_dump_json().encode())


async def _gold(spool: Spool, asked: Asked) -> GoldFigures | None:
    """Examples have texts of their own; what was recorded, only for articles that were."""
    if not asked.gold:
        return None
    if asked.old is not None:
        return figures(asked.gold, await ask(asked.gold, asked.old, asked.new))
    pmids = {example.article.pmid for example in asked.gold}
    found = {pmid: (_read(old), _read(new)) for pmid, old, new in spool.of(pmids)}
    return figures(asked.gold, recorded(asked.gold, found))


def _discovery(body: bytes) -> Discovery:
    data = decode(body).data
    if not isinstance(data, Discovery):
        raise TypeError(f"{type(data).__name__} in the spool of discoveries")
    return data


def _written(outcome: Outcome) -> bytes | None:
    if isinstance(outcome, Failed):
        return FAILED + outcome.reason.encode()
    return outcome.model_dump_json().encode() if outcome else None


def _read(body: bytes | None) -> Outcome:
    if body is None:
        return None
    if body[:1] == FAILED:
        return Failed(body[1:].decode())
    return Classification.model_validate_json(body)
