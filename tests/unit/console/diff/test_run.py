"""A comparison over an archive: what is found, in which articles, and in whose digests."""

import json
from collections.abc import Sequence
from dataclasses import replace

from services.console.archive.recorded import Recorded, envelop
from services.console.diff.compare import Failed
from services.console.diff.run import Asked, run
from services.console.diff.sides import Answers, by_rules
from services.console.diff.spool import Spool
from services.console.replay.selection import Selection
from services.notifier.subscription import Filters
from shared.article import AbstractSection, Article
from shared.events import ArticleRevised, Revision, event_id
from tests.builders import a_discovery, digest_delivered, poll_completed
from tests.unit.console.diff.past import (
    SHIPPED,
    a_past,
    a_reader,
    an_article,
    at,
    compared,
    entries,
    found,
    reading,
    with_result,
    without,
)

PEMPHIGUS = {50000001, 50000006}


async def test_an_unchanged_classifier_differs_in_nothing(spool: Spool) -> None:
    one = await compared(a_past(), spool, readers=[a_reader()])

    assert (one.tally.compared, one.tally.changed) == (7, False)
    assert list(one.articles()) == []
    assert list(one.digests()) == []


async def test_a_planted_change_is_found_in_exactly_the_articles_concerned(spool: Spool) -> None:
    one = await compared(a_past(14), spool, without("pemphigus"))

    differing = [x.pmid for x in one.articles()]
    assert differing == [50000001, 50000006, 50000008, 50000013]
    assert one.tally.changed
    for told in one.articles():
        gone = [x for x in told.labels if x.kind == "removed"]
        assert [(x.facet, x.id) for x in gone] == [("disease", "pemphigus")]


async def test_both_sides_can_be_computed(spool: Spool) -> None:
    recorded_otherwise = a_past(taxonomy=without("sle"))

    one = await compared(recorded_otherwise, spool, without("pemphigus"), old=by_rules(SHIPPED))

    assert {x.pmid for x in one.articles()} == PEMPHIGUS


async def test_what_waits_or_is_parked_and_what_cannot_be_read_is_said(spool: Spool) -> None:
    body = json.loads(found(1).encode())
    del body["data"]["article"]["title"]
    past = [
        *entries([found(0)]),
        envelop(7, json.dumps(body).encode()),
        envelop(8, b"no event"),
        replace(envelop(9, b"nor this"), type="a.type"),
        *(replace(entry, position=entry.position + 9) for entry in entries(with_result(found(2)))),
    ]

    one = await compared(past, spool)

    assert [(x.pmid, x.kind) for x in one.articles()] == [(50000000, "unclassified")]
    assert [fault.position for fault in one.tally.faults] == [7, 8, 9]
    assert "title" in one.tally.faults[0].reason
    assert (one.tally.compared, one.tally.changed) == (2, True)


async def test_an_entry_that_cannot_be_read_alone_is_a_change(spool: Spool) -> None:
    one = await compared([*a_past(1), envelop(8, b"no event")], spool)

    assert (one.tally.differing, one.tally.changed) == (0, True)


async def test_an_unreadable_classification_leaves_its_article_without_one(spool: Spool) -> None:
    cause, result = with_result(found(0))
    body = json.loads(result.encode())
    del body["data"]["classification"]["scope"]
    past = [*entries([cause]), envelop(2, json.dumps(body).encode())]

    one = await compared(past, spool)

    assert [x.kind for x in one.articles()] == ["unclassified"]
    assert len(one.tally.faults) == 1


async def test_a_classification_stands_for_a_discovery_that_is_gone(spool: Spool) -> None:
    past = [entry for entry in a_past() if entry.routing_key == "article.classified"]

    one = await compared(past, spool, without("pemphigus"))

    assert {x.pmid for x in one.articles()} == PEMPHIGUS
    assert (one.tally.compared, one.tally.adopted) == (7, 7)


async def test_the_order_of_events_does_not_matter(spool: Spool) -> None:
    one = await compared(list(reversed(a_past())), spool, without("pemphigus"))

    assert {x.pmid for x in one.articles()} == PEMPHIGUS
    assert (one.tally.compared, one.tally.adopted) == (7, 0)


async def test_of_what_came_twice_the_last_result_counts_and_replays_do_not(spool: Spool) -> None:
    cause = found(1)
    first = with_result(cause, without("pemphigus"))
    marked = json.loads(first[1].encode()) | {"replayid": "r1", "replayhop": 2}
    past = [
        *entries([*first, *with_result(cause)]),
        envelop(9, json.dumps(marked).encode()),
    ]

    one = await compared(past, spool)

    assert (one.tally.compared, one.tally.changed) == (1, False)


async def test_a_selection_is_of_discoveries_and_finds_results_that_came_later(
    spool: Spool,
) -> None:
    late = [
        replace(entry, published_at=at(20)) if entry.routing_key == "article.classified" else entry
        for entry in a_past()
    ]

    chosen = Selection(since=at(1), until=at(3))
    one = await compared(late, spool, without("pemphigus"), selection=chosen)

    assert (one.tally.compared, one.tally.adopted) == (2, 0)
    assert [x.pmid for x in one.articles()] == [50000001]


async def test_a_label_is_one_of_either_side_and_last_counts_what_has_it(spool: Spool) -> None:
    chosen = Selection(labels=frozenset({"pemphigus"}), last=1)

    one = await compared(a_past(), spool, without("pemphigus"), selection=chosen)

    assert one.tally.compared == 1
    assert [x.pmid for x in one.articles()] == [50000006]


async def test_last_keeps_the_last_discoveries(spool: Spool) -> None:
    one = await compared(a_past(), spool, without("pemphigus"), selection=Selection(last=3))

    assert one.tally.compared == 3
    assert [x.pmid for x in one.articles()] == [50000006]


async def test_what_neither_side_could_classify_is_no_agreement(spool: Spool) -> None:
    async def failing(articles: Sequence[Article]) -> Answers:
        return [Failed("no")] * len(articles)

    asked = Asked(Selection(), failing, failing, lambda _: ())
    one = await run(reading(a_past(2)), asked, spool)

    assert one.tally.kinds == {"failed": 2}


async def test_other_events_are_passed_over(spool: Spool) -> None:
    past = entries([poll_completed(), digest_delivered()])

    one = await compared(past, spool)

    assert (one.tally.compared, one.tally.changed) == (0, False)


def _revised(number: int, text: str | None, hours: float = 100) -> ArticleRevised:
    article = an_article(number)
    if text is not None:
        article = article.model_copy(update={"title": text, "abstract": ()})
    entry = a_discovery(article=article, revision=2, discovered_at=at(number))
    fields = {name: getattr(entry, name) for name in type(entry).model_fields}
    data = Revision(**fields, changed=("title",))
    source = "urn:carillon:poller:car-autoimmune"
    identity = event_id(source, "article.revised", article.pmid, 2)
    when = at(number + hours)
    return ArticleRevised(
        id=identity, source=source, subject=str(article.pmid), time=when, data=data
    )


async def test_whose_digests_differ_is_told_by_id_and_how(spool: Spool) -> None:
    readers = [
        a_reader("all"),
        a_reader("few", filters=Filters(disease=frozenset({"pemphigus"}))),
        a_reader("none", filters=Filters(disease=frozenset({"mg"}))),
    ]

    one = await compared(a_past(), spool, without("pemphigus"), readers=readers)

    differing = {x.subscription_id: x for x in one.digests()}
    assert one.tally.readers == {"all", "few"}
    assert (differing["few"].before, differing["few"].after) == (2, 0)
    assert {(x.pmid, x.how) for x in differing["few"].shifts} == {
        (pmid, "goes") for pmid in PEMPHIGUS
    }
    assert differing["all"].due == at(19)


async def test_what_was_told_before_the_selection_is_not_told_again(spool: Spool) -> None:
    """Also where the archive has forgotten the article, and remembers the digest."""
    sent = digest_delivered(subscription_id="few", pmids=(50000001,))
    past = entries([sent, *with_result(_revised(1, "CAAR-T cells for pemphigus"))])
    few = a_reader("few", filters=Filters(disease=frozenset({"pemphigus"})))
    other = a_reader("other", filters=Filters(disease=frozenset({"pemphigus"})))
    chosen = Selection(since=at(90))

    one = await compared(past, spool, without("pemphigus"), selection=chosen, readers=[few, other])

    assert one.tally.differing == 1
    assert one.tally.readers == {"other"}


async def test_a_revision_is_folded_onto_what_was_known_before(spool: Spool) -> None:
    """It became relevant by its new text alone, and only for the old taxonomy."""
    before = entries(with_result(found(5)))
    after = entries(with_result(_revised(5, "CAAR-T cells for pemphigus")))
    past: list[Recorded] = [*before, *after]
    few = a_reader("few", filters=Filters(disease=frozenset({"pemphigus"})))
    chosen = Selection(since=at(90))

    one = await compared(past, spool, without("pemphigus"), selection=chosen, readers=[few])

    assert [(x.before, x.after) for x in one.digests()] == [(1, 0)]
    assert [(x.pmid, x.revision) for x in one.articles()] == [(50000005, 2)]


async def test_what_comes_after_the_selection_is_in_no_digest(spool: Spool) -> None:
    before = entries(with_result(found(1)))
    (_, later) = entries(with_result(_revised(1, "CAAR-T cells for pemphigus")))
    few = a_reader("few", filters=Filters(disease=frozenset({"pemphigus"})))
    chosen = Selection(until=at(50))

    one = await compared(
        [*before, later], spool, without("pemphigus"), selection=chosen, readers=[few]
    )

    assert [(x.before, x.after) for x in one.digests()] == [(1, 0)]


async def test_words_are_looked_for_in_the_whole_text(spool: Spool) -> None:
    text = AbstractSection(text="T cells against desmoglein.")
    article = an_article(1).model_copy(update={"abstract": (text,)})
    reader = a_reader("words", filters=Filters(words=("desmoglein",)))
    past = entries(with_result(found(1, article=article)))

    one = await compared(past, spool, without("pemphigus"), readers=[reader])

    assert one.tally.readers == {"words"}


async def test_a_new_taxonomy_brings_no_flood_of_old_papers_on_either_side(spool: Spool) -> None:
    """What was known before without the label, and kept its text, is no news with it."""
    before = with_result(found(1), without("pemphigus"))
    after = with_result(_revised(1, None, hours=60 * 24))
    few = a_reader("few", filters=Filters(disease=frozenset({"pemphigus"})))
    chosen = Selection(since=at(90))

    one = await compared(
        entries([*before, *after]), spool, without("pemphigus"), selection=chosen, readers=[few]
    )

    assert (one.tally.differing, one.tally.digests) == (1, 0)
