"""A secret in every setting, well and badly connected: all that comes out is searched for them.

What comes out: logs, answers to probes, scrapes and visitors, events in outboxes and archive, all
tables, parked messages, what the engines log, and what every command of the operator's says.
"""

import asyncio
import json
import traceback
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen
from uuid import uuid4

import aio_pika
import asyncpg
import httpx
import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from services.console.app import cli
from services.notifier.tokens import Tokens
from shared import topology
from shared.errors import CarillonError
from shared.outbox import Outgoing
from tests.builders import discovered
from tests.canaries.echoes import echoes
from tests.canaries.planted import sung
from tests.canaries.test_settings import secret_fields
from tests.canaries.town import Running, Town, crew, webhook_key
from tests.eventually import eventually
from tests.integration.test_services import _publish
from tests.parts import Postgres, Rabbit
from tests.unit.classifier.test_opinion import UNSURE
from tests.unit.notifier.kit import START, a_poll_event, an_article_event

pytestmark = [pytest.mark.connected, pytest.mark.timeout(300)]

LINE = ("poller", "classifier", "notifier")
READER = "reader "
"""How the names of canaries begin that are of a reader: a mail address, a target, its key."""

KEEPS_ADDRESSES = {"notifier.subscriptions", "notifier.letters"}
"""The only tables where a reader's mail address may be: where it is needed to write to them."""

COMMANDS = (
    "migrate", "status", "doctor", "parked", "parked show", "trace 1", "trace 424242",
    "subscribers list", "suppressions list", "feedback export", "archive", "record", "replay list",
    "diff --since 1d", "digest preview", "no-such-command", "trace nonsense", "--help",
)  # fmt: skip
"""Of the operator's: right and wrong ones."""


@pytest.fixture(scope="module")
def town(
    tmp_path_factory: pytest.TempPathFactory, rabbit: Rabbit, postgres: Postgres
) -> Iterator[Town]:
    mark = f"c{uuid4().hex[:10]}"
    rabbit.new_vhost(mark)
    postgres.new_database(mark)
    with echoes() as (http, smtp):
        made = Town(tmp_path_factory.mktemp("town"), rabbit, postgres, mark, mark, http, smtp)
        made.build()
        _subscribe(made)
        (made.folder / "now").write_text(START.replace(hour=6).isoformat(), encoding="ascii")
        assert "up to date" in _command(made, "migrate")
        yield made


def _subscribe(town: Town) -> None:
    """A reader on each channel; the targets are the hostile server."""
    here = f"http://127.0.0.1:{town.http.server_port}"
    one = town.birds.one
    rows = [
        {"address": one("reader mail").address},
        {
            "channel": "webhook",
            "address": f"{here}/hook/{one('reader webhook', '-').secret}",
            "secret": webhook_key(one("reader webhook key")),
        },
        {"channel": "slack", "address": f"{here}/hook/{one('reader slack', '-').secret}"},
        {
            "channel": "apprise",
            "address": f"mmosts://{here[7:]}/{one('reader apprise', '').secret[:26]}",
        },
    ]
    usual = {"topic": "car-autoimmune", "cadence": "daily", "hour": 7}
    since = f"confirmed = true\nsince = {START.isoformat()}\n"
    text = "".join(
        "[[subscription]]\n"
        + since
        + "".join(f"{name} = {json.dumps(value)}\n" for name, value in {**usual, **row}.items())
        for row in rows
    )
    (town.folder / "subscriptions.toml").write_text(text, encoding="utf-8")


def _command(town: Town, words: str, **more: str) -> str:
    """All that a command wrote, its last error and traceback included."""
    done = CliRunner().invoke(cli, words.split(), env=town.operator | more)
    fault = done.exception
    known = isinstance(fault, CarillonError | SystemExit)
    trace = "" if fault is None or known else "".join(traceback.format_exception(fault))
    return f"{done.output}{done.stderr}{fault}{trace}"


def _get(port: int, path: str) -> str:
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=15) as answer:
            return f"{answer.headers}\n{answer.read().decode()}"
    except HTTPError as error:
        return f"{error.headers}\n{error.read().decode()}"
    except (URLError, OSError):
        return ""


def _probes(running: Running) -> str:
    return "\n".join(_get(running.port, path) for path in ("/livez", "/readyz", "/metrics", "/x"))


def _visits(town: Town, port: int) -> str:
    """What a stranger, and an operator who mistypes, are answered; nothing of it is for readers."""
    bird, admin = town.birds.one("link token", "-"), town.birds.one("admin password")
    mistyped, hook = town.birds.one("mistyped password"), town.birds.one("hook token")
    stranger = town.birds.one("reader stranger").address
    keys = [town.birds.one("secret key").secret]
    good = Tokens([SecretStr(key) for key in keys]).sign("manage", bird.secret)
    form = {"topic": "car-autoimmune", "channel": "email", "email": stranger, "cadence": "daily",
            "hour": "7", "time_zone": "UTC", "scope": "core"}  # fmt: skip
    said: list[httpx.Response] = []
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client:
        for token in (bird.secret, good):
            for page in ("manage", "confirm", "leave", "ask", "api/me/data", f"digests/{token}"):
                said.append(client.get(f"/{page}", params={"token": token}))
                said.append(client.post(f"/{page}", data={"token": token, "action": token}))
        said.append(client.post("/subscribe", data=form))
        said.append(client.post("/api/subscriptions", content=b"{" + stranger.encode()))
        said.append(client.post("/api/subscriptions", json={"address": stranger, "topic": 7}))
        for password in (mistyped.secret, admin.secret):
            said.append(client.get("/admin", auth=("admin", password)))
            said.append(client.post("/admin", auth=("admin", password), data={"form": "x"}))
        for token in (mistyped.secret, hook.secret):
            bearer = {"Authorization": f"Bearer {token}"}
            said.append(client.post("/hooks/bounce", headers=bearer, content=b"no mail at all"))
    statuses = {answer.status_code for answer in said}
    assert {200, 401} <= statuses
    assert 500 not in statuses
    return "\n".join(f"{answer.headers}\n{answer.text}" for answer in said)


async def _tables(town: Town) -> dict[str, str]:
    """Every row of every table of ours, as text."""
    place = town.postgres.container
    connection = await asyncpg.connect(
        user="carillon", password="carillon", database=town.database,
        host=place.get_container_host_ip(), port=int(place.get_exposed_port(5432)),
    )  # fmt: skip
    try:
        names = await connection.fetch(
            "SELECT schemaname || '.' || tablename AS name FROM pg_tables WHERE schemaname IN "
            "('poller', 'classifier', 'notifier', 'console')"
        )
        return {
            row["name"]: "\n".join(
                one["text"]
                for one in await connection.fetch(f"SELECT t::text AS text FROM {row['name']} t")  # noqa: S608
            )
            for row in names
        }
    finally:
        await connection.close()


async def _parked(town: Town) -> str:
    """The messages parked for the notifier, with their headers."""
    connection = await aio_pika.connect(town.operator["CARILLON_AMQP_URL"])
    async with connection:
        channel = await connection.channel()
        queue = await channel.get_queue(topology.NOTIFIER.parked)
        found = [one async for one in _each(queue)]
    return "\n".join(f"{one.headers} {one.properties} {one.body!r}" for one in found)


async def _each(queue: aio_pika.abc.AbstractQueue):  # type: ignore[no-untyped-def]
    while (one := await queue.get(fail=False, no_ack=False)) is not None:
        yield one


@pytest.fixture(scope="module")
def lived(town: Town) -> dict[str, str]:
    """All that came out of a morning that went well inside, and badly with everybody outside."""
    with crew(town) as running:
        asyncio.run(_morning(town, running))
        said = {f"probes of {name}": _probes(one) for name, one in running.items()}
        said["visitors"] = _visits(town, running["notifier"].web_port)
        said |= {f"carillon {words}": _command(town, words) for words in COMMANDS}
        asyncio.run(eventually(partial(bool, town.smtp.mails), within=60))
        codes = {name: one.end() for name, one in running.items()}
    assert set(codes.values()) == {0}, codes
    said |= {f"log of {name}": (town.folder / f"{name}.log").read_text() for name in codes}
    said["parked"] = asyncio.run(_parked(town))
    said["broker's log"], said["database's log"] = (
        "".join(part.decode("utf-8", "replace") for part in one.get_logs())
        for one in (town.rabbit.container, town.postgres.container)
    )
    return said


async def _morning(town: Town, running: dict[str, Running]) -> None:
    """Articles come, one message is no event, and every digest is refused by its channel."""
    url = town.operator["CARILLON_AMQP_URL"]
    at = START.replace(hour=5)
    classified = [an_article_event(pmid, at) for pmid in (1, 2)]
    events: list[Any] = [*classified, a_poll_event(at, announced=2), discovered(article=UNSURE)]
    outgoing = (Outgoing(one.id, one.type, one.ROUTING_KEY, one.encode()) for one in events)
    await _publish(url, *outgoing)
    connection = await aio_pika.connect(url)
    async with connection:
        exchange = await (await connection.channel()).get_exchange(topology.EXCHANGE)
        broken = aio_pika.Message(b'{"type": "article.classified"}', message_id="broken")
        await exchange.publish(broken, "article.classified")
    for one in running.values():
        await eventually(partial(_is_ready, one), within=90)
    for now, words in (
        (START.replace(hour=8), ("/entrez/eutils/", "/v1/chat", "/hook/")),
        # Over a day later: relations that stay open are an alarm, and digests are tried again.
        (START.replace(hour=9) + timedelta(days=1), ("/ping/",)),
    ):
        (town.folder / "now").write_text(now.isoformat(), encoding="ascii")
        for word in words:
            await eventually(partial(_heard, town.http.heard, word), within=60)
    await eventually(partial(_heard, town.smtp.heard, "RCPT"), within=60)


def _is_ready(one: Running) -> bool:
    return '"ready": true' in _get(one.port, "/readyz")


def _heard(told: list[str], word: str) -> bool:
    return any(word in one for one in told)


@pytest.mark.parametrize("service", LINE)
def test_every_secret_setting_of_a_service_is_planted(town: Town, service: str) -> None:
    given = town.settings(service)
    secret = {name.upper() for name in secret_fields(service)}
    assert secret <= given.keys()
    birds = list(town.birds.planted.values())
    assert [name for name in secret if not sung(given[name], birds)] in ([], ["OPINION_URL"])


def test_the_others_were_told_their_secrets(town: Town, lived: dict[str, str]) -> None:
    """What is looked for below was really on its way: the hostile servers have heard it."""
    heard = "\n".join([*town.http.heard, *town.smtp.heard])
    assert lived
    assert sung(heard, town.birds.planted.values()) >= {
        "ncbi key", "ping url", "opinion key", "smtp password",
        "reader mail", "reader webhook", "reader slack", "collector key",
    }  # fmt: skip


def test_traces_have_no_secret_and_no_address(town: Town, lived: dict[str, str]) -> None:
    assert lived
    told = [one for one in town.http.heard if one.startswith("/v1/traces")]
    for service in LINE:
        assert any(service in one for one in told), service
    assert any("send email" in one for one in told)
    assert sung("\n".join(told), town.birds.planted.values()) == {"collector key"}


def test_nothing_that_came_out_has_a_secret(town: Town, lived: dict[str, str]) -> None:
    birds = list(town.birds.planted.values())
    found = {what: names for what, text in lived.items() if (names := sung(text, birds))}
    # Mail addresses are shown to the operator, by the one command that lists who reads; and who
    # comes with a good link is given a form with the same link in it.
    assert found.pop("carillon subscribers list") <= {"reader mail", "reader stranger"}
    assert found.pop("visitors") <= {"link token"}
    assert found == {}
    silent = [what for what, text in lived.items() if not text.strip()]
    assert silent == []
    assert '"carillon":"end","events":' in lived["carillon record"]
    assert "ncbi key" not in sung(lived["carillon status"], birds)
    assert "API key invalid" in lived["carillon status"] + lived["log of poller"]


def test_a_mail_has_nothing_of_ours_and_no_other_s_address(
    town: Town, lived: dict[str, str]
) -> None:
    """The first mail taken is the question to the stranger: no one else is in it."""
    assert lived
    assert "Please confirm" in town.smtp.mails[0]
    birds = list(town.birds.planted.values())
    assert sung(town.smtp.mails[0], birds) == {"reader stranger"}


def test_no_table_has_a_secret_and_few_have_an_address(town: Town, lived: dict[str, str]) -> None:
    assert lived
    tables = asyncio.run(_tables(town))
    birds = list(town.birds.planted.values())
    found = {name: names for name, text in tables.items() if (names := sung(text, birds))}
    assert found.keys() <= KEEPS_ADDRESSES
    assert set().union(*found.values()) <= {"reader mail", "reader stranger"}
    assert tables["notifier.subscriptions"].count("car-autoimmune") == 5


@pytest.mark.parametrize(
    ("what", "names"),
    [("wrong password", LINE), ("nobody there", ("notifier",)), ("no TLS there", ("poller",))],
)
def test_who_cannot_connect_says_so_without_a_secret(
    town: Town, what: str, names: tuple[str, ...]
) -> None:
    astray = {name: _astray(town, name, what) for name in names}
    with crew(town, f" {what}", **astray) as running:
        for name, one in running.items():
            log = town.folder / f"{name} {what}.log"
            asyncio.run(eventually(partial(_waits, log), within=90))
            said = _probes(one) + (_get(one.web_port, "/") if name == "notifier" else "")
            assert '"ready": false' in said
            assert sung(said + log.read_text(), town.birds.planted.values()) == set(), name


def _waits(log: Path) -> bool:
    return "engines_awaited" in log.read_text()


@pytest.mark.parametrize("what", ["wrong password", "nobody there", "no TLS there"])
def test_commands_that_cannot_connect_say_so_without_a_secret(town: Town, what: str) -> None:
    urls = _astray(town, "console", what)
    astray = {f"CARILLON_{name}": value for name, value in urls.items()}
    for words in ("status", "doctor", "migrate", "parked", "trace 1", "subscribers", "record"):
        said = _command(town, words, **astray)
        assert said.strip(), words
        assert sung(said, town.birds.planted.values()) == set(), words


def _astray(town: Town, service: str, what: str) -> dict[str, str]:
    """URLs of both engines that lead nowhere, each with a canary of its own."""
    user = f"admin_{town.vhost}" if service == "console" else f"{service}_{town.vhost}"
    bird = town.birds.one(f"{service} astray", "/+@:#%")
    port = 1 if what == "nobody there" else None
    amqp, database = (town.url(kind, user, bird, port=port) for kind in ("amqp", "database"))
    if what == "no TLS there":
        amqp, database = amqp.replace("amqp://", "amqps://"), f"{database}?ssl=require"
    return {"AMQP_URL": amqp, "DATABASE_URL": database}
