"""Each misconfiguration, planted in a healthy installation, is found: it, and nothing else."""

import json
import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from services.console.doctor.codes import Code
from tests.integration.doctor import plants_engines, plants_outside, plants_settings
from tests.integration.doctor.patient import Patient, healthy
from tests.integration.doctor.plants import PLANTS, Plant
from tests.parts import Postgres, Rabbit

pytestmark = [
    pytest.mark.connected,
    pytest.mark.timeout(180),
    pytest.mark.asyncio(loop_scope="module"),
    # Of aiosmtpd, by which the mail server is.
    pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning"),
    pytest.mark.filterwarnings("ignore:Session.login_data is deprecated:DeprecationWarning"),
]

MODULES = (plants_engines, plants_outside, plants_settings)
"""Whose faults are in `PLANTS`."""

ELSEWHERE = {Code.DISK_LOW, Code.STATE_UNUSABLE, Code.PORT_IN_USE}
"""Tried without servers, in tests/unit/console/doctor."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def patient(
    rabbit: Rabbit, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Patient]:
    async with healthy(rabbit, postgres, tmp_path_factory.mktemp("doctor")) as made:
        yield made


@pytest.fixture(autouse=True)
def _nothing_else_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:  # noqa: TID251  what is set for other tests
        if name.startswith(("CARILLON_", "POLLER_", "CLASSIFIER_", "NOTIFIER_", "NCBI_SIM_")):
            monkeypatch.delenv(name)


async def test_a_healthy_installation_has_no_finding_and_everything_was_looked_at(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = await patient.examined(monkeypatch, {}, [])

    assert (report.findings, report.unchecked) == ((), ())
    assert report.exit_code == 0
    assert len(report.well) > 15
    assert patient.mailbox.accepted == []


@pytest.mark.parametrize(
    ("code", "plant"),
    [pytest.param(code, plant, id=f"{code.title}: {name}") for code, name, plant in PLANTS],
)
async def test_each_fault_is_found_with_its_remedy_and_nothing_beside_it(
    patient: Patient, monkeypatch: pytest.MonkeyPatch, code: Code, plant: Plant
) -> None:
    async with plant(patient) as planted:
        report = await patient.examined(monkeypatch, planted.overrides, planted.without)
        found = report.document()

    assert [one["code"] for one in found["findings"]] == [code.title], found
    (one,) = found["findings"]
    assert one["remedy"]
    assert one["seen"]
    assert report.exit_code == 1
    whole = json.dumps(found)
    assert not [secret for secret in patient.canaries() if secret in whole]
    assert patient.mailbox.accepted == []


async def test_no_code_is_left_untried() -> None:
    assert {code for code, _, _ in PLANTS} | ELSEWHERE == set(Code)
