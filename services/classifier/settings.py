"""The classifier's settings: environment variables with the prefix `CLASSIFIER_`, or files."""

from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

TAXONOMY = Path(__file__).parent / "taxonomy" / "car_autoimmune.toml"
"""The taxonomy that comes with the service."""


class Settings(BaseSettings):
    """Built once, in `app`. `taxonomy` is used for every topic: there is one."""

    model_config = SettingsConfigDict(env_prefix="CLASSIFIER_", frozen=True, extra="ignore")

    database_url: SecretStr
    amqp_url: SecretStr
    taxonomy: Path = TAXONOMY
    clock_file: Path | None = None
    log_json: bool = True
    port: int = 8080
