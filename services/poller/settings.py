"""The poller's settings: environment variables with the prefix `POLLER_`, or secret files."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.poller.eutils import BASE_URL, Access


class Settings(BaseSettings):
    """Built once, in `app`. `ncbi_email` goes to NCBI with every request, as NCBI asks.

    `ping_url` is asked after each complete poll, `ping_url/fail` when an alarm rings.
    """

    model_config = SettingsConfigDict(env_prefix="POLLER_", frozen=True, extra="ignore")

    database_url: SecretStr
    amqp_url: SecretStr
    topics_dir: Path = Path("topics")
    eutils_url: Annotated[str, Field(pattern=r"^https?://[^\s]+$")] = BASE_URL
    ncbi_tool: Annotated[str, Field(pattern=r"^\S+$")] = "carillon"
    ncbi_email: str | None = None
    ncbi_api_key: SecretStr | None = None
    poll_every_minutes: Annotated[int, Field(ge=1)] | None = None
    ping_url: SecretStr | None = None
    max_reread: Annotated[int, Field(ge=0, le=100_000)] = 1000
    clock_file: Path | None = None
    log_json: bool = True
    port: int = 8080

    def access(self) -> Access:
        """Where E-utilities are, and as whom to ask."""
        key = self.ncbi_api_key.get_secret_value() if self.ncbi_api_key else None
        url = self.eutils_url.rstrip("/") + "/"
        return Access(url, self.ncbi_tool, self.ncbi_email or None, key or None)

    def ping(self) -> str | None:
        """The URL of the dead-man's switch; None without one."""
        return self.ping_url.get_secret_value() or None if self.ping_url else None

    def poll_every(self) -> timedelta | None:
        """The interval that overrules the topics' own; None without one."""
        return timedelta(minutes=self.poll_every_minutes) if self.poll_every_minutes else None
