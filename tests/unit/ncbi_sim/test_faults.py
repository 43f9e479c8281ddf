"""Failures on demand happen when their rules say, and are listed."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from services.ncbi_sim.faults import FAILURES, Kind, Rule
from tests.unit.ncbi_sim.failing import HEALTHY, rule
from tests.unit.ncbi_sim.small_catalogue import SEED, Entrez, entrez

DOCS = Path(__file__).resolve().parents[3] / "docs" / "standin.md"


def test_every_kind_is_here_and_in_the_manual() -> None:
    manual = DOCS.read_text(encoding="utf-8")
    assert set(FAILURES) == set(get_args(Kind))
    assert [kind for kind in FAILURES if f"| `{kind}` |" not in manual] == []


async def test_the_kinds_are_listed_with_what_they_are_and_who_saw_them() -> None:
    async with entrez(faults=(rule("http_500", "efetch", nth=2),)) as client:
        await client.get("efetch", id=SEED)
        await client.get("efetch", id=SEED)
        said = (await client.http.get("/_sim/faults")).json()
    assert {entry["kind"] for entry in said["kinds"]} == set(FAILURES)
    assert all(entry["says"] and entry["source"] and entry["endpoints"] for entry in said["kinds"])
    assert said["rules"] == [
        {"endpoint": "efetch", "kind": "http_500", "nth": 2, "seen": 2, "fired": 1}
    ]
    assert said["fired"] == {"http_500": 1}


async def test_faults_can_be_set_and_cleared_while_running() -> None:
    async with entrez() as client:
        rules = [
            {"endpoint": "*", "kind": "http_500", "nth": 2},
            {"endpoint": "esearch", "kind": "html_page", "always": True, "times": 1},
        ]
        assert (await client.http.post("/_sim/faults", json=rules)).status_code == 204
        seen = [await client.get("esearch", term="lupus") for _ in range(3)]
        await client.http.post("/_sim/faults", json=[{**rules[0], "nth": 1}])
        assert (await client.http.delete("/_sim/faults")).status_code == 204
        after = await client.get("esearch", term="lupus")
    assert "html" in seen[0].headers["content-type"]
    assert [response.status_code for response in seen] == [200, 500, 200]
    assert after.status_code == 200


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({}, "exactly one of nth, rate and always"),
        ({"nth": 1, "always": True}, "exactly one of nth, rate and always"),
        ({"rate": 0.5}, "a rate needs a seed"),
        ({"always": True, "seed": 1}, "unless the kind is any"),
        ({"always": True, "kind": "earthquake"}, "'earthquake' is no kind of failure"),
        ({"always": True, "kind": "record_missing", "endpoint": "elink"}, "at efetch only"),
        ({"always": True, "without": ["slow"]}, "only the kind any can do without"),
        ({"always": True, "seconds": 0}, "seconds"),
    ],
)
async def test_a_rule_that_makes_no_sense_is_refused(wrong: dict[str, Any], message: str) -> None:
    refused = {"endpoint": "*", "kind": "http_500", **wrong}
    with pytest.raises(ValidationError, match=message):
        Rule.model_validate(refused)
    async with entrez() as client:
        response = await client.http.post("/_sim/faults", json=[refused])
    assert response.status_code == 422


async def answers(client: Entrez, endpoint: str, times: int) -> list[tuple[int, bytes]]:
    """The same request, again and again."""
    responses = [await client.get(endpoint, **HEALTHY[endpoint]) for _ in range(times)]
    return [(response.status_code, response.content) for response in responses]


async def test_a_rate_hits_its_share_and_always_the_same_requests() -> None:
    async def hits(seed: int) -> list[int]:
        async with entrez(faults=(rule("http_500", rate=0.3, seed=seed),)) as client:
            return [status for status, _ in await answers(client, "epost", 400)]

    first, again, other = await asyncio.gather(hits(1), hits(1), hits(2))
    assert first == again
    assert first != other
    assert 90 < Counter(first)[500] < 150


ON_THE_WIRE = ("cut_connection", "drop_connection", "reset", "slow")


async def test_any_is_each_time_another_kind_and_the_same_in_every_run() -> None:
    async def run() -> tuple[list[tuple[int, bytes]], dict[str, int]]:
        any_ = rule("any", "efetch", rate=0.5, seed=3, without=ON_THE_WIRE)
        async with entrez(faults=(any_,)) as client:
            seen = await answers(client, "efetch", 400)
            return seen, (await client.http.get("/_sim/faults")).json()["fired"]

    (seen, fired), (again, _) = await asyncio.gather(run(), run())
    assert seen == again
    possible = {kind for kind, failure in FAILURES.items() if "efetch" in failure.endpoints}
    assert set(fired) == possible - {*ON_THE_WIRE, "key_invalid", "history_lost"}
    assert 150 < sum(fired.values()) < 250
