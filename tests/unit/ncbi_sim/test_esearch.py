"""esearch over HTTP: what is found, in which order, and what is said about it."""

import pytest

from services.ncbi_sim.paging import StartError, cut
from tests.unit.ncbi_sim.small_catalogue import (
    ARTICLES,
    SEED,
    article,
    entrez,
    on,
    small_catalogue,
)


@pytest.mark.parametrize(
    ("term", "pmids"),
    [
        ("lupus", {SEED, 101}),
        ("Lupus[ti]", {SEED, 101}),
        ("lupus NOT mice", {SEED}),
        ("mouse OR mice", {101}),
        ("cell", {SEED, 102}),
        ("cells", {SEED, 102}),
        ("cells[tiab]", {SEED}),
        ('"cell"[tiab]', {102}),
        ("CAR-T", {SEED}),
        ("CAR T cells[ti]", {SEED}),
        ("T CAR[ti]", {SEED}),
        ('"T CAR"[ti]', set()),
        ("myasthen*[ti]", {102}),
        ('"lupus neph*"[tiab]', {101}),
        ("chimeric antigen receptor[tiab]", {SEED}),
        ("immune[ab]", {SEED}),
        ("immune[ti]", set()),
        ("autoimmune diseases[mh]", {SEED}),
        ("autoimmune[mh]", set()),
        ("Autoimmune Diseases/therapy[mh]", {SEED}),
        ("humans[mesh terms]", {SEED}),
        ("humans[majr]", set()),
        ("autoimmune diseases[majr]", {SEED}),
        ("review[pt]", {SEED}),
        ("english[la] AND review[pt]", {SEED}),
        ("Vukovic[au]", {SEED}),
        ("Vukovic J[au]", {SEED}),
        ("Vuk[au]", set()),
        ("Vukovic Jovana[au]", {SEED}),
        ("X group[au]", {SEED}),
        ("J Test[ta]", {SEED}),
        ("journal of tests[ta] AND nephritis", {101}),
        ("NCT05798117[si]", {SEED}),
        ("10.1000/seed.1[doi]", {SEED}),
        ("101[pmid] OR 102[uid]", {101, 102}),
        ("hasabstract", {SEED}),
        ("2026/06/09[dp]", {SEED}),
        ("2026[dp] NOT lupus", {102}),
        ("lupus AND nothing-like-this", set()),
    ],
)
async def test_a_term_finds(term: str, pmids: set[int]) -> None:
    async with entrez() as client:
        assert await client.found(term) == pmids


async def test_the_default_page_is_twenty_most_recent_first() -> None:
    many = [article(pmid, "Lupus.", entered_day=-pmid) for pmid in range(1, 31)]
    async with entrez(small_catalogue(article=[*ARTICLES, *many])) as client:
        result = await client.search("lupus")
        assert (result["count"], result["retmax"], result["retstart"]) == ("32", "20", "0")
        assert result["idlist"][:2] == ["1", "2"]
        second = await client.search("lupus", retstart=20, retmax=100)
    assert (second["retmax"], second["retstart"]) == ("12", "20")
    assert not set(second["idlist"]) & set(result["idlist"])


@pytest.mark.parametrize(
    ("sort", "first"),
    [
        ("pub_date", "100"),
        ("Author", "100"),
        ("JournalName", "103"),
        ("relevance", "101"),
        ("", "103"),
    ],
)
async def test_sorting(sort: str, first: str) -> None:
    async with entrez(now=lambda: on(3)) as client:
        result = await client.search("lupus nephritis OR 2026[dp] NOT 99000001[uid]", sort=sort)
    assert result["idlist"][0] == first


async def test_the_translation_shows_plurals_and_headings() -> None:
    async with entrez() as client:
        cell = await client.search("cell")
        heading = await client.search("autoimmune diseases AND lupus[ti]")
    meant = '"cell"[All Fields] OR "cells"[All Fields]'
    assert cell["translationset"] == [{"from": "cell", "to": meant}]
    assert cell["querytranslation"] == meant
    assert heading["querytranslation"] == (
        '("autoimmune diseases"[MeSH Terms] OR ("autoimmune"[All Fields] AND '
        '"diseases"[All Fields]) OR "autoimmune diseases"[All Fields]) AND "lupus"[Title]'
    )


async def test_the_translation_keeps_inner_parentheses_only() -> None:
    async with entrez() as client:
        result = await client.search("(mice[ti] OR (lupus[ti] AND nephritis[ti]))")
    assert result["querytranslation"] == (
        '"mice"[Title] OR ("lupus"[Title] AND "nephritis"[Title])'
    )


async def test_a_quoted_phrase_that_occurs_nowhere_is_dropped_with_a_warning() -> None:
    async with entrez() as client:
        result = await client.search('lupus[ti] AND "body battery"[tiab]')
    assert result["count"] == "2"
    assert result["warninglist"]["quotedphrasesnotfound"] == ['"body battery"[tiab]']
    assert result["querytranslation"] == '"lupus"[Title]'


async def test_a_quoted_phrase_alone_finds_nothing_when_it_occurs_nowhere() -> None:
    async with entrez() as client:
        result = await client.search('"body battery"[Mesh]')
    assert result["count"] == "0"
    assert result["querytranslation"] == '"body battery"[Mesh]'
    assert result["warninglist"]["outputmessages"] == ["No items found."]


async def test_a_query_is_read_the_same_way_on_every_day() -> None:
    """PubMed's index is so large that a phrase does not come and go with a single article."""
    term = '"autoimmune diseases"[ti] OR diabete[tiab] OR autoimmune diseases OR diabetes'
    day = [on(2)]
    async with entrez(now=lambda: day[0]) as client:
        before = await client.search(term)
        day[0] = on(3)
        after = await client.search(term)
    assert (before["idlist"], after["idlist"]) == (["100"], ["103", "100"])
    read = ("querytranslation", "translationset", "errorlist", "warninglist")
    assert [before.get(name) for name in read] == [after.get(name) for name in read]


async def test_a_word_that_occurs_nowhere_is_reported_and_finds_nothing() -> None:
    async with entrez() as client:
        result = await client.search("the[tiab] AND lupus[tiab]")
        xml = await client.xml("esearch", term="abcxyz")
    assert result["count"] == "0"
    assert result["errorlist"] == {"phrasesnotfound": ["the"], "fieldsnotfound": []}
    assert xml.findtext("ErrorList/PhraseNotFound") == "abcxyz"
    assert xml.findtext("WarningList/OutputMessage") == "No items found."


async def test_an_unknown_field_is_reported() -> None:
    async with entrez() as client:
        result = await client.search("lupus[foo]")
        xml = await client.xml("esearch", term="lupus[foo]")
    assert result["errorlist"]["fieldsnotfound"] == ["foo"]
    assert result["querytranslation"] == '"lupus"[All Fields]'
    assert xml.findtext("ErrorList/FieldNotFound") == "foo"


async def test_rettype_count_hides_every_warning() -> None:
    async with entrez() as client:
        result = await client.search("lupus[foo]", rettype="count")
        xml = await client.xml("esearch", term="lupus[foo]", rettype="count")
    assert result == {"count": "2"}
    assert [element.tag for element in xml] == ["Count"]


async def test_a_typographic_asterisk_does_not_truncate() -> None:
    async with entrez() as client:
        assert await client.found("myasthen\u2217[ti]") == set()


@pytest.mark.parametrize(
    ("window", "pmids"),
    [
        ({"datetype": "crdt", "mindate": "2026/09/10", "maxdate": "2026/09/12"}, {103, 104}),
        ({"datetype": "edat", "mindate": "2026/09/10", "maxdate": "2026/09/12"}, {103}),
        ({"datetype": "edat", "mindate": "2019/03/01", "maxdate": "2019/03/01"}, {104}),
        ({"datetype": "pdat", "mindate": "2019", "maxdate": "2019"}, {104}),
        ({"mindate": "2026/06/02"}, {100}),
        ({"maxdate": "2020"}, {104}),
        (
            {"datetype": "mdat", "mindate": "2026/09/17", "maxdate": "2026/09/17"},
            {99000001, 99000011},
        ),
        ({"datetype": "crdt", "reldate": 2}, {99000011}),
        ({"mindate": "whenever", "datetype": "crdt", "maxdate": "never"}, "all"),
    ],
)
async def test_date_parameters_filter_by_the_chosen_date(
    window: dict[str, str], pmids: set[int] | str
) -> None:
    everything = {entry["pmid"] for entry in ARTICLES}
    async with entrez(now=lambda: on(10)) as client:
        found = await client.found("1800:3000[dp]", **window)
    assert found == (everything if pmids == "all" else pmids)


async def test_the_window_shows_in_the_translation() -> None:
    async with entrez(now=lambda: on(1)) as client:
        result = await client.search("lupus OR mice", datetype="edat", reldate=60)
    assert result["querytranslation"] == (
        '("lupus"[All Fields] OR "mice"[All Fields]) AND 2026/07/10:2026/09/08[Date - Entry]'
    )


async def test_the_last_days_count_from_the_simulated_day() -> None:
    async with entrez(now=lambda: on(4)) as client:
        assert await client.found('"last 2 days"[crdt]') == {103}


@pytest.mark.parametrize("retmode", ["json", "xml"])
async def test_retstart_beyond_9998_is_an_error_in_a_200(retmode: str) -> None:
    async with entrez() as client:
        response = await client.get("esearch", term="lupus", retstart=9999, retmode=retmode)
    assert response.status_code == 200
    assert "'retstart' cannot be larger than 9998. For PubMed" in response.text
    assert "Exception:\n'retstart'" in response.text  # NCBI's line feed is raw, in JSON too


def test_a_page_is_cut_at_record_9999() -> None:
    page = cut([str(number) for number in range(12_000)], 9990, 10)
    assert len(page.uids) == 9
    assert page.remark == "Restrictions achieved. start and count adjusted to 9990, 9"
    assert cut(["1", "2"], 0, 100_000).remark is None
    with pytest.raises(StartError):
        cut([], 9999, 1)


async def test_history_keeps_the_whole_result_and_combines() -> None:
    async with entrez() as client:
        first = await client.search("lupus", usehistory="y", retmax=0)
        assert first["querykey"] == "1"
        env = first["webenv"]
        second = await client.search("cell", usehistory="y", WebEnv=env)
        assert (second["webenv"], second["querykey"]) == (env, "2")
        both = await client.search("cell", WebEnv=env, query_key=1)
        again = await client.search("", WebEnv=env, query_key=1)
    assert both["idlist"] == ["100"]
    assert both["querytranslation"].endswith("AND #1")
    assert set(again["idlist"]) == {"100", "101"}


async def test_an_unknown_history_is_an_error() -> None:
    async with entrez() as client:
        result = await client.search("lupus", WebEnv="MCID_gone", query_key=1)
    assert result == {"ERROR": "Unable to obtain query #1"}


async def test_an_empty_search_is_an_error() -> None:
    async with entrez() as client:
        assert "ERROR" in await client.search("")
        assert (await client.xml("esearch", term=" ")).findtext("ERROR")


async def test_a_hopeless_query_is_an_error() -> None:
    async with entrez() as client:
        result = await client.search("(" * 60 + "lupus")
    assert result["ERROR"].startswith("Search Backend failed: ")
