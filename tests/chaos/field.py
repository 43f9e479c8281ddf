"""Where a chaos run happens: all the weapons, and what they are aimed at."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from tests.chaos.crew import Crew
from tests.chaos.engine_postgres import PostgresEngine
from tests.chaos.engine_rabbit import RabbitEngine
from tests.chaos.mailbox import Mailbox
from tests.chaos.proxy import Proxy


@dataclass(frozen=True)
class Field:
    """Engines, the proxy before them, the mail server and the services of one run.

    The proxy has the routes `broker`, `database` and `smtp`; a run may add more.
    """

    proxy: Proxy
    mailbox: Mailbox
    rabbit: RabbitEngine
    postgres: PostgresEngine
    crew: Crew
    vhost: str
    database: str

    @property
    def amqp_url(self) -> str:
        """The broker itself, past the proxy: for whoever watches."""
        return self.rabbit.url(self.vhost)

    @property
    def database_url(self) -> str:
        """The database itself, past the proxy."""
        return self.postgres.url(self.database)

    def heal(self) -> None:
        """End every fault there may be; returns when both engines answer."""
        self.proxy.heal()
        self.mailbox.heal()
        self.postgres.heal(self.database)
        self.rabbit.heal()
        for queue in ("classifier", "notifier"):
            self.rabbit.unlimit_queue(self.vhost, queue)


@contextmanager
def prepared(
    rabbit: RabbitEngine,
    postgres: PostgresEngine,
    folder: Path,
    entries: Mapping[str, Sequence[str]] | None = None,
    own: Mapping[str, Mapping[str, str]] | None = None,
    **more: dict[str, str],
) -> Iterator[Field]:
    """A field with a virtual host and a database of its own, without tables, queues or services.

    The crew's members reach everything through the proxy. `more` are settings of a service, by
    its name, without their prefix; `entries` and `own` are the crew's.
    """
    name = f"chaos{uuid4().hex[:10]}"
    rabbit.new_vhost(name)
    postgres.new_database(name)
    with ExitStack() as stack:
        mailbox = stack.enter_context(Mailbox(folder / "mails.jsonl"))
        proxy = stack.enter_context(Proxy())
        broker = proxy.route("broker", "127.0.0.1", rabbit.container.port)
        database = proxy.route("database", "127.0.0.1", postgres.container.port)
        smtp = proxy.route("smtp", "127.0.0.1", mailbox.port)
        engines = {
            "DATABASE_URL": postgres.url(name, database.port),
            "AMQP_URL": rabbit.url(name, broker.port),
        }
        mail = {
            "DELIVERY": "smtp",
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(smtp.port),
            "SMTP_TLS": "none",
            "SECRET_FILE": str(folder / "notifier.key"),
            "WEB_PORT": "0",
        }
        usual = {"poller": {}, "classifier": {}, "notifier": mail}
        settings = {one: {**engines, **usual[one], **more.get(one, {})} for one in usual}
        crew = stack.enter_context(Crew(folder / "logs", settings, entries, own))
        yield Field(proxy, mailbox, rabbit, postgres, crew, name, name)
