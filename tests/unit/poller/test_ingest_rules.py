"""Rules of taking in NLM's files: what a record is taken for, and which of two is the older."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from services.poller.ingest.decide import Edition, News, decide, delete, is_older, last_versions
from services.poller.ingest.document import document_of
from services.poller.ingest.sieve import Criteria, Sieve, criteria_of, definition_of
from services.poller.ingest.spool import Taken
from services.poller.parse import Refused
from services.poller.poll import Entry, Moment, Waiting
from services.poller.topic import Query
from shared.article import (
    AbstractSection,
    Accession,
    Article,
    Author,
    Chemical,
    HistoryDate,
    Journal,
    MeshHeading,
    OtherAbstract,
    PartialDate,
    Status,
)
from shared.events import Reason
from shared.pubmed_query.matches import matches, read_query
from tests.builders import an_article
from tests.unit.poller.fakes import SEED
from tests.unit.poller.polling import DAY, OLD, ONLY_WORDS, TOPIC

MONDAY = DAY.date()
WORDS = (Reason(relation="query", name="words"),)


KNOWS_9 = Criteria(
    seed=SEED,
    queries=(("words", "car[tiab]"), ("young", '"last 7 days"[crdt]')),
    cited_by=True,
    cited=frozenset({7}),
    known=frozenset({9}),
    today=MONDAY,
)


def stored(article: Article, read_at: datetime = DAY) -> Entry:
    return Entry(
        article=article,
        revision=1,
        reasons=WORDS,
        backfill=False,
        discovered_at=OLD,
        announced_at=OLD,
        reread_at=read_at,
        poll_id="p",
    )


def edition(newest: date | None = MONDAY) -> Edition:
    return Edition(Moment(ONLY_WORDS, "p2", DAY), News(DAY - timedelta(days=30)), newest)


def revised(day: date | None, **more: Any) -> Article:
    return an_article(revised_on=day, **more)


def test_every_reason_of_a_record_is_found() -> None:
    sieve = Sieve(KNOWS_9)

    both = sieve.takes(an_article(pmid=1, title="A car", entered_at=DAY, references=(SEED,)))

    assert both == (
        *WORDS,
        Reason(relation="query", name="young"),
        Reason(relation="cited-by"),
    )


def test_a_record_is_taken_as_a_reference_or_as_known_and_else_not() -> None:
    sieve = Sieve(KNOWS_9)

    def nothing(pmid: int) -> Article:
        return an_article(pmid=pmid, title="A lorry", abstract=(), entered_at=OLD)

    assert sieve.takes(nothing(7)) == (Reason(relation="references"),)
    assert sieve.takes(nothing(9)) == ()
    assert sieve.takes(nothing(8)) is None


def test_the_seed_is_never_taken() -> None:
    assert Sieve(KNOWS_9).takes(an_article(pmid=SEED, title="A car")) is None
    assert Sieve(KNOWS_9).doubts(Refused(SEED, "odd", b"<a>car</a>")) is None


def test_citing_is_no_reason_where_the_topic_does_not_ask_for_it() -> None:
    sieve = Sieve(replace(KNOWS_9, cited_by=False, queries=()))

    assert sieve.takes(an_article(references=(SEED,))) is None


@pytest.mark.parametrize(
    ("record", "reasons"),
    [
        (Refused(5, "odd", b"<T>A <i>car</i> of sorts</T>"), WORDS),
        (Refused(None, "odd", b"<PMID>100</PMID>"), (Reason(relation="cited-by"),)),
        (Refused(9, "odd", b"<T>\xff lorry</T>"), ()),
        (Refused(5, "odd", b"<car>lorry</car>"), None),
    ],
)
def test_of_a_record_that_was_not_understood_the_words_tell(
    record: Refused, reasons: tuple[Reason, ...] | None
) -> None:
    only_words = replace(KNOWS_9, queries=KNOWS_9.queries[:1])

    assert Sieve(only_words).doubts(record) == reasons


def test_a_file_is_worth_reading_again_when_the_topic_asks_otherwise() -> None:
    def other(**change: object) -> str:
        return definition_of(TOPIC.model_copy(update=change))

    same = definition_of(TOPIC)
    assert other(title="Another title", poll_every_minutes=5) == same
    changes: list[dict[str, object]] = [
        {"seed": 5},
        {"query": (Query(name="words", term="bus[ti]"),)},
        {"cited_by": False},
        {"references": False},
    ]
    assert len({same, *(other(**change) for change in changes)}) == 5


def test_criteria_name_the_days_end() -> None:
    assert criteria_of(TOPIC, MONDAY).today == MONDAY


def test_a_record_is_dated_by_nlm() -> None:
    kept = stored(revised(date(2026, 3, 2)))

    assert is_older(revised(date(2026, 3, 1)), kept)
    assert not is_older(revised(date(2026, 3, 2)), kept)
    assert not is_older(revised(date(2026, 3, 3)), kept)
    assert is_older(revised(None), kept)


def test_a_higher_version_is_newer_whatever_its_day() -> None:
    kept = stored(revised(date(2026, 3, 2), version=2))

    assert is_older(revised(date(2026, 9, 9), version=1), kept)
    assert not is_older(revised(date(2026, 1, 1), version=3), kept)


def test_what_was_stored_without_its_day_counts_as_of_the_day_it_was_read() -> None:
    kept = stored(revised(None))

    assert is_older(revised(MONDAY - timedelta(days=1)), kept)
    assert not is_older(revised(MONDAY), kept)


def test_nothing_of_its_last_day_or_before_brings_a_deleted_article_back() -> None:
    gone = stored(revised(date(2026, 3, 2), status=Status.DELETED))

    assert is_older(revised(MONDAY), gone)
    assert not is_older(revised(MONDAY + timedelta(days=1)), gone)


def test_an_older_record_may_bring_a_reason_and_nothing_else() -> None:
    kept = stored(revised(MONDAY, title="Retracted car"))
    cites = (Reason(relation="cited-by"),)

    told = decide(Taken(article=revised(OLD.date()), reasons=cites), kept, None, edition())

    assert told.entry.article.title == "Retracted car"
    assert told.event is not None
    assert told.event.data.reasons == (*WORDS, *cites)
    assert told.entry.reread_at == kept.reread_at


def test_a_record_counts_as_read_when_its_file_was_made() -> None:
    made = date(2026, 1, 5)

    new = decide(Taken(article=revised(made), reasons=WORDS), None, None, edition(made))

    assert new.entry.reread_at.date() == made
    assert new.entry.announced_at == DAY


def test_a_file_from_the_future_is_read_now() -> None:
    assert edition(MONDAY + timedelta(days=400)).read_on == DAY


def test_a_file_without_a_day_was_read_long_ago() -> None:
    assert edition(None).read_on.year == 1


def test_what_the_seed_cites_is_background_though_no_poll_was_complete_for_long() -> None:
    long_open = Edition(edition().moment, News(DAY - timedelta(days=400)), MONDAY)
    old = an_article(entered_at=DAY - timedelta(days=200))
    cited = (Reason(relation="references"),)

    assert decide(Taken(article=old, reasons=cited), None, None, long_open).entry.backfill
    assert not decide(Taken(article=old, reasons=WORDS), None, None, long_open).entry.backfill


@pytest.mark.parametrize(
    ("entered_days_ago", "revised_days_ago", "reasons", "backfill"),
    [
        (200, 1, WORDS, False),
        (200, 40, WORDS, True),
        (2000, 1, WORDS, True),
        (200, 1, (Reason(relation="query", name="new one"),), True),
        (200, 1, (Reason(relation="cited-by"),), True),
    ],
)
def test_what_comes_to_match_a_query_late_is_news_where_polls_had_all_of_the_query(
    entered_days_ago: int, revised_days_ago: int, reasons: tuple[Reason, ...], backfill: bool
) -> None:
    answered = replace(edition(), news=News(DAY - timedelta(days=30), frozenset({"query:words"})))
    changed = an_article(
        entered_at=DAY - timedelta(days=entered_days_ago),
        revised_on=MONDAY - timedelta(days=revised_days_ago),
    )

    told = decide(Taken(article=changed, reasons=reasons), None, None, answered)

    assert told.entry.backfill is backfill


def test_a_paper_whose_references_come_late_is_news_where_polls_had_all_that_cite() -> None:
    since, cites = DAY - timedelta(days=30), (Reason(relation="cited-by"),)
    answered = replace(edition(), news=News(since, frozenset({"cited-by"})))

    def told(revised_on: date) -> bool:
        article = an_article(entered_at=DAY - timedelta(days=500), revised_on=revised_on)
        taken = Taken(article=article, reasons=cites)
        return not decide(taken, None, None, answered).entry.backfill

    assert told(MONDAY)
    assert not told(MONDAY - timedelta(days=40))


def test_what_waited_to_be_understood_is_news_as_it_was_when_it_was_found() -> None:
    old = Taken(article=an_article(entered_at=OLD), reasons=())

    as_found = decide(old, None, Waiting(WORDS, None), edition())

    assert not as_found.entry.backfill
    assert as_found.entry.reasons == WORDS


def test_of_two_versions_in_a_file_the_higher_and_of_equal_ones_the_later_counts() -> None:
    def of(version: int, title: str) -> Taken:
        return Taken(article=an_article(version=version, title=title))

    assert last_versions([of(2, "a"), of(1, "b")])[40000001].article.title == "a"
    assert last_versions([of(1, "a"), of(1, "b")])[40000001].article.title == "b"


def test_a_file_undoes_nothing_that_pubmed_changed_since_without_another_day() -> None:
    file = Taken(article=revised(MONDAY, title="As it was"), reasons=WORDS)
    long_since = stored(revised(MONDAY, title="As it is"), read_at=DAY + timedelta(days=30))
    just_before = stored(revised(MONDAY, title="As it is"), read_at=DAY)

    assert decide(file, long_since, None, edition()).event is None
    assert decide(file, just_before, None, edition()).event is not None


def test_a_deletion_older_than_the_last_reading_is_no_news() -> None:
    kept = stored(revised(MONDAY))

    assert delete(kept, edition(MONDAY - timedelta(days=4))) is None
    assert delete(kept, edition(MONDAY - timedelta(days=3))) is not None
    assert delete(kept, edition(None)) is not None


def test_what_is_deleted_is_deleted_once() -> None:
    assert delete(stored(revised(MONDAY, status=Status.DELETED)), edition()) is None


FULL = an_article(
    pmid=5,
    title="A car",
    abstract=(AbstractSection(text="It drives."),),
    other_abstracts=(OtherAbstract(sections=(AbstractSection(text="Il roule."),)),),
    vernacular_title="Une voiture",
    doi="10.1/x",
    pmcid="PMC12",
    journal=Journal(title="Cars Today", abbreviation="Cars", issn="1234-5678"),
    published=PartialDate(year=2026, month=2),
    electronic=PartialDate(year=2025, month=12, day=30),
    history=(HistoryDate(status="pubmed", date=PartialDate(year=2024, month=5, day=1)),),
    revised_on=date(2026, 3, 3),
    authors=(
        Author(last_name="Ford", fore_name="Henry", initials="H", affiliations=("Detroit.",)),
        Author(collective_name="The Car Group"),
    ),
    publication_types=("Review",),
    mesh=(MeshHeading(name="Automobiles", major=True, qualifiers=("history",)),),
    keywords=("wheels",),
    languages=("fre",),
    trial_ids=("NCT00000001",),
    accessions=(Accession(bank="GENBANK", number="AB1"),),
    chemicals=(Chemical(name="Gasoline"),),
)


@pytest.mark.parametrize(
    "query",
    [
        "car[ti] AND drives[ab] AND roule[tiab] AND wheels[ot]",
        "automobiles[mh] AND automobiles/history[majr] AND review[pt]",
        "french[la] AND fre[la] AND 10.1/x[doi] AND PMC12[aid]",
        '"Cars Today"[ta] AND Cars[ta] AND 1234-5678[ta]',
        "Ford H[au] AND Henry Ford[fau] AND The Car Group[au] AND 5[pmid]",
        "NCT00000001[si] AND GENBANK/AB1[si]",
        "voiture gasoline Detroit hasabstract",
        "2026/02[dp] AND 2025/12/30[dp] AND 2024/05/01[edat] AND 2026/03/03[mdat]",
        "2026/09/07[crdt]",
    ],
)
def test_a_record_is_found_by_each_of_its_fields(query: str) -> None:
    assert matches(read_query(query), document_of(FULL), MONDAY)


@pytest.mark.parametrize("query", ["2026/03[dp]", "2026[edat]", "voiture[ti]", "hasabstract[ti]"])
def test_a_record_is_not_found_by_another_field(query: str) -> None:
    assert not matches(read_query(query), document_of(FULL), MONDAY)


def test_a_record_without_an_entry_date_of_its_own_has_that_of_its_creation() -> None:
    bare = an_article(published=PartialDate(text="Winter"), entered_at=None)

    assert matches(read_query("2026/09/07[edat]"), document_of(an_article()), MONDAY)
    assert not matches(read_query("1000:3000[dp] OR 1000:3000[crdt]"), document_of(bare), MONDAY)
