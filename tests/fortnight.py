"""A recorded fortnight of any size, invented from the demo's articles: the same each time.

A poll each six hours; each brings its share of new articles, and some that changed: a new title, a
correction, a retraction. With `recorded` the classifier's answers of the day are there too, as
they are in an archive.
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic_core import from_json

from services.classifier.classify import classify
from services.classifier.handlers import classified
from services.classifier.settings import TAXONOMY
from services.classifier.taxonomy import load_taxonomy
from services.console.archive.lines import Writer
from services.console.archive.recorded import Read, Recorded, envelop
from services.console.demo_articles import demo_articles
from shared.article import Article, Status
from shared.events import (
    ArticleDiscovered,
    ArticleRevised,
    CloudEvent,
    Discovery,
    Leg,
    Poll,
    PollCompleted,
    Reason,
    Revision,
    event_id,
)

BEGIN = datetime(2026, 9, 7, 5, tzinfo=UTC)
TOPIC = "car-autoimmune"
SOURCE = f"urn:carillon:poller:{TOPIC}"
EVERY = timedelta(hours=6)
POLLS = 14 * 4
FIRST_PMID = 60_000_000
OLDER = 20
"""Articles of the last polls that do not change yet."""
TURNS = (Status.PUBLISHED, Status.CORRECTED, Status.RETRACTED)

News = ArticleDiscovered | ArticleRevised


def fortnight(events: int, *, recorded: bool = False) -> Iterator[CloudEvent]:
    """So many events of the poller's, in order; the classifier's beside them if they are wanted."""
    texts = tuple(one for one in demo_articles() if one.status is Status.PUBLISHED)
    taxonomy = load_taxonomy(TAXONOMY)
    known: list[Discovery] = []
    for number, count in enumerate(_shares(events - POLLS)):
        start = BEGIN + number * EVERY
        news = [_one(texts, known, start, nth) for nth in range(count)]
        yield from news
        yield _poll(start, number, news)
        if recorded:
            for nth, event in enumerate(news):
                found = classify(event.data.article, taxonomy)
                at = event.time + timedelta(minutes=1, milliseconds=nth)
                yield classified(event, found, at)


def entries(events: Iterable[CloudEvent]) -> list[Recorded]:
    """The events as an archive has them."""
    return [envelop(n, event.encode()) for n, event in enumerate(events, 1)]


def reading(found: Iterable[Recorded]) -> Read:
    """An archive that has these."""
    kept = list(found)

    async def read() -> AsyncIterator[Recorded]:
        for entry in kept:
            yield entry

    return read


def write_file(path: Path, found: Iterable[Recorded]) -> None:
    """The entries as a file of `carillon record`."""
    writer = Writer()
    with path.open("wb") as file:
        file.write(writer.header())
        for entry in found:
            file.write(writer.line(entry, from_json(entry.body)))
        file.write(writer.trailer())


def _shares(articles: int) -> list[int]:
    return [articles * (n + 1) // POLLS - articles * n // POLLS for n in range(POLLS)]


def _one(texts: tuple[Article, ...], known: list[Discovery], start: datetime, nth: int) -> News:
    time = start + timedelta(milliseconds=nth)
    if len(known) > OLDER and _turn(len(known), nth):
        return _revised(known, (len(known) * 7 + nth) % (len(known) - OLDER), time)
    text = texts[len(known) % len(texts)]
    entry = Discovery(
        topic=TOPIC,
        article=text.model_copy(
            update={"pmid": FIRST_PMID + len(known), "status": Status.PUBLISHED}
        ),
        revision=1,
        reasons=(Reason(relation="query", name="core"),),
        relatedness=len(known) % 97 / 97,
        poll_id=_poll_id(start),
        discovered_at=start,
    )
    known.append(entry)
    return ArticleDiscovered(**_envelope("article.discovered", entry, time), data=entry)


def _turn(known: int, nth: int) -> bool:
    """Whether a change is next, about one event in ten; neither always nor never in a poll."""
    return (known * 31 + nth * 17) % 97 < 10


def _revised(known: list[Discovery], which: int, time: datetime) -> ArticleRevised:
    before = known[which]
    kept = before.article.status is Status.RETRACTED
    status = before.article.status if kept else TURNS[which % len(TURNS)]
    title = f"{before.article.title.rstrip('.')}, revised."
    article = before.article.model_copy(update={"title": title, "status": status})
    entry = before.model_copy(
        update={
            "article": article,
            "revision": before.revision + 1,
            "poll_id": _poll_id(time - (time - BEGIN) % EVERY),
        }
    )
    known[which] = entry
    fields = {name: getattr(entry, name) for name in Discovery.model_fields}
    data = Revision(**fields, changed=("title",), previous_status=before.article.status)
    return ArticleRevised(**_envelope("article.revised", entry, time), data=data)


def _envelope(key: str, entry: Discovery, time: datetime) -> dict[str, object]:
    pmid = entry.article.pmid
    identity = event_id(SOURCE, key, pmid, entry.revision)
    return {"id": identity, "source": SOURCE, "subject": str(pmid), "time": time}


def _poll_id(start: datetime) -> str:
    return event_id(SOURCE, "poll", start.isoformat())


def _poll(start: datetime, number: int, news: list[News]) -> PollCompleted:
    pmids = {event.data.article.pmid for event in news}
    new = sum(isinstance(event, ArticleDiscovered) for event in news)
    end = start + timedelta(seconds=90)
    data = Poll(
        topic=TOPIC,
        topic_title="CAR cells for autoimmune disease",
        seed=39450112,
        poll_id=_poll_id(start),
        started_at=start,
        finished_at=end,
        legs=(
            Leg(
                relation="query",
                name="core",
                state="closed",
                counted=(number + 1) * 10,
                received=(number + 1) * 10,
                new=new,
                published=len(pmids),
                window_from=start - EVERY,
                window_to=start,
            ),
        ),
        announced=len(pmids),
        healthy=True,
        next_at=start + EVERY,
    )
    identity = event_id(SOURCE, "poll.completed", data.poll_id)
    return PollCompleted(id=identity, source=SOURCE, subject=data.poll_id, time=end, data=data)
