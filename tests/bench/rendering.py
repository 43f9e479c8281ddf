"""How many digests a second are rendered: 10,000 readers with mixed filters, 50 articles.

Each digest is read from what is stored (its items by reference, as `contents` keeps them), and
made into the bytes of its mail. Beside it, on some of the same digests, the way it was: nothing
kept between two digests, and the message put together by the standard library.

    python -m tests.bench.rendering [--readers 10000] [--profile]
"""

import argparse
import asyncio
import cProfile
import pstats
import sys
import tempfile
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from random import Random
from time import perf_counter, process_time

from services.notifier import contents
from services.notifier.contents import Content, Shelf
from services.notifier.digest import Digest
from services.notifier.item import MODALITIES
from services.notifier.match import is_wanted
from services.notifier.render import html, picture, strips, text
from services.notifier.render.links import Links
from services.notifier.render.mail import Envelope, written
from services.notifier.subject import subject
from services.notifier.subscription import Filters
from services.notifier.trend import trend
from shared.database import make_engine, transaction
from shared.events import Classified, Reason
from shared.migrate import upgrade
from tests.unit.notifier.digests import a_coverage, a_digest, a_label, an_entry

ARTICLES = 50
PAGE = 50
"""Digests read from the database at a time, as they are claimed."""

PAGES = "https://carillon.example.org"
DISEASES = ("sle", "mg", "ssc", "ms", "pemphigus", "t1d", "ra", "nmo")


def articles(at: Random) -> list[Classified]:
    """Articles as they come: an evidence sentence each, two or three labels, links."""
    made = []
    for pmid in range(42_000_001, 42_000_001 + ARTICLES):
        modality, name = at.choice(MODALITIES)
        sentence = f"{name} cells were given to {at.randint(2, 60)} people whose disease had not "
        sentence += "answered to several lines of treatment, after lymphodepletion."
        label = a_label(modality, sentence=sentence, matched=f"{name} cells")
        diseases = at.sample(DISEASES, at.randint(1, 3))
        made.append(
            an_entry(
                pmid,
                label.model_copy(update={"name": name}),
                *(a_label(disease, "disease") for disease in diseases),
                a_label("trial", "evidence"),
                title=f"{name} in refractory disease: a study of {at.randint(2, 60)} people",
                doi=f"10.1000/example.{pmid}",
                pmcid=f"PMC{pmid}" if at.random() < 0.5 else None,
                relatedness=at.random(),
                reasons=(
                    Reason(relation="cited-by"),
                    Reason(relation="similar", rank=at.randint(1, 140), of=140),
                ),
            )
        )
    return made


def filters(at: Random) -> Filters:
    """What a reader wants: all, some approaches, some diseases, the nearest, or a mixture."""
    wish: dict[str, object] = {}
    if at.random() < 0.4:
        wish["modality"] = frozenset(key for key, _ in at.sample(MODALITIES, at.randint(1, 5)))
    if at.random() < 0.4:
        wish["disease"] = frozenset(at.sample(DISEASES, at.randint(1, 4)))
    if at.random() < 0.3:
        wish["min_relatedness"] = round(at.random() * 0.7, 2)
    return Filters.model_validate(wish)


def digests(readers: int) -> list[Digest]:
    """One digest for each reader."""
    at = Random(5)  # noqa: S311 - the same ones each time
    known = articles(at)
    counts = {(f"2026-{m:02}", p): at.randint(0, 6) for m in range(1, 10) for p in range(9)}
    shown = trend(counts, a_digest().period_to.date())
    made = []
    for number in range(readers):
        wanted = filters(at)
        digest = a_digest(
            *(entry for entry in known if is_wanted(entry, wanted)),
            id=f"7c3f2a9e-0000-5000-8000-{number:012}",
            subscription_id=f"reader-{number}",
            max_items=50,
            coverage=a_coverage(legs=("query 'core': 31 of 31", "cited-by: 4 of 4")),
        )
        made.append(digest.model_copy(update={"trend": shown}))
    return made


def envelope(number: int) -> Envelope:
    """Everybody's own links."""
    token = f"WyJyZWFkZXItMDAwMDEiLG51bGxd.{number:043}"
    links = Links(
        f"{PAGES}/leave?token={token}", f"{PAGES}/manage?token={token}", f"{PAGES}/digests/{token}"
    )
    sender = "Carillon <news@example.org>"
    return Envelope(sender, f"reader{number}@x.example", "car.example.org", "example.org", links)


def the_way_it_was(digest: Digest, envelope: Envelope) -> bytes:
    """Every article rendered anew for every reader, and the standard library's message."""
    for kept in (html._entry, text._entry, html._heading, text._heading):
        kept.cache_clear()
    shown, page = html.fitted(digest, envelope.links, f"cid:trend@{envelope.host}")
    mail = EmailMessage(policy=SMTP)
    mail["Subject"], mail["From"], mail["To"] = subject(digest), envelope.sender, envelope.recipient
    mail.set_content(strips.text_of(text.strips(shown, envelope.links)), cte="quoted-printable")
    mail.add_alternative(strips.text_of(page), subtype="html", cte="quoted-printable")
    if digest.trend:
        mail.get_payload(1).add_related(  # type: ignore[union-attr]
            picture.png(digest.trend), "image", "png", cid=f"<trend@{envelope.host}>"
        )
    return mail.as_bytes()


async def stored(made: Sequence[Digest], folder: Path) -> tuple[float, list[Digest]]:
    """Keep all, and read them back page by page; seconds for reading, and what was read."""
    engine = make_engine(f"sqlite+aiosqlite:///{folder / 'notifier.db'}")
    await upgrade(engine, "notifier")
    kept: list[Content] = []
    async with transaction(engine) as connection:
        kept += [await contents.keep(connection, digest) for digest in made]
    shelf, read = Shelf(), []
    start = perf_counter()
    async with transaction(engine) as connection:
        for at in range(0, len(kept), PAGE):
            read += await contents.load_many(connection, kept[at : at + PAGE], shelf)
    seconds = perf_counter() - start
    await engine.dispose()
    return seconds, read


def rate(render: Callable[[Digest, Envelope], object], some: Sequence[Digest]) -> tuple[float, int]:
    """Digests a second of this process's own time, and bytes in all."""
    size = 0
    start = process_time()
    for number, digest in enumerate(some):
        made = render(digest, envelope(number))
        size += len(made.content if hasattr(made, "content") else made)  # type: ignore[arg-type]
    return len(some) / (process_time() - start), size


def main() -> None:
    """Print what was measured."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--readers", type=int, default=10_000)
    options.add_argument("--profile", action="store_true")
    told = options.parse_args()
    made = digests(told.readers)
    with tempfile.TemporaryDirectory() as folder:
        seconds, read = asyncio.run(stored(made, Path(folder)))
    articles = sum(len(digest.shown) for digest in read) / len(read)
    say = sys.stdout.write
    say(f"{len(read)} digests of {articles:.1f} articles on average\n")
    say(f"read from what is stored: {len(read) / seconds:,.0f} a second\n")
    old, _ = rate(the_way_it_was, read[:: max(1, len(read) // 200)])
    profile = cProfile.Profile() if told.profile else None
    if profile:
        profile.enable()
    new, size = rate(written, read)
    if profile:
        profile.disable()
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)
    say(f"the way it was: {old:,.0f} digests a second of one core\n")
    say(f"now: {new:,.0f} digests a second of one core, {size / len(read) / 1000:.1f} kB each\n")
    say(f"ratio: {new / old:.1f}\n")


if __name__ == "__main__":
    main()
