"""Where nobody starts things in order: services wait for migrate."""

import subprocess
import sys
from itertools import product
from pathlib import Path
from uuid import uuid4

import pytest

from services.console.accounts.account import SERVICES
from tests.eventually import eventually
from tests.integration.test_services import ROOT, Running
from tests.parts import Postgres, Rabbit

pytestmark = [pytest.mark.connected, pytest.mark.timeout(180)]


def _migrate(database_url: str, amqp_url: str, management: str, folder: Path) -> int:
    """As the container of the Job does it: secrets in files."""
    for kind, url in (("database", database_url), ("amqp", amqp_url)):
        (folder / f"carillon_{kind}_url").write_text(url, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "services.console", "migrate"],
        cwd=ROOT,
        env={
            "PATH": "/usr/bin:/bin",
            "CARILLON_DATABASE_URL_FILE": str(folder / "carillon_database_url"),
            "CARILLON_AMQP_URL_FILE": str(folder / "carillon_amqp_url"),
            "CARILLON_MANAGEMENT_URL": management,
            "CARILLON_ACCOUNTS_DIR": str(folder),
        },
        capture_output=True,
        timeout=90,
        check=False,
    ).returncode


async def test_a_service_waits_for_tables_queues_and_its_own_accounts(
    rabbit: Rabbit, postgres: Postgres, tmp_path: Path
) -> None:
    mark = uuid4().hex[:8]
    owner = {"amqp": rabbit.new_vhost(mark), "database": postgres.new_database(f"t{mark}")}
    own: dict[str, str] = {}
    for kind, service in product(owner, SERVICES):
        scheme, rest = owner[kind].split("://", 1)
        url = f"{scheme}://{service}_{mark}:pw-{mark}@{rest.split('@', 1)[1]}"
        (tmp_path / f"{service}_{kind}_url").write_text(url, encoding="utf-8")
        own |= {kind: url} if service == "classifier" else {}
    one = Running("classifier", {"DATABASE_URL": own["database"], "AMQP_URL": own["amqp"]})
    try:
        await eventually(lambda: one.probe("/livez") == 200, within=60)
        assert one.probe("/readyz") == 503

        assert _migrate(owner["database"], owner["amqp"], rabbit.management, tmp_path) == 0

        await eventually(lambda: one.probe("/readyz") == 200, within=60)
        code, logs = one.stop()
        assert code == 0, logs
        assert "engines_awaited" in logs
    finally:
        if one.process.poll() is None:
            one.process.kill()
            one.process.communicate(timeout=10)
