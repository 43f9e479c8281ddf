"""What of the source is not well: relations that are open, queries that PubMed reads otherwise."""

from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from services.notifier.coverage import coverage
from services.notifier.digest import Coverage, Digest
from services.notifier.health import (
    WHY_LIMIT,
    Drift,
    Trouble,
    drifts,
    reason,
    relation,
    still_to_tell,
    troubles,
)
from services.notifier.render import atom, html, slack, text
from services.notifier.render import coverage as told_coverage
from services.notifier.select import Period
from services.notifier.subject import subject
from shared.events import Leg
from tests.builders import a_leg
from tests.unit.notifier.digests import a_coverage, a_digest
from tests.unit.notifier.kit import START, a_poll

SINCE = datetime(2026, 9, 3, 6, tzinfo=UTC)
DAY = timedelta(days=1)
FEED = "https://c.example/feed.atom"


def an_open_leg(**overrides: object) -> Leg:
    facts = {"relation": "similar", "name": None, "state": "open", "counted": 100, "fetched": 90}
    more = {"understood": 90, "open_since": SINCE, "error": "elink: HTTP 502 (transient)"}
    return a_leg(**{**facts, **more, **overrides})


def drifting(before: str, now: str, **overrides: object) -> Leg:
    return a_leg(**{"previous_translation": before, "query_translation": now, **overrides})


def checked(*legs: Leg) -> Coverage:
    healthy = all(leg.state != "open" for leg in legs)
    poll = a_poll(finished_at=START, legs=legs, healthy=healthy)
    return coverage([poll], 0, None, Period(START - DAY, START + DAY))


def forms(digest: Digest) -> dict[str, str]:
    """The digest in every form, on one line each and with quotes as they are read."""
    made = {
        "html": html.render(digest),
        "text": text.render(digest),
        "slack": "\n".join(
            part["text"]
            for message in slack.payloads(digest)
            for block in message["blocks"]
            for part in (block.get("text"), *block.get("elements", ()))
            if part
        ),
        "atom": unescape(atom.feed([digest], FEED, "Feed").decode()),
    }
    return {name: _read(page) for name, page in made.items()}


def _read(page: str) -> str:
    return " ".join(page.replace("&#39;", "'").replace("&#34;", '"').split())


@pytest.mark.parametrize(
    ("kind", "name", "told"),
    [
        ("query", "core", "query 'core'"),
        ("query", "core (entry date)", "query 'core'"),
        ("query", None, "the query"),
        ("query", "re-read", "changes of articles that are known already"),
        ("similar", None, "similar articles"),
        ("cited-by", None, "articles that cite the seed"),
        ("references", None, "the references of the seed"),
        ("cites-tracked", None, "articles that cite several of this topic"),
    ],
)
def test_a_relation_is_called_what_a_reader_would_call_it(kind: str, name: str, told: str) -> None:
    assert relation(a_leg(relation=kind, name=name)) == told


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("elink: API rate limit exceeded (throttled)", "PubMed was too busy to answer"),
        (
            "esearch: HTTP 502 with HTML: Bad Gateway (transient)",
            "PubMed did not answer properly: HTTP 502 with HTML: Bad Gateway",
        ),
        (
            "elink: ConnectError: [Errno -2] Name or service not known (transient)",
            "PubMed could not be reached",
        ),
        ("esearch: ReadTimeout: 30 s (transient)", "PubMed could not be reached"),
        ("efetch: API key invalid", "PubMed refused the question: API key invalid"),
        (
            "PubMed counted 3 and named 2; asked again next time",
            "PubMed counted 3 and named 2; asked again next time",
        ),
        (None, "the numbers do not agree yet"),
    ],
)
def test_the_reason_is_told_without_the_names_of_our_parts(error: str | None, told: str) -> None:
    assert reason(a_leg(error=error)) == told


def test_a_reason_is_one_line_of_bounded_length() -> None:
    told = reason(a_leg(error="a\r\n" + "x" * 9_000))
    assert len(told) == WHY_LIMIT
    assert told.isprintable()


def test_open_relations_are_troubles_and_alarms_come_first() -> None:
    legs = (an_open_leg(), a_leg(), an_open_leg(relation="cited-by", alarm=True))
    found = troubles(legs)
    assert [(one.what, one.alarm) for one in found] == [
        ("articles that cite the seed", True),
        ("similar articles", False),
    ]
    assert found[1].since == SINCE


def test_a_query_that_is_asked_by_two_dates_is_one_trouble_since_the_earlier() -> None:
    legs = (
        an_open_leg(relation="query", name="core", open_since=SINCE + DAY),
        an_open_leg(relation="query", name="core (entry date)", alarm=True),
    )
    (found,) = troubles(legs)
    assert (found.what, found.since, found.alarm) == ("query 'core'", SINCE, True)
    assert len(found.legs) == 2


def test_a_relation_that_pubmed_cannot_tell_is_no_trouble() -> None:
    assert troubles((a_leg(state="unknown"), a_leg())) == ()


def test_the_banner_names_what_is_open_since_when_and_why() -> None:
    digest = a_digest(coverage=checked(a_leg(), an_open_leg()))
    first, second = told_coverage.banner(digest)
    assert first.startswith("Source unhealthy since")
    assert second == (
        "Not complete since 3 September 2026: similar articles "
        "(PubMed did not answer properly: HTTP 502)."
    )


def test_an_alarm_is_a_banner_also_where_the_rest_is_well() -> None:
    trouble = Trouble(what="similar articles", why="busy", since=SINCE, alarm=True)
    digest = a_digest(coverage=a_coverage(troubles=(trouble,)))
    assert told_coverage.banner(digest) == (
        "Not checked since 3 September 2026: similar articles (busy).",
    )
    assert subject(digest).startswith("Incomplete: ")


def test_a_trouble_of_an_older_poller_has_no_date() -> None:
    digest = a_digest(coverage=checked(an_open_leg(open_since=None, error=None)))
    assert told_coverage.banner(digest)[1] == (
        "Not complete: similar articles (the numbers do not agree yet)."
    )


def test_relations_that_are_open_for_one_reason_since_one_day_are_one_sentence() -> None:
    legs = (
        an_open_leg(),
        an_open_leg(relation="cited-by"),
        an_open_leg(relation="references", alarm=True),
    )
    _, alarm, both = told_coverage.banner(a_digest(coverage=checked(*legs)))
    assert alarm.startswith("Not checked since 3 September 2026: ")
    assert "similar articles, articles that cite the seed (PubMed did" in both


def test_the_coverage_line_of_an_open_relation_says_since_when_in_the_readers_zone() -> None:
    digest = a_digest(coverage=checked(a_leg(), an_open_leg()))
    lines = told_coverage.lines(digest)
    assert "query 'core': 1 of 1" in lines
    assert "similar: 90 of 100, incomplete since 2026-09-03 08:00" in lines


@pytest.mark.parametrize("form", ["html", "text", "slack", "atom"])
def test_an_alarm_is_in_every_form(form: str) -> None:
    digest = a_digest(coverage=checked(an_open_leg(alarm=True)))
    told = "Not checked since 3 September 2026: similar articles (PubMed did not answer properly"
    assert told in forms(digest)[form]


def test_a_feed_has_one_entry_for_an_alarm_however_many_digests_bring_it() -> None:
    digests = [
        a_digest(coverage=checked(an_open_leg(alarm=True)), id=f"d{n}", created_at=START + n * DAY)
        for n in range(3)
    ]
    page = atom.feed(digests, FEED, "Feed").decode()
    assert page.count("<entry>") == 1
    assert ":source:similar-articles:20260903T060000</id>" in page


def test_a_banner_of_very_many_relations_stays_within_the_limits_of_slack() -> None:
    many = tuple(
        Trouble(what=f"query '{'<' * 90}{n}'", why="&" * 200, since=SINCE) for n in range(40)
    )
    digest = a_digest(coverage=a_coverage(healthy=False, troubles=many))
    for message in slack.payloads(digest):
        for block in message["blocks"]:
            parts = (block.get("text"), *block.get("elements", ()))
            assert all(0 < len(part["text"]) <= 3_000 for part in parts if part)


def test_a_change_in_how_a_query_is_read_is_told_by_the_terms_that_came_and_went() -> None:
    leg = drifting(
        '("car"[MeSH Terms] OR "cart"[Title]) AND "lupus"[Title] AND 2026/01/01:2026/02/01[Date]',
        '("car"[MeSH Terms] OR "car-t"[Title]) AND "lupus"[Title]',
    )
    (found,) = drifts([a_poll(legs=(leg,))])
    assert (found.added, found.dropped) == (('"car-t"[Title]',), ('"cart"[Title]',))
    assert told_coverage.drift_line(found) == (
        "PubMed now reads query 'core' differently: "
        'it adds "car-t"[Title] and it leaves out "cart"[Title].'
    )


def test_a_change_seen_by_both_dates_and_by_every_poll_is_one() -> None:
    legs = (drifting("a", "b"), drifting("a", "b", name="core (entry date)"))
    assert len(drifts([a_poll(legs=legs), a_poll(legs=legs)])) == 1


def test_terms_joined_in_another_way_are_said_to_be() -> None:
    (found,) = drifts([a_poll(legs=(drifting("a OR b", "a AND b"),))])
    assert told_coverage.drift_line(found).endswith("the same terms, joined in another way.")


def test_of_many_terms_four_are_named_and_long_ones_are_cut() -> None:
    now = " OR ".join([*(f"t{n}" for n in range(9)), "x" * 500])
    (found,) = drifts([a_poll(legs=(drifting("x" * 500, now),))])
    assert "it adds t0, t1, t2, t3 and 5 more." in told_coverage.drift_line(found)
    (long,) = drifts([a_poll(legs=(drifting("a", "a OR " + "y" * 500),))])
    assert len(told_coverage.drift_line(long)) < 150


def test_changes_of_one_query_in_one_digest_are_one_line_and_one_taken_back_is_none() -> None:
    there = drifts([a_poll(legs=(drifting("a", "a OR b"),))])
    on = drifts([a_poll(legs=(drifting("a OR b", "a OR b OR c"),))])
    back = drifts([a_poll(legs=(drifting("a OR b", "a"),))])

    def lines(*found: Drift) -> tuple[str, ...]:
        return told_coverage.lines(a_digest(coverage=a_coverage(drifts=found)))[1:]

    assert lines(*there, *on) == ("PubMed now reads query 'core' differently: it adds b, c.",)
    assert lines(*there, *back) == ()


@pytest.mark.parametrize("form", ["html", "text", "slack", "atom"])
def test_a_change_is_in_every_form(form: str) -> None:
    digest = a_digest(coverage=checked(drifting("a", 'a OR "b c"')))
    told = "PubMed now reads query 'core' differently: it adds \"b c\"."
    assert told in forms(digest)[form]


def test_a_change_is_told_once_and_one_that_a_skipped_digest_had_comes_along() -> None:
    (seen,) = drifts([a_poll(legs=(drifting("a", "b"),))])

    (told,) = still_to_tell([seen], [seen], was_sent=True)
    assert told.told
    (again,) = still_to_tell([seen], [told], was_sent=False)
    assert again.told
    assert still_to_tell([], [told], was_sent=True) == []

    (carried,) = still_to_tell([], [seen], was_sent=False)
    assert not carried.told
    assert not still_to_tell([seen], [seen], was_sent=False)[0].told
