"""Any fields in any form are answered, and no answer is a fault of ours."""

import random
from datetime import timedelta
from typing import Any
from urllib.parse import quote_from_bytes

import pytest

from services.notifier.recipient import recipient
from services.notifier.web import limits
from services.notifier.web.limits import Limit, Limits
from services.notifier.wording import LISTS, SETS
from tests.unit.notifier.kit import a_subscription
from tests.unit.notifier.web.kit import FORM, Site

FIELDS = (
    *FORM, *SETS, *LISTS, "url", "owner", "day", "max_items", "when_empty", "notices", "preprints",
    "background", "min_relatedness", "website", "id", "until", "never", "action",
)  # fmt: skip
VALUES: tuple[bytes, ...] = (
    b"", b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\r\nBcc: x@example.org", b"-1", b"0", b"1e309",
    b"NaN", b"inf", b"9" * 400, b"<script>alert(1)</script>", b"'\"; DROP TABLE letters; --",
    b"../../etc/passwd", b"Europe", b"https://[", b"https://" + b"a" * 3000, b"discord://",
    b"apprise", b"webhook", b"slack", b"email", b"capture", b"immediate", b"monthly", b"heartbeat",
    b"core", b"caar-t", b"reader", b"yes", b"pause", b"resume", b"leave", b"return", b"change",
    b"preview", b"save", b"9999-12-31", b"0001-01-01", "ß\u202eé\u2028".encode(), b"a@example.org",
    b"gAAAAAnot-sealed", b"https://gAAAAA.example/", b"0x10", b"1_0", b"\xd9\xa3", b"12:00",
)  # fmt: skip
PATHS = ("/subscribe", "/subscribe/preview", "/manage", "/manage/change", "/confirm", "/link",
         "/leave")  # fmt: skip


@pytest.fixture
def _no_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    free = Limits(Limit(10**6, limits.HOUR))
    monkeypatch.setattr(limits, "LIMITS", dict.fromkeys(limits.LIMITS, free))


def _filled_in(chance: random.Random, token: str) -> bytes:
    """A form that is right but for some fields."""
    right: dict[str, Any] = {**FORM, "token": token, "id": "reader"}
    fields = [(name, str(value).encode()) for name, value in right.items() if name != "scope"]
    fields += [("scope", b"core"), ("scope", b"unclear")]
    fields += [(chance.choice(FIELDS), chance.choice(VALUES)) for _ in range(chance.randint(1, 5))]
    if chance.random() < 0.2:
        fields.pop(chance.randrange(len(fields)))
    return b"&".join(f"{name}={quote_from_bytes(value)}".encode() for name, value in fields)


@pytest.mark.usefixtures("_no_limits")
@pytest.mark.parametrize("path", PATHS)
async def test_no_form_is_a_fault_of_ours(site: Site, path: str) -> None:
    await site.open()
    until = site.desk.clock() + timedelta(days=1)
    who = recipient("email", "reader@example.org")
    tokens = {
        "/manage": site.tokens.sign("manage", who, until),
        "/manage/change": site.tokens.sign("manage", who, until),
        "/confirm": site.tokens.sign("confirm", f"reader {who}", until),
        "/leave": site.tokens.sign("leave", "reader"),
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    chance = random.Random(path)  # noqa: S311
    statuses = set()
    for _ in range(60):
        await site.desk.subscribe(a_subscription())
        body = _filled_in(chance, tokens.get(path, ""))
        answer = await site.client.post(path, content=body, headers=headers)
        assert answer.status_code < 500, body
        statuses.add(answer.status_code)
    assert 200 in statuses
