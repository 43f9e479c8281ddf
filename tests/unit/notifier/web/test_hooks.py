"""The hooks of a mail server: with its secret only, and never with an error for what is brought."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from services.notifier import tables
from tests.unit.notifier.kit import Desk, a_subscription
from tests.unit.notifier.test_returned import arf, dsn
from tests.unit.notifier.web.kit import Site, a_site

SECRET = "a secret of the mail server"
AUTH = {"Authorization": f"Bearer {SECRET}"}


@pytest.fixture
async def hooked(one: Desk) -> AsyncIterator[Site]:
    site = a_site(one, hook_token=SecretStr(SECRET))
    async with site.client:
        yield site


@pytest.mark.parametrize("path", ["/hooks/bounce", "/hooks/complaint"])
async def test_without_a_secret_there_is_no_hook(lone: Site, path: str) -> None:
    assert (await lone.client.post(path, content=dsn(), headers=AUTH)).status_code == 404


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", f"Basic {SECRET}", "Bearer \xe9"])
async def test_only_who_has_the_secret_is_heard(hooked: Site, given: str) -> None:
    headers = {"Authorization": given.encode("latin-1")} if given else {}
    answer = await hooked.client.post("/hooks/bounce", content=dsn(), headers=headers)  # type: ignore[arg-type]
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_complaint_ends_a_subscription(hooked: Site) -> None:
    await hooked.desk.subscribe(a_subscription())
    report = arf(leave=hooked.tokens.sign("leave", "reader"))
    answer = await hooked.client.post("/hooks/complaint", content=report, headers=AUTH)
    assert answer.json() == {"outcome": "suppressed"}
    (row,) = await hooked.desk.rows(tables.subscriptions)
    assert not row.active


@pytest.mark.parametrize(
    "content", [b"", b"\x00\xff" * 500, dsn()[:300], b"Subject: hello\r\n\r\n"]
)
async def test_what_is_no_report_is_ignored(hooked: Site, content: bytes) -> None:
    answer = await hooked.client.post("/hooks/bounce", content=content, headers=AUTH)
    assert (answer.status_code, answer.json()) == (200, {"outcome": "ignored"})


async def test_a_message_may_be_large_and_not_too_large(hooked: Site) -> None:
    for size, status in ((1_500_000, 200), (2_200_000, 413)):
        answer = await hooked.client.post("/hooks/bounce", content=b"x" * size, headers=AUTH)
        assert answer.status_code == status
