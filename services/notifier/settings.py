"""The notifier's settings: environment variables with the prefix `NOTIFIER_`, or secret files."""

from datetime import timedelta
from email.utils import parseaddr
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.notifier.bounces import ROOM
from services.notifier.office import Patience
from services.notifier.packing import Identity
from services.notifier.plan import BACKGROUND
from services.notifier.production import ForReaders, unfit
from services.notifier.senders.connection import SmtpServer, Tls
from services.notifier.vault import keys_from
from services.notifier.web.house import Doors


def _writable_from(value: str) -> str:
    address = parseaddr(value)[1]
    if not value.isprintable() or not address.isascii() or not address.rpartition("@")[0]:
        raise ValueError("not an address to write from: use 'news@host' or 'Carillon <news@host>'")
    return value


def _returned_to(value: str) -> str:
    name = parseaddr(_writable_from(value))[1].rpartition("@")[0]
    if len(name) > ROOM:
        raise ValueError(f"its name is too long: at most {ROOM} letters before the @ (RFC 5321)")
    return value


def _base_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("not where readers find the pages: use 'https://carillon.example.org'")
    return value.rstrip("/")


def _hosts(value: str) -> str:
    for part in _parts(value):
        try:
            ip_network(part)
        except ValueError:
            raise ValueError("write addresses or networks: 127.0.0.1,172.16.0.0/12") from None
    return value


def _parts(value: str) -> frozenset[str]:
    return frozenset(part.strip().lower() for part in value.split(",") if part.strip())


class Settings(BaseSettings):
    """Built once, in `app`. Nothing real is sent unless `delivery` is `smtp`."""

    model_config = SettingsConfigDict(env_prefix="NOTIFIER_", frozen=True, extra="ignore")

    database_url: SecretStr
    amqp_url: SecretStr
    subscriptions_file: Path | None = None
    delivery: Literal["smtp", "capture"] = "capture"
    capture_dir: Path = Path("state/mail")
    smtp_host: str | None = None
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_tls: Tls = "starttls"
    mail_from: Annotated[str, AfterValidator(_writable_from)] = "Carillon <carillon@localhost>"
    list_id: str = Field(default="carillon.localhost", pattern=r"^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$")
    public_host: str = Field(default="localhost", pattern=r"^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$")
    public_url: Annotated[str, AfterValidator(_base_url)] = "http://localhost:8000"
    web_host: str = "127.0.0.1"
    web_port: int = Field(default=8000, ge=0, le=65535)
    open_to: Literal["everybody", "nobody"] = "everybody"
    trusted_proxies: Annotated[str, AfterValidator(_hosts)] = "127.0.0.1"
    secret_key: SecretStr | None = None
    secret_file: Path = Path("state/notifier.key")
    admin_password: SecretStr | None = None
    hook_token: SecretStr | None = None
    bounce_address: Annotated[str, AfterValidator(_returned_to)] | None = None
    smtp_connections: int = Field(default=4, ge=1, le=50)
    per_domain_second: float = Field(default=10.0, gt=0)
    admitted_hosts: str = ""
    apprise_schemes: str = "discord,tgram,workflows,mmosts,zulip,ntfys"
    max_wait_minutes: int = Field(default=120, ge=0, le=24 * 60)
    background_per_digest: int = Field(default=BACKGROUND, ge=1, le=200)
    inbox_days: int = Field(default=90, ge=14, le=3650)
    production: bool = False
    clock_file: Path | None = None
    log_json: bool = True
    port: int = 8080

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.delivery == "smtp" and not self.smtp_host:
            raise ValueError(
                "NOTIFIER_DELIVERY is 'smtp': set NOTIFIER_SMTP_HOST, or use 'capture'"
            )
        if bool(self.smtp_user) != bool(self.smtp_password):
            raise ValueError("set both NOTIFIER_SMTP_USER and NOTIFIER_SMTP_PASSWORD, or neither")
        if self.production and (told := unfit(self._for_readers())):
            raise ValueError(f"NOTIFIER_PRODUCTION is set, but {'; '.join(told)}")
        return self

    def _for_readers(self) -> ForReaders:
        sender = parseaddr(self.mail_from)[1].rpartition("@")[2]
        host = self.smtp_host if self.delivery == "smtp" else None
        return ForReaders(host, self.smtp_tls, self.public_url, (sender, self.list_id))

    def keys(self) -> tuple[SecretStr, ...]:
        """What tokens are signed and secrets sealed with, the present one first.

        Raises:
            ConfigurationError: none is given and none can be kept in the file.
        """
        return keys_from(self.secret_key, self.secret_file)

    def doors(self) -> Doors:
        """Who may come in to the pages."""
        return Doors(
            is_open=self.open_to == "everybody",
            admin_password=self.admin_password,
            hook_token=self.hook_token,
            proxies=_parts(self.trusted_proxies),
            admitted_hosts=_parts(self.admitted_hosts),
            apprise_schemes=_parts(self.apprise_schemes),
        )

    def inbox(self) -> timedelta:
        """For how long an event that comes again is known again."""
        return timedelta(days=self.inbox_days)

    def returns_to(self) -> str | None:
        """The plain address that undeliverable mails return to, with a mark of each in it."""
        return parseaddr(self.bounce_address)[1] if self.bounce_address else None

    def identity(self) -> Identity:
        """As whom we write."""
        return Identity(self.mail_from, self.list_id, self.public_host)

    def patience(self) -> Patience:
        """How long to wait for articles on their way."""
        return Patience(max_wait=timedelta(minutes=self.max_wait_minutes))

    def smtp_server(self) -> SmtpServer | None:
        """Where mail is handed over; `None` when it is captured."""
        if self.delivery == "capture" or not self.smtp_host:
            return None
        return SmtpServer(
            host=self.smtp_host,
            port=self.smtp_port,
            tls=self.smtp_tls,
            user=self.smtp_user or None,
            password=self.smtp_password or None,
            connections=self.smtp_connections,
            per_domain=self.per_domain_second,
        )
