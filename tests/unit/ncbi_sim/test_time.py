"""What the stand-in knows depends on the simulated now, read at each request."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.ncbi_sim.app import app_from_settings
from services.ncbi_sim.settings import Settings
from tests.unit.ncbi_sim.small_catalogue import (
    ARTICLES,
    SEED,
    article,
    client_of,
    entrez,
    on,
    small_catalogue,
)


async def test_an_article_exists_from_midnight_of_its_day() -> None:
    times = [datetime(2026, 9, 9, 23, 59, tzinfo=UTC), datetime(2026, 9, 10, tzinfo=UTC)]
    async with entrez(now=lambda: times[0]) as client:
        assert await client.found("103[uid]") == set()
        assert (await client.xml("efetch", id=103)).find("PubmedArticle") is None
        linked = (await client.get("elink", dbfrom="pubmed", id=SEED)).text
        assert "<Id>103</Id>" not in linked
        times.pop(0)
        assert await client.found("103[uid]") == {103}
        assert (await client.xml("efetch", id=103)).find("PubmedArticle") is not None
        linked = (await client.get("elink", dbfrom="pubmed", id=SEED)).text
        assert "<Id>103</Id>" in linked


async def test_a_late_record_gets_its_publication_date_as_entry_date() -> None:
    async with entrez(now=lambda: on(6)) as client:
        history = (await client.xml("efetch", id=104)).find(".//History")
    assert history is not None
    years = {date.get("PubStatus"): date.findtext("Year") for date in history}
    assert years["pubmed"] == "2019"
    assert years["entrez"] == "2026"


async def test_a_retraction_shows_from_its_day_on() -> None:
    day = [on(9)]
    async with entrez(now=lambda: day[0]) as client:
        before = await client.xml("efetch", id="99000001,99000011")
        assert len(before) == 1
        assert before.find(".//CommentsCorrectionsList") is None
        assert before.findtext(".//DateRevised/Day") == "08"
        day[0] = on(10)
        paper, notice = await client.xml("efetch", id="99000001,99000011")
        assert await client.found("retracted publication[pt]") == {99000001}
    types = [element.text for element in paper.iter("PublicationType")]
    assert types == ["Journal Article", "Retracted Publication"]
    assert paper.findtext(".//DateRevised/Day") == "17"
    references = [
        (entry.get("RefType"), entry.findtext("PMID"))
        for record in (paper, notice)
        for entry in record.iter("CommentsCorrections")
    ]
    assert references == [("RetractionIn", "99000011"), ("RetractionOf", "99000001")]


async def test_the_same_requests_give_the_same_bytes() -> None:
    async def bodies() -> list[bytes]:
        async with entrez(now=lambda: on(12)) as client:
            search = await client.get("esearch", term="lupus OR cell", usehistory="y")
            fetch = await client.get("efetch", id="100,101", retmode="xml")
            summary = await client.get("esummary", id="100", retmode="json")
            return [search.content, fetch.content, summary.content]

    assert await bodies() == await bodies()


async def test_the_clock_file_is_read_at_each_request(tmp_path: Path) -> None:
    clock = tmp_path / "now"
    clock.write_text("2024-10-18T00:00:00Z\n")
    app = app_from_settings(Settings(clock_file=clock, rate_limit=False))
    async with client_of(app) as client:
        assert await client.found("39450112[uid]") == {39450112}
        clock.write_text("2000-01-01T00:00:00Z")
        assert await client.found("39450112[uid]") == set()
        clock.write_text("tomorrow")
        broken = await client.get("esearch", term="lupus")
    assert broken.status_code == 503
    assert "'tomorrow' is not an ISO 8601 instant" in broken.text


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NCBI_SIM_PORT", "9999")
    monkeypatch.setenv("NCBI_SIM_RATE_LIMIT", "false")
    settings = Settings()
    assert (settings.port, settings.rate_limit) == (9999, False)


async def test_an_article_may_enter_at_a_minute_of_its_day() -> None:
    timed = article(301, entered_day=1, entered_time="15:30")
    instant = [on(1, hour=15)]
    async with entrez(
        small_catalogue(article=[*ARTICLES, timed]), now=lambda: instant[0]
    ) as client:
        assert await client.found("301[uid]") == set()
        instant[0] = on(1, hour=16)
        found = await client.xml("efetch", id=301)
        for hours, hit in (("15:30:2026/09/08 15:30", {301}), ("15:31:2026/09/08 23:59", set())):
            term = f"301[uid] AND 2026/09/08 {hours}[crdt]"
            assert await client.found(term) == hit
        said = await client.search("301[uid] AND 2026/09/08 12:00:2026/09/08 15:30[edat]")
    entrez_date = found.find(".//PubMedPubDate[@PubStatus='entrez']")
    assert entrez_date is not None
    assert [part.text for part in entrez_date][3:] == ["15", "30"]
    assert said["querytranslation"].endswith("2026/09/08 12:00:2026/09/08 15:30[Date - Entry]")


async def test_a_crowded_day_can_be_searched_hour_by_hour() -> None:
    crowd = tuple(article(pmid, "Crowd.", entered_day=1) for pmid in range(1000, 1300))
    async with entrez(small_catalogue(article=[*ARTICLES, *crowd]), now=lambda: on(2)) as client:
        found = [
            await client.found(
                f"crowd[ti] AND 2026/09/08 {hour:02}:00:2026/09/08 {hour:02}:59[crdt]", retmax=999
            )
            for hour in range(24)
        ]
    assert sum(map(len, found)) == 300
    assert set().union(*found) == set(range(1000, 1300))
    assert max(map(len, found)) < 40
