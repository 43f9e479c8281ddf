"""The console's settings: environment variables with the prefix `CARILLON_`."""

from pathlib import Path

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Where the embedded mode keeps its files, and where a deployment's engines are.

    `database_url` and `amqp_url` are for `migrate`, `scenario`, and for `status` and `doctor` of a
    deployment; the embedded mode needs neither.
    """

    model_config = SettingsConfigDict(env_prefix="CARILLON_", frozen=True, extra="ignore")

    state: Path = Path("state")
    database_url: SecretStr | None = None
    amqp_url: SecretStr | None = None
    scenario_dir: Path = Path("/run/carillon")
    standin_url: str = "http://ncbi-sim:8080/entrez/eutils/"


class Desk(BaseSettings):
    """What the operator's own shell says."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    editor: str = Field("vi", validation_alias=AliasChoices("VISUAL", "EDITOR"))
