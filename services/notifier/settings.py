"""The notifier's settings: environment variables with the prefix `NOTIFIER_`, or secret files."""

from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.notifier.delivery import Identity, Patience
from services.notifier.plan import BACKGROUND
from services.notifier.senders.smtp import SmtpServer, Tls


def _writable_from(value: str) -> str:
    address = parseaddr(value)[1]
    if not value.isprintable() or not address.isascii() or not address.rpartition("@")[0]:
        raise ValueError("not an address to write from: use 'news@host' or 'Carillon <news@host>'")
    return value


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
    max_wait_minutes: int = Field(default=120, ge=0, le=24 * 60)
    background_per_digest: int = Field(default=BACKGROUND, ge=1, le=200)
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
        return self

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
        )
