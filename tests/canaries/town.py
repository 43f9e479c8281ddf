"""An installation whose every secret is a canary, on real engines, among hostile others."""

import asyncio
import base64
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import asyncpg

from tests.canaries.echoes import Http, Smtp
from tests.canaries.planted import Canary
from tests.chaos.containers import free_port
from tests.parts import Postgres, Rabbit

ROOT = Path(__file__).parents[2]
_SAFE = "/+@:#"
"""Between the halves of what goes into a header or is one of several keys."""


def webhook_key(bird: Canary) -> str:
    """A key to sign webhooks with, in the form that is asked for."""
    return "whsec_" + base64.b64encode("".join(bird.halves).encode()).decode()


@dataclass
class Birds:
    """All canaries of one installation, by name: `one("smtp_password")` plants and returns it."""

    planted: dict[str, Canary] = field(default_factory=dict)

    def one(self, name: str, between: str = _SAFE) -> Canary:
        return self.planted.setdefault(name, Canary(name, between))

    def of(self, *beginnings: str) -> list[Canary]:
        return [bird for name, bird in self.planted.items() if name.startswith(beginnings)]


@dataclass
class Town:
    """The installation. `said` is the folder with what its processes wrote, a file for each."""

    folder: Path
    rabbit: Rabbit
    postgres: Postgres
    vhost: str
    database: str
    http: Http
    smtp: Smtp
    birds: Birds = field(default_factory=Birds)

    def url(self, kind: str, user: str, bird: Canary, *, port: int | None = None) -> str:
        """An engine's URL with a canary for a password; at its own port if no other is given."""
        if kind == "amqp":
            host = f"127.0.0.1:{port}" if port else self.rabbit.address
            return f"amqp://{user}:{bird.in_url}@{host}/{self.vhost}"
        place = self.postgres.container
        host = f"{place.get_container_host_ip()}:{port or place.get_exposed_port(5432)}"
        return f"postgresql+asyncpg://{user}:{bird.in_url}@{host}/{self.database}"

    def build(self) -> None:
        """Administrators at both engines, and files with the URLs of the services' accounts."""
        for kind in ("amqp", "database"):
            for service in ("poller", "classifier", "notifier"):
                bird = self.birds.one(f"{kind} {service}", "/+@:#%")
                own = self.url(kind, f"{service}_{self.vhost}", bird)
                (self.folder / f"{service}_{kind}_url").write_text(own, encoding="utf-8")
        admin = self.birds.one("amqp admin", "/+@:#%").secret
        for command in (
            ("add_user", f"admin_{self.vhost}", admin),
            ("set_user_tags", f"admin_{self.vhost}", "administrator"),
            ("set_permissions", "-p", self.vhost, f"admin_{self.vhost}", ".*", ".*", ".*"),
        ):
            code, output = self.rabbit.container.exec(["rabbitmqctl", *command])
            assert code == 0, output
        asyncio.run(self._administrator())

    async def _administrator(self) -> None:
        place = self.postgres.container
        dsn = partial(asyncpg.connect, user="carillon", password="carillon", database=self.database)
        host, port = place.get_container_host_ip(), int(place.get_exposed_port(5432))
        connection = await dsn(host=host, port=port)
        password = self.birds.one("database admin", "/+@:#%").secret
        await connection.execute(
            f"CREATE ROLE admin_{self.vhost} SUPERUSER LOGIN PASSWORD '{password}'"
        )
        await connection.close()

    @property
    def operator(self) -> dict[str, str]:
        """What an operator's shell has set, for the `carillon` command."""
        admin = f"admin_{self.vhost}"
        return {
            "CARILLON_DATABASE_URL": self.url("database", admin, self.birds.one("database admin")),
            "CARILLON_AMQP_URL": self.url("amqp", admin, self.birds.one("amqp admin")),
            "CARILLON_MANAGEMENT_URL": "http://" + self.rabbit.management.partition("@")[2] + "/",
            "CARILLON_STREAM_PORT": str(self.rabbit.stream_port),
            "CARILLON_ACCOUNTS_DIR": str(self.folder),
            "CARILLON_STATE": str(self.folder / "state"),
            "COLUMNS": "300",
        }

    @property
    def traces(self) -> dict[str, str]:
        """Where each service tells traces, and the key to it."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.http.server_port}",
            "OTEL_EXPORTER_OTLP_HEADERS": f"x-key={self._secret('collector key')}",
        }

    def settings(self, service: str) -> dict[str, str]:
        """A service's settings, with every secret that it takes."""
        here, secret = f"http://127.0.0.1:{self.http.server_port}", self._secret
        engines = {
            "DATABASE_URL": (self.folder / f"{service}_database_url").read_text(encoding="utf-8"),
            "AMQP_URL": (self.folder / f"{service}_amqp_url").read_text(encoding="utf-8"),
            "CLOCK_FILE": str(self.folder / "now"),
        }
        if service == "poller":
            ping = self.birds.one("ping url", "-")
            return engines | {
                "EUTILS_URL": f"{here}/entrez/eutils/",
                "NCBI_API_KEY": secret("ncbi key"),
                "NCBI_EMAIL": "operator@example.org",
                "PING_URL": f"{here}/ping/{ping.secret}",
            }
        if service == "classifier":
            return engines | {
                "OPINION_URL": f"{here}/v1",
                "OPINION_MODEL": "some-model",
                "OPINION_API_KEY": secret("opinion key"),
            }
        return engines | {
            "DELIVERY": "smtp",
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(self.smtp.server_address[1]),
            "SMTP_TLS": "none",
            "SMTP_USER": "carillon",
            "SMTP_PASSWORD": secret("smtp password"),
            "SECRET_KEY": secret("secret key") + "," + secret("secret key of before"),
            "ADMIN_PASSWORD": secret("admin password"),
            "HOOK_TOKEN": secret("hook token"),
            "ADMITTED_HOSTS": "127.0.0.1",
            "SUBSCRIPTIONS_FILE": str(self.folder / "subscriptions.toml"),
        }

    def _secret(self, name: str) -> str:
        return self.birds.one(name).secret


class Running:
    """A service's process; all that it writes goes into one file."""

    def __init__(
        self, service: str, settings: Mapping[str, str], said: Path, traces: Mapping[str, str]
    ) -> None:
        self.port, self.web_port = free_port(), free_port()
        given = {"PORT": str(self.port), **settings}
        if service == "notifier":
            given["WEB_PORT"] = str(self.web_port)
        with said.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", f"services.{service}"],
                cwd=ROOT,
                env={"PATH": "/usr/bin:/bin", **traces}
                | {f"{service.upper()}_{name}": value for name, value in given.items()},
                stdout=out,
                stderr=out,
            )

    def end(self) -> int:
        """Stop it as Compose does; its exit code."""
        self.process.terminate()
        return self.process.wait(timeout=40)


@contextmanager
def crew(town: Town, mark: str = "", **more: Mapping[str, str]) -> Iterator[dict[str, Running]]:
    """All three services at once, or those with `more` settings; what is left is killed at the end.

    What each has written is in `{service}{mark}.log`.
    """
    names = tuple(more) or ("poller", "classifier", "notifier")
    running = {
        name: Running(
            name,
            {**town.settings(name), **more.get(name, {})},
            town.folder / f"{name}{mark}.log",
            town.traces,
        )
        for name in names
    }
    try:
        yield running
    finally:
        for one in running.values():
            one.process.kill()
            one.process.wait(timeout=20)
