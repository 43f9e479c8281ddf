"""What becomes of records over the simulated days, as PubMed would show it."""

from typing import Any

import pytest
from lxml import etree

from services.ncbi_sim.catalogue import read_catalogue
from shared.errors import ConfigurationError
from tests.unit.ncbi_sim.small_catalogue import (
    ARTICLES,
    SEED,
    Entrez,
    article,
    content,
    entrez,
    on,
    small_catalogue,
)

PAPER = 99000001
NOTICE = 99000011
MESH = [{"ui": "D008180", "name": "Lupus Erythematosus, Systemic"}]


def catalogue(*changes: dict[str, Any], articles: tuple[dict[str, Any], ...] = ()) -> Any:
    """The small catalogue with other changes, and more articles."""
    return small_catalogue(article=[*ARTICLES, *articles], change=list(changes))


def change(kind: str, day: int = 5, pmid: int = PAPER, **more: Any) -> dict[str, Any]:
    """A change of the invented paper."""
    return {"day": day, "pmid": pmid, "kind": kind, **more}


async def record(client: Entrez, pmid: int) -> etree._Element:
    """The one record of an answer."""
    (found,) = await client.xml("efetch", id=pmid)
    return found


def links(found: etree._Element) -> list[tuple[str | None, str | None]]:
    """What a record says of others."""
    entries = found.iter("CommentsCorrections")
    return [(entry.get("RefType"), entry.findtext("PMID")) for entry in entries]


async def test_a_revision_shows_from_its_day_on_and_is_found_by_its_new_words() -> None:
    change_ = change("revision", title="Quite another title.", mesh=MESH, keywords=["tolerance"])
    day = [on(4)]
    async with entrez(catalogue(change_), now=lambda: day[0]) as client:
        before = await record(client, PAPER)
        assert await client.found("another[ti]") == set()
        day[0] = on(5)
        after = await record(client, PAPER)
        for term in ("another[ti]", '"lupus erythematosus, systemic"[mh]', "tolerance[ot]"):
            assert await client.found(term) == {PAPER}, term
        assert await client.found("simulated[ti]") == set()
        changed = {"datetype": "mdat", "mindate": "2026/09/12", "maxdate": "2026/09/12"}
        assert await client.found("study OR another", **changed) == {PAPER}
    assert before.findtext(".//ArticleTitle") == "[Simulated] A study."
    assert after.findtext(".//ArticleTitle") == "Quite another title."
    assert after.findtext(".//DescriptorName") == "Lupus Erythematosus, Systemic"
    assert (before[0].get("Status"), after[0].get("Status")) == ("Publisher", "MEDLINE")


async def test_later_revisions_stand_on_earlier_ones_whatever_their_order_in_the_file() -> None:
    later = change("revision", day=6, title="Third title.")
    earlier = change("revision", day=5, title="Second title.", keywords=["kept"])
    async with entrez(catalogue(later, earlier), now=lambda: on(7)) as client:
        found = await record(client, PAPER)
    assert found.findtext(".//ArticleTitle") == "Third title."
    assert found.findtext(".//Keyword") == "kept"


async def test_a_concern_links_paper_and_notice() -> None:
    notice = article(
        99000012,
        "[Simulated] Concern.",
        simulated=True,
        publication_types=["Expression of Concern"],
    )
    changes = change("concern", notice_pmid=99000012)
    async with entrez(catalogue(changes, articles=(notice,)), now=lambda: on(5)) as client:
        assert links(await record(client, PAPER)) == [("ExpressionOfConcernIn", "99000012")]
        assert links(await record(client, 99000012)) == [("ExpressionOfConcernFor", str(PAPER))]
        medline = await client.get("efetch", id=PAPER, retmode="text", rettype="medline")
        summary = await client.json("esummary", id=PAPER)
    assert "ECI - " in medline.text
    references = summary["result"][str(PAPER)]["references"]
    assert [entry["reftype"] for entry in references] == ["Expression of concern in"]


async def test_a_preprint_and_its_journal_article_point_to_each_other() -> None:
    pair = (
        article(201, "A preprint.", publication_types=["Preprint"]),
        article(202, "A paper.", entered_day=5),
    )
    update = change("update", pmid=201, notice_pmid=202)
    async with entrez(catalogue(update, articles=pair), now=lambda: on(5)) as client:
        assert links(await record(client, 201)) == [("UpdateIn", "202")]
        assert links(await record(client, 202)) == [("UpdateOf", "201")]


async def test_an_update_without_another_record_is_the_next_version_of_this_one() -> None:
    async with entrez(
        catalogue(change("update", title="Second version.")), now=lambda: on(5)
    ) as client:
        found = await record(client, PAPER)
    pmid = found.find("MedlineCitation/PMID")
    assert pmid is not None
    assert (pmid.text, pmid.get("Version")) == (str(PAPER), "2")
    assert found.findtext(".//ArticleTitle") == "Second version."


async def test_a_withdrawn_paper_says_so_in_its_title() -> None:
    async with entrez(catalogue(change("withdrawal")), now=lambda: on(5)) as client:
        found = await record(client, PAPER)
    assert found.findtext(".//ArticleTitle") == "WITHDRAWN: [Simulated] A study."


async def test_a_deleted_record_is_gone_everywhere() -> None:
    day = [on(4)]
    async with entrez(catalogue(change("deletion")), now=lambda: day[0]) as client:
        assert await client.found(f"{PAPER}[uid]") == {PAPER}
        day[0] = on(5)
        assert await client.found(f"{PAPER}[uid]") == set()
        assert len(await client.xml("efetch", id=PAPER)) == 0
        summary = await client.json("esummary", id=PAPER)
        linked = (await client.get("elink", dbfrom="pubmed", id=SEED)).text
    assert summary["result"][str(PAPER)]["error"] == "cannot get document summary"
    assert str(PAPER) not in linked


async def test_efetch_can_name_a_deleted_record_for_a_while() -> None:
    day = [on(5)]
    gone = change("deletion", delete_citation_days=2)
    async with entrez(catalogue(gone), now=lambda: day[0]) as client:
        found = await client.xml("efetch", id=f"{PAPER},{SEED}")
        day[0] = on(6, hour=23)
        assert await pmids_deleted(client) == [str(PAPER)]
        day[0] = on(7)
        assert await pmids_deleted(client) == []
    assert [child.tag for child in found] == ["PubmedArticle", "DeleteCitation"]


async def pmids_deleted(client: Entrez) -> list[str]:
    """The PMIDs that efetch calls deleted."""
    root = await client.xml("efetch", id=f"{PAPER},{SEED}")
    return [str(pmid.text) for pmid in root.iterfind("DeleteCitation/PMID")]


async def linked(client: Entrez, name: str, pmid: int) -> list[str]:
    """The ids of one link name."""
    answer = await client.json("elink", id=pmid, linkname=f"pubmed_pubmed_{name}")
    return [link for db in answer["linksets"][0].get("linksetdbs", []) for link in db["links"]]


async def test_any_article_may_cite_any_other() -> None:
    citing = article(301, "It cites.", cites=[101, 302, 999], pmcid="PMC301")
    hidden = article(302, "It cites too, but is not in PMC.", cites=[101], entered_day=2)
    day = [on(1)]
    async with entrez(catalogue(articles=(citing, hidden)), now=lambda: day[0]) as client:
        assert await linked(client, "citedin", 101) == ["301"]
        assert await linked(client, "refs", 301) == ["101"]
        day[0] = on(2)
        assert await linked(client, "citedin", 101) == ["302", "301"]
        assert await linked(client, "refs", 301) == ["302", "101"]
        assert await linked(client, "refs", 302) == []
        found = await record(client, 301)
        assert (await record(client, 302)).find(".//ReferenceList") is None
    cited = found.findall("PubmedData/ReferenceList/Reference/ArticleIdList/ArticleId")
    assert [entry.text for entry in cited] == ["101", "302", "999"]
    assert found.findtext(".//Reference/Citation") == "Journal of tests. 2026."


async def test_a_citation_may_show_long_after_the_citing_article() -> None:
    citing = article(301, "It cites.", cites=[101], cites_visible_day=3, pmcid="PMC301")
    day = [on(2)]
    async with entrez(catalogue(articles=(citing,)), now=lambda: day[0]) as client:
        assert await linked(client, "citedin", 101) == []
        assert (await record(client, 301)).find(".//ReferenceList") is None
        day[0] = on(3)
        assert await linked(client, "citedin", 101) == ["301"]
        assert (await record(client, 301)).find(".//ReferenceList") is not None


@pytest.mark.parametrize(
    ("fields", "printed"),
    [
        ({"season": "Fall"}, {"Year": "2026", "Season": "Fall"}),
        ({"medline_date": "2025 Dec-2026 Jan"}, {"MedlineDate": "2025 Dec-2026 Jan"}),
    ],
)
async def test_publication_dates_may_be_odd(
    fields: dict[str, str], printed: dict[str, str]
) -> None:
    odd = article(301, electronic_on="2025-12-24", **fields)
    async with entrez(catalogue(articles=(odd,))) as client:
        found = await record(client, 301)
        summary = await client.json("esummary", id=301)
    published = found.find(".//PubDate")
    assert published is not None
    assert {str(part.tag): part.text for part in published} == printed
    assert found.findtext(".//ArticleDate/Month") == "12"
    assert summary["result"]["301"]["pubdate"] == " ".join(printed.values())


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (change("retraction"), "a retraction needs notice_pmid"),
        (change("deletion", notice_pmid=NOTICE), "a deletion has no notice_pmid"),
        (change("revision"), "a revision gives one of title, summary"),
        (change("withdrawal", title="x"), r"a withdrawal gives no content \(title\)"),
        (change("revision", title="x", delete_citation_days=1), "has no delete_citation_days"),
        (change("withdrawal", pmid=101), "PMID 101: only a simulated record"),
        (change("deletion", pmid=101), "PMID 101: only a simulated record"),
        (change("update", pmid=101, notice_pmid=7), "names PMID 7, no article"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        read_catalogue(content(change=[wrong]))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"season": "Fall", "month": "Oct"}, "stand in place of month and day"),
        ({"season": "Fall", "medline_date": "2026 Fall"}, "either season or medline_date"),
        ({"entered_time": "24:00"}, "entered_time"),
    ],
)
def test_an_article_with_impossible_dates_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        read_catalogue(content(article=[*ARTICLES, article(7, **wrong)]))
