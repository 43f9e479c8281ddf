import json
from typing import Any

import pytest

from services.notifier.compose import Beside
from services.notifier.digest import Digest, First, Series, Trend, Usual
from services.notifier.render import slack
from services.notifier.render.links import Links
from services.notifier.render.slack import payloads
from services.notifier.ties import Tie
from tests.unit.notifier.digests import (
    a_coverage,
    a_digest,
    a_full_digest,
    a_label,
    a_notice,
    an_entry,
)


def long_digest(sign: str = "x", number: int = 200) -> Digest:
    """Items that are as long as they come, all of one sign."""
    return a_digest(
        *(
            an_entry(
                n,
                a_label(sentence=sign * 900, matched=sign * 3),
                *(a_label(sign * 40 + str(m), "disease") for m in range(20)),
                title=sign * 900,
                doi="10.1/" + sign * 300,
                trial_ids=tuple(f"NCT{m}" for m in range(60)),
            )
            for n in range(1, number + 1)
        ),
        notices=(a_notice(pmid=990, title=sign * 900, notice_source=sign * 900),),
        topic_title=sign * 400,
        coverage=a_coverage(legs=tuple(sign * 100 for _ in range(60))),
    )


def texts(message: dict[str, Any]) -> list[str]:
    """Every text of a message, whatever the kind of its block."""
    parts = [block["text"] for block in message["blocks"] if "text" in block]
    parts += [e for block in message["blocks"] for e in block.get("elements", ())]
    return [part["text"] for part in parts]


def everything(digest: Digest) -> str:
    return "\n".join(told for message in payloads(digest) for told in texts(message))


@pytest.mark.parametrize("sign", ["x", "&", "<", "ä", "*", "|"])
def test_200_long_articles_stay_within_the_limits_of_slack(sign: str) -> None:
    messages = payloads(long_digest(sign))

    for message in messages:
        assert 1 <= len(message["blocks"]) <= 50
        assert len(json.dumps(message, ensure_ascii=False)) < 12_000
        assert all(0 < len(told) <= 3_000 for told in texts(message))
        headers = [b["text"]["text"] for b in message["blocks"] if b["type"] == "header"]
        assert all(len(header) <= 150 for header in headers)
        assert 0 < len(message["text"]) < 1_000


@pytest.mark.parametrize("sign", ["x", "&", "<", "|"])
def test_many_long_ties_stay_within_the_limits_of_slack(sign: str) -> None:
    tie = Tie(kind="about", pmid=9, title=sign * 900, sent_on=a_notice().sent_on)
    entry = an_entry(1, a_label(sentence=sign * 900, matched=sign * 3), title=sign * 900)
    (message,) = payloads(a_digest(entry, beside=Beside(ties={1: (tie,) * 30})))

    assert all(0 < len(told) <= 3_000 for told in texts(message))
    assert "(PMID 9). You were sent it on" in "".join(texts(message))


def test_every_article_is_in_exactly_one_message_and_whole() -> None:
    messages = payloads(long_digest())

    for pmid in range(1, 201):
        holding = [t for m in messages for t in texts(m) if f"/{pmid}/|PubMed {pmid}>" in t]
        assert len(holding) == 1
        assert "Why: matches query 'core'" in holding[0]


def test_short_articles_are_split_at_50_blocks() -> None:
    entries = (an_entry(n, title="T", authors=(), reasons=()) for n in range(1, 120))

    sizes = [len(message["blocks"]) for message in payloads(a_digest(*entries))]

    assert max(sizes) == 50
    assert sum(sizes) == 119 + 5


def test_the_fallback_says_what_the_subject_says_and_which_part_it_is() -> None:
    first, *rest = payloads(long_digest(number=20))

    assert first["text"].startswith("20 new on ")
    assert first["text"].endswith(f"(1 of {len(rest) + 1})")
    assert payloads(a_digest())[0]["text"] == "Nothing new on CAR in autoimmunity by 14 Sep 2026"


def test_no_text_can_mention_or_link_by_itself() -> None:
    entry = an_entry(1, a_label(), title="<!channel> & <https://evil.example|x>")

    told = everything(a_digest(entry, topic_title="<!here>"))

    assert "<!channel>" not in told
    assert "&lt;!channel&gt; &amp; &lt;https://evil.example\u2223x&gt;" in told


def test_an_article_shows_title_source_labels_words_reason_and_links() -> None:
    told = everything(a_full_digest())

    assert (
        "*<https://pubmed.ncbi.nlm.nih.gov/40000001/"
        "|CD19 CAR T cells &amp; CD4+ memory in &lt;lupus&gt;>*\n"
        "Doe J · J Ex · 8 Sep 2026\n"
        "_Systemic lupus erythematosus; Trial_\n"
        "> In the abstract: We gave *CD19 CAR-T* cells to five people with *lupus*.\n"
        "Why: cites the seed; similar, rank 12 of 140; matches query 'core'\n"
    ) in told


def test_notices_come_first_and_coverage_last() -> None:
    told = everything(a_full_digest())

    places = [told.index(x) for x in ("*Retracted:*", "CD19 CAR-T (1)", "We could not", "Checked")]
    assert places == sorted(places)


def test_retractions_and_corrections_bear_different_signs() -> None:
    told = everything(a_digest(notices=(a_notice(), a_notice(pmid=98, kind="corrected"))))

    assert ":no_entry: *Retracted:*" in told
    assert ":warning: *Corrected:*" in told


def test_an_unhealthy_source_is_said_at_the_top() -> None:
    first = payloads(a_digest(coverage=a_coverage(healthy=False)))[0]

    assert texts(first)[2].startswith(":warning: Source unhealthy.")


@pytest.mark.parametrize(("number", "unlisted"), [(20, False), (501, False), (502, True)])
def test_what_had_no_room_is_linked_one_by_one(number: int, unlisted: bool) -> None:
    digest = a_digest(*(an_entry(n) for n in range(1, number + 1)), max_items=1)

    told = everything(digest)

    assert f"*{number - 1} more:* <https://pubmed.ncbi.nlm.nih.gov/" in told
    linked = [item for item in digest.beyond if f"/{item.pmid}/|{item.pmid}>" in told]
    assert len(linked) == min(number - 1, 500)
    assert ("and 1 more not listed here" in told) == unlisted
    assert all(len(text) <= 3_000 for message in payloads(digest) for text in texts(message))


def test_the_same_digest_gives_the_same_messages() -> None:
    digest = a_full_digest()
    stored = Digest.model_validate_json(digest.model_dump_json())

    assert json.dumps(payloads(digest)) == json.dumps(payloads(stored))


def test_escaping_is_that_of_slack_and_no_more() -> None:
    assert slack.escaped("a & b < c > \"d\" 'e'") == "a &amp; b &lt; c &gt; \"d\" 'e'"


LINKS = Links("https://c.example/leave?token=a", "https://c.example/m", "https://c.example/d/x")


def test_slack_too_leads_to_the_way_out_the_settings_and_the_page_on_top_and_at_the_foot() -> None:
    (message,) = payloads(a_full_digest(), LINKS)

    doors = (
        "<https://c.example/d/x|Read on the web> · <https://c.example/m|Change what you get> · "
        "<https://c.example/leave?token=a|Leave this list>"
    )
    for place in (2, -1):
        assert message["blocks"][place]["elements"][0]["text"] == doors
    assert doors not in everything(a_full_digest())


def test_slack_asks_of_each_article_whether_it_is_wrong() -> None:
    (message,) = payloads(a_full_digest(), LINKS)
    told = "\n".join(texts(message))

    for item in a_full_digest().items:
        link = f"<https://c.example/d/x/feedback/{item.pmid}|Wrong label or not relevant?>"
        assert told.count(link) == 1


def test_slack_leaves_what_had_no_room_to_the_page_where_there_is_one() -> None:
    digest = a_digest(*(an_entry(n) for n in range(1, 90)), max_items=3)

    told = "\n".join(text for message in payloads(digest, LINKS) for text in texts(message))

    assert "*86 more:* <https://c.example/d/x|Read them on the web>" in told
    assert "/50/|50>" not in told


def test_slack_tells_what_is_usual_and_new_here_and_the_numbers_of_the_trend() -> None:
    trend = Trend(
        months=("2026-08", "2026-09"),
        series=(Series(modality="caar-t", name="CAAR-T", counts=(1, 2)),),
    )
    first = First(pmid=40000002, modality="CAAR-T", disease="Myasthenia gravis")
    changes = {"usual": Usual(low=4, high=7, over=8), "firsts": (first,), "trend": trend}

    (message,) = payloads(a_full_digest().model_copy(update=changes))

    told = texts(message)
    assert "As usual: 4 to 7 a week over the last 8 weeks.\nFirst CAAR-T in myasthenia" in told[1]
    assert (
        "*Articles a month by approach, Aug 2026 to Sep 2026*\n```\nCAAR-T  1  2    3 in all\n```"
        in told
    )
