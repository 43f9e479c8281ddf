"""The console's settings: environment variables with the prefix `CARILLON_`."""

from pathlib import Path

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

NATIVE_PORT = 5552
"""Of RabbitMQ's stream protocol, by default."""


class Settings(BaseSettings):
    """Where the embedded mode keeps its files, and where a deployment's engines are.

    `database_url` and `amqp_url` are for `migrate`, `scenario`, and for `status` and `doctor` of a
    deployment; the embedded mode needs neither. `stream_port` is where RabbitMQ's stream protocol
    is, on the host of `amqp_url`; 0 reads the archive by AMQP. The archive keeps `archive_days`
    days (a year at most: so the stream was declared, and that cannot be changed), and of these at
    most `archive_mb` MB (10^6 bytes), where that is set; `management_url` is RabbitMQ's management
    API, by which `migrate` tells it so. `accounts_dir` holds the services' own URLs
    (`poller_amqp_url`, `poller_database_url` ...): `migrate` makes the accounts that these name.
    """

    model_config = SettingsConfigDict(env_prefix="CARILLON_", frozen=True, extra="ignore")

    state: Path = Path("state")
    database_url: SecretStr | None = None
    amqp_url: SecretStr | None = None
    stream_port: int = Field(default=NATIVE_PORT, ge=0, le=65535)
    management_url: str | None = None
    accounts_dir: Path | None = None
    archive_days: int = Field(default=365, ge=1, le=365)
    archive_mb: int | None = Field(default=None, ge=1)
    scenario_dir: Path = Path("/run/carillon")
    standin_url: str = "http://ncbi-sim:8080/entrez/eutils/"


class Desk(BaseSettings):
    """What the operator's own shell says."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    editor: str = Field("vi", validation_alias=AliasChoices("VISUAL", "EDITOR"))
