"""efetch, esummary, epost and elink over HTTP."""

import pytest
from lxml import etree

from tests.unit.ncbi_sim.small_catalogue import SEED, Entrez, entrez, on


def pmids_of(root: etree._Element) -> list[str]:
    """The PMIDs of a PubmedArticleSet."""
    return [str(pmid.text) for pmid in root.iterfind("PubmedArticle/MedlineCitation/PMID")]


async def seed_article(client: Entrez) -> etree._Element:
    """The PubmedArticle of the seed."""
    found = (await client.xml("efetch", id=SEED)).find("PubmedArticle")
    assert found is not None
    return found


async def test_efetch_gives_every_fact_of_a_record() -> None:
    async with entrez() as client:
        record = await seed_article(client)
    title = record.find(".//ArticleTitle")
    assert title is not None
    assert "".join(map(str, title.itertext())) == "CAR-T cells for lupus WT, p < 0.05 & more."
    assert [child.tag for child in title.iterdescendants()] == ["i", "sup"]
    expected = {
        ".//JournalIssue/Volume": "11",
        ".//PubDate/Day": "09",
        ".//ISOAbbreviation": "J Test",
        ".//EndPage": "1284",
        ".//MedlinePgn": "1267-84",
        ".//ELocationID": "10.1000/seed.1",
        ".//AbstractText": "Engineered cells reset the immune system. Patients stay well.",
        ".//CopyrightInformation": "Test record.",
        ".//CollectiveName": "X group",
        ".//AccessionNumber": "NCT05798117",
        ".//Keyword": "chimeric antigen receptor",
        ".//ArticleId[@IdType='pmc']": "PMC100",
        ".//PublicationType[@UI='D016454']": "Review",
        ".//QualifierName[@UI='Q000628'][@MajorTopicYN='Y']": "therapy",
        ".//PubMedPubDate[@PubStatus='entrez']/Month": "5",
    }
    assert {path: record.findtext(path) for path in expected} == expected


async def test_efetch_announces_the_dtd_of_the_live_service() -> None:
    async with entrez() as client:
        response = await client.get("efetch", id=SEED, retmode="xml")
    assert response.headers["content-type"] == "text/xml; charset=UTF-8"
    assert "pubmed_260101.dtd" in response.text.splitlines()[1]


async def test_efetch_leaves_unknown_ids_out_without_a_word() -> None:
    async with entrez() as client:
        assert pmids_of(await client.xml("efetch", id="7,101,8,100")) == ["101", "100"]
        assert pmids_of(await client.xml("efetch", id="7")) == []


async def test_efetch_pages_through_a_kept_set() -> None:
    async with entrez() as client:
        kept = await client.search("lupus", usehistory="y")
        where = {"WebEnv": kept["webenv"], "query_key": kept["querykey"]}
        first = await client.xml("efetch", **where, retstart=0, retmax=1)
        second = await client.xml("efetch", **where, retstart=1, retmax=5)
    assert pmids_of(first) + pmids_of(second) == kept["idlist"]


async def test_efetch_says_what_ncbi_says_about_bad_ids() -> None:
    async with entrez() as client:
        gone = await client.get("efetch", WebEnv="MCID_gone", query_key="1")
        none = await client.get("efetch")
        invalid = await client.get("efetch", id="abc")
    assert (gone.status_code, "Unable to obtain query #1" in gone.text) == (400, True)
    assert (none.status_code, "Supplied id parameter is empty." in none.text) == (200, True)
    assert (invalid.status_code, "ID list is empty!" in invalid.text) == (400, True)


async def test_efetch_gives_uid_lists_and_medline_text() -> None:
    async with entrez() as client:
        uids = await client.get("efetch", id="101,100,5", retmode="text", rettype="uilist")
        xml = await client.xml("efetch", id="101,5", rettype="uilist")
        medline = await client.get("efetch", id=SEED, retmode="text", rettype="medline")
    assert uids.text == "101\n100\n"
    assert xml.xpath("Id/text()") == ["101"]
    for line in (
        "PMID- 100",
        "AU  - Vukovic J",
        "CN  - X group",
        "MH  - *Autoimmune Diseases/therapy",
    ):
        assert line in medline.text.splitlines()


async def test_efetch_answers_an_unsupported_rettype_with_nothing() -> None:
    async with entrez() as client:
        response = await client.get("efetch", id=SEED, retmode="xml", rettype="full")
    assert (response.status_code, response.content) == (200, b"")


async def test_a_record_without_pages_and_doi_still_has_the_place_the_dtd_wants() -> None:
    async with entrez() as client:
        record = await client.xml("efetch", id=101)
    assert record.find(".//Pagination/MedlinePgn") is not None
    assert record.find(".//ELocationID") is None


async def test_esummary_json_has_errors_per_record() -> None:
    async with entrez() as client:
        result = (await client.json("esummary", id=f"{SEED},999"))["result"]
    assert result["uids"] == ["100", "999"]
    assert result["999"] == {"uid": "999", "error": "cannot get document summary"}
    seed = result["100"]
    assert seed["pubdate"] == "2026 Jun 9"
    assert seed["title"].startswith("CAR-T cells for &lt;i&gt;lupus")
    assert [author["authtype"] for author in seed["authors"]] == ["Author", "CollectiveName"]
    assert {"idtype": "doi", "idtypen": 3, "value": "10.1000/seed.1"} in seed["articleids"]
    assert seed["attributes"] == ["Has Abstract"]


async def test_esummary_xml_comes_in_both_versions() -> None:
    async with entrez() as client:
        second = await client.xml("esummary", id=f"{SEED},999", version="2.0")
        first = await client.xml("esummary", id=f"{SEED},999")
    assert second.findtext(".//DocumentSummary[@uid='100']/Authors/Author/Name") == "Vukovic J"
    assert second.findtext(".//DocumentSummary[@uid='999']/error") == "cannot get document summary"
    assert first.findtext("DocSum/Item[@Name='LastAuthor']") == "X group"
    assert first.findtext("DocSum/Item[@Name='SO']") == "2026 Jun 9;11(2):1267-84"
    assert first.findtext("ERROR") == "UID=999: cannot get document summary"


async def test_esummary_json_takes_500_ids_and_no_more() -> None:
    async with entrez() as client:
        ids = ",".join(str(number) for number in range(1, 501))
        assert "result" in await client.json("esummary", id=ids)
        answer = await client.json("esummary", id=f"{ids},501")
        assert answer["error"].startswith("Too many UIDs in request. Maximum number of UIDs is 500")
        assert (await client.get("esummary", id=f"{ids},501", retmode="xml")).status_code == 200


async def test_esummary_says_what_ncbi_says_about_bad_ids() -> None:
    async with entrez() as client:
        assert await client.json("esummary") == {"esummaryresult": ["Empty id list - nothing todo"]}
        gone = await client.json("esummary", WebEnv="MCID_gone", query_key="1")
        invalid = await client.json("esummary", id="NC_1")
        xml = await client.xml("esummary")
    assert gone == {"esummaryresult": ["Unable to obtain query #1"]}
    assert invalid["error"] == "Invalid uid NC_1 at position= 0"
    assert invalid["result"] == {"uids": []}
    assert xml.findtext("ERROR") == "Empty id list - nothing todo"


async def test_epost_keeps_ids_for_the_others() -> None:
    async with entrez() as client:
        kept = await client.xml("epost", id="102,101")
        where = {"WebEnv": kept.findtext("WebEnv"), "query_key": kept.findtext("QueryKey")}
        assert pmids_of(await client.xml("efetch", **where)) == ["102", "101"]
        assert (await client.json("esummary", **where))["result"]["uids"] == ["102", "101"]
        linked = await client.json("elink", dbfrom="pubmed", **where)
    assert linked["linksets"][0]["ids"] == ["102", "101"]


async def test_epost_reports_what_are_no_ids() -> None:
    async with entrez() as client:
        mixed = await client.xml("epost", id="102,abc")
        none = await client.xml("epost", id="")
    assert mixed.findtext("QueryKey") == "1"
    assert mixed.findtext("ERROR", "").startswith("IDs contain invalid characters")
    assert none.findtext("ERROR") == "Empty ID list; Nothing to store"


async def links(client: Entrez, name: str, uid: object = SEED) -> list[str]:
    """The ids one linkname gives, in order."""
    sets = (await client.json("elink", dbfrom="pubmed", id=uid, linkname=name))["linksets"]
    return [str(link) for linked in sets[0].get("linksetdbs", []) for link in linked["links"]]


async def test_elink_gives_the_seed_first_then_the_most_similar() -> None:
    async with entrez(now=lambda: on(5)) as client:
        assert await links(client, "pubmed_pubmed") == ["100", "102", "101", "104", "99000001"]
        scored = await client.json(
            "elink", dbfrom="pubmed", id=SEED, linkname="pubmed_pubmed", cmd="neighbor_score"
        )
    first, second = scored["linksets"][0]["linksetdbs"][0]["links"][:2]
    assert first == {"id": "100", "score": "2147483647"}
    assert second == {"id": "102", "score": "60000000"}


async def test_elink_gives_citing_and_cited_articles_and_the_way_back() -> None:
    async with entrez(now=lambda: on(5)) as client:
        assert await links(client, "pubmed_pubmed_citedin") == ["103", "101"]
        assert await links(client, "pubmed_pubmed_refs") == ["102"]
        assert await links(client, "pubmed_pubmed_refs", 101) == ["100"]
        assert await links(client, "pubmed_pubmed_citedin", 102) == ["100"]
        assert await links(client, "pubmed_pubmed", 102) == ["102", "100"]


async def test_elink_without_linkname_gives_all_links_and_xml_has_scores() -> None:
    async with entrez() as client:
        root = await client.xml("elink", dbfrom="pubmed", id=SEED, cmd="neighbor_score")
        plain = await client.xml("elink", dbfrom="pubmed", id=SEED)
    names = ["pubmed_pubmed", "pubmed_pubmed_citedin", "pubmed_pubmed_refs"]
    assert root.xpath("LinkSet/LinkSetDb/LinkName/text()") == names
    assert root.findtext("LinkSet/LinkSetDb/Link/Score") == "2147483647"
    assert plain.find(".//Score") is None


async def test_elink_merges_ids_of_one_parameter_and_separates_parameters() -> None:
    async with entrez() as client:
        merged = await client.json("elink", id="101,102", linkname="pubmed_pubmed")
        apart = await client.json("elink", id=["101", "102"], linkname="pubmed_pubmed")
    assert [entry["ids"] for entry in merged["linksets"]] == [["101", "102"]]
    assert merged["linksets"][0]["linksetdbs"][0]["links"] == ["102", "101", "100"]
    assert [entry["ids"] for entry in apart["linksets"]] == [["101"], ["102"]]


async def test_elink_without_links_has_no_linksetdbs() -> None:
    async with entrez() as client:
        unknown = await client.json("elink", id="5")
        other = await client.json("elink", id=SEED, linkname="pubmed_pmc")
    assert unknown["linksets"] == [{"dbfrom": "pubmed", "ids": ["5"]}]
    assert other["linksets"] == [{"dbfrom": "pubmed", "ids": ["100"]}]


@pytest.mark.parametrize(
    "params",
    [{"id": ""}, {"id": "1", "cmd": "acheck"}, {"WebEnv": "MCID_gone", "query_key": "1"}],
)
async def test_elink_errors_have_no_link_sets(params: dict[str, str]) -> None:
    async with entrez() as client:
        answer = await client.json("elink", **params)
        root = await client.xml("elink", **params)
    assert answer["linksets"] == []
    assert answer["ERROR"]
    assert root.findtext("ERROR") == answer["ERROR"]
