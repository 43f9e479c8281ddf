"""What somebody could send to harm us: refused or harmless, in little memory."""

import io
import subprocess
import sys
import textwrap

import pytest

from services.poller.parse import Deleted, Refused, read_stream
from services.poller.stretches import LONGEST
from shared.article import Article
from tests.unit.poller.fakes import article_set, record

LONG = "A long title. " * 40


def read(xml: bytes) -> list[Article | Refused | Deleted]:
    return list(read_stream(io.BytesIO(xml)))


def pmids(results: list[Article | Refused | Deleted]) -> list[int]:
    return [one.pmid for one in results if isinstance(one, Article)]


def the_refusal(results: list[Article | Refused | Deleted]) -> Refused:
    (refused,) = [one for one in results if isinstance(one, Refused)]
    return refused


def doctype(entities: str) -> bytes:
    return f"<!DOCTYPE PubmedArticleSet [{entities}]>".encode()


def test_a_billion_laughs_are_not_laughed() -> None:
    levels = "".join(f'<!ENTITY l{level} "{f"&l{level - 1};" * 10}">' for level in range(1, 12))
    xml = doctype(f'<!ENTITY l0 "ha">{levels}') + article_set(record(7, "x&l11;y"), record(8))

    results = read(xml)

    assert pmids(results)[-1:] in ([8], [])
    assert all(len(one.title) < 100 for one in results if isinstance(one, Article))


def test_no_file_is_read_through_an_entity() -> None:
    xml = doctype('<!ENTITY e SYSTEM "file:///etc/passwd">') + article_set(record(7, "x&e;y"))

    (article,) = read(xml)

    assert isinstance(article, Article)
    assert article.title == "xy"


def test_markup_nested_too_deeply_is_refused_and_the_next_record_read() -> None:
    results = read(article_set(record(7, "<i>" * 300 + "</i>" * 300), record(8)))

    assert pmids(results) == [8]
    assert (the_refusal(results).pmid, "depth" in the_refusal(results).reason) == (7, True)


class Endless(io.RawIOBase):
    """A file that begins with `start` and goes on with `more` for so many bytes."""

    def __init__(self, start: bytes, more: bytes, size: int) -> None:
        self.left = start
        self.more = more
        self.size = size
        self.given = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while len(self.left) < size and self.given < self.size:
            self.left += self.more * 1000
        given, self.left = self.left[:size], self.left[size:]
        self.given += len(given)
        return given


HUNDRED_MEGABYTES = 100_000_000


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (article_set(record(7))[:-20] + b"<PubmedArticle><A>", b"x" * 100),
        (article_set(record(7))[:-20] + b"<PubmedArticle>", b"<A>x</A>"),
        (b"<Unusual>", b"<A>" + b"x" * 97),
        (b"<Unusual>" + b"<A>", b"x" * 100),
    ],
    ids=["a text", "elements", "nesting", "a text in another document"],
)
def test_what_never_ends_is_given_up_early(start: bytes, more: bytes) -> None:
    source = Endless(start, more, HUNDRED_MEGABYTES)

    results = list(read_stream(source))  # type: ignore[arg-type]

    assert the_refusal(results).pmid is None
    assert source.given < 2 * LONGEST + 10_000_000


MEASURE = """
    import sys
    from services.poller.parse import read_stream
    from tests.memory import most_held
    from tests.unit.poller.test_parse_hostile import Endless, large_record

    record = large_record()
    source = Endless(b"<PubmedArticleSet>", record, int(sys.argv[1]))
    count = sum(1 for _ in read_stream(source))
    print(count, round(most_held() * 1024))
"""


def large_record() -> bytes:
    text = f"<OtherAbstract><AbstractText>{LONG * 8}</AbstractText></OtherAbstract>"
    return record(7, LONG, more=text).encode()


def measured(size: int) -> tuple[int, int]:
    """Records read, and the most memory held (KiB), in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(MEASURE), str(size)],
        check=True,
        capture_output=True,
        text=True,
    )
    count, memory = map(int, done.stdout.split())
    return count, memory


def test_memory_does_not_grow_with_the_file() -> None:
    few, small = measured(30_000_000)
    lots, large = measured(210_000_000)

    assert lots > 6 * few
    assert large < 150 * 1024
    assert large - small < 10 * 1024
