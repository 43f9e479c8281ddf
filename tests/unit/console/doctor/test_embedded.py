"""The doctor before `carillon run`: without any server of ours, PubMed's stand-in beside it."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from services.console.doctor.case import read_case
from services.console.doctor.checks import checks
from services.console.doctor.report import Report, examine
from services.ncbi_sim.app import create_app
from services.ncbi_sim.catalogue import load_catalogue
from services.ncbi_sim.settings import PACKAGED_CATALOGUE
from shared.serving import served

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOT = Path(__file__).parents[4]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pubmed() -> AsyncIterator[str]:
    standin = create_app(load_catalogue(PACKAGED_CATALOGUE), rate_limit=False)
    async with served(standin, "127.0.0.1", 0) as root:
        yield f"{root}/entrez/eutils/"


def _given(folder: Path, pubmed: str) -> dict[str, str]:
    return {
        "CARILLON_STATE": str(folder / "state"),
        "POLLER_EUTILS_URL": pubmed,
        "POLLER_NCBI_EMAIL": "operator@carillon-lab.org",
        "NOTIFIER_WEB_PORT": "0",
    }


async def _typed(given: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """As an operator types it."""
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "services.console", "doctor"],
        cwd=ROOT, env={"PATH": "/usr/bin:/bin"} | given,
        capture_output=True, text=True, check=False, timeout=90,
    )  # fmt: skip


async def _examined(patch: pytest.MonkeyPatch, given: dict[str, str]) -> Report:
    for name in os.environ:  # noqa: TID251  what is set for other tests
        if name.startswith(("CARILLON_", "POLLER_", "CLASSIFIER_", "NOTIFIER_", "NCBI_SIM_")):
            patch.delenv(name)
    for name, value in given.items():
        patch.setenv(name, value)
    return await examine(checks(read_case(folders=())))


def _codes(report: Report) -> list[str]:
    return [one.code.title for one in report.findings]


async def test_what_is_well_ends_with_0_and_leaves_nothing_behind(
    tmp_path: Path, pubmed: str
) -> None:
    shown = await _typed(_given(tmp_path, pubmed))

    assert (shown.returncode, shown.stderr) == (0, ""), shown.stdout
    assert "ok    PubMed" in shown.stdout
    assert list(tmp_path.iterdir()) == []


async def test_a_finding_ends_with_1_and_says_what_mends_it(tmp_path: Path, pubmed: str) -> None:
    given = _given(tmp_path, pubmed) | {"NOTIFIER_SUBSCRIPTIONS_FILE": "nowhere.toml"}

    shown = await _typed(given)

    assert shown.returncode == 1
    assert "error   SUBSCRIPTIONS-UNREADABLE  nowhere.toml: it is not there" in shown.stdout
    assert "correct NOTIFIER_SUBSCRIPTIONS_FILE" in shown.stdout
    assert "docs/doctor.md#subscriptions-unreadable" in shown.stdout


async def test_the_folder_of_the_stores_must_be_one_that_can_be_written_to(
    tmp_path: Path, pubmed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "state").write_text("a file", encoding="utf-8")

    assert _codes(await _examined(monkeypatch, _given(tmp_path, pubmed))) == ["STATE-UNUSABLE"]


async def test_the_pages_port_must_be_free(
    tmp_path: Path, pubmed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        report = await _examined(
            monkeypatch, _given(tmp_path, pubmed) | {"NOTIFIER_WEB_PORT": port}
        )

    assert _codes(report) == ["PORT-IN-USE"]


async def test_mails_that_really_leave_need_links_that_lead_somewhere(
    tmp_path: Path, pubmed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = {"NOTIFIER_DELIVERY": "smtp", "NOTIFIER_SMTP_HOST": "127.0.0.1"}
    sent["NOTIFIER_SMTP_PORT"] = "1"

    report = await _examined(monkeypatch, _given(tmp_path, pubmed) | sent)

    assert _codes(report) == ["MAIL-FROM-LOCAL", "PUBLIC-URL-LOCAL", "SMTP-UNREACHABLE"]


async def test_a_mail_server_that_is_named_and_not_used_is_told(
    tmp_path: Path, pubmed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = {"NOTIFIER_SMTP_HOST": "mail.carillon-lab.org"}

    report = await _examined(monkeypatch, _given(tmp_path, pubmed) | named)

    assert _codes(report) == ["MAIL-CAPTURED"]


async def test_a_password_in_a_url_is_not_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = _given(tmp_path, "http://user:pw-of-a-proxy@127.0.0.1:1/entrez/eutils/")

    report = await _examined(monkeypatch, given)

    assert [one.about for one in report.findings] == ["http://127.0.0.1:1/entrez/eutils/"]
    assert "pw-of-a-proxy" not in str(report.document())


async def test_where_only_the_accounts_are_known_the_rest_is_named_as_not_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the container of `migrate`, in production."""
    url = tmp_path / "url"
    url.write_text("postgresql+asyncpg://carillon:pw-of-all@127.0.0.1:1/carillon", encoding="utf-8")

    report = await _examined(monkeypatch, {"CARILLON_DATABASE_URL_FILE": str(url)})

    untold = {one.what for one in report.unchecked}
    assert untold >= {f"settings of the {s}" for s in ("poller", "classifier", "notifier")}
    assert "PubMed" in untold
    assert _codes(report) == ["DATABASE-UNREACHABLE", "SERVICE-SILENT"]
    assert "pw-of-all" not in str(report.document())
