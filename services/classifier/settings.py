"""The classifier's settings: environment variables with the prefix `CLASSIFIER_`, or files."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

TAXONOMY = Path(__file__).parent / "taxonomy" / "car_autoimmune.toml"
"""The taxonomy that comes with the service."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Whom to ask for second opinions. `seconds` bounds one opinion, all attempts together."""

    url: str = field(repr=False)
    model: str
    api_key: SecretStr | None = None
    seconds: float = 20.0


class Settings(BaseSettings):
    """Built once, in `app`. `taxonomy` is used for every topic: there is one.

    `opinion_url` and `opinion_model` together switch the second opinion on; `opinion_timeout` is in
    seconds. An event that comes again within `inbox_days` is known again.
    """

    model_config = SettingsConfigDict(env_prefix="CLASSIFIER_", frozen=True, extra="ignore")

    database_url: SecretStr
    amqp_url: SecretStr
    taxonomy: Path = TAXONOMY
    opinion_url: Annotated[str, Field(pattern=r"^(https?://[^\s]+)?$", repr=False)] = ""
    opinion_model: Annotated[str, Field(max_length=200)] = ""
    opinion_api_key: SecretStr | None = None
    opinion_timeout: Annotated[float, Field(gt=0, le=120)] = 20.0
    inbox_days: Annotated[int, Field(ge=14, le=3650)] = 90
    clock_file: Path | None = None
    log_json: bool = True
    port: int = 8080

    @model_validator(mode="after")
    def _both(self) -> "Settings":
        if bool(self.opinion_url) != bool(self.opinion_model):
            raise ValueError(
                "set both CLASSIFIER_OPINION_URL and CLASSIFIER_OPINION_MODEL, or none"
            )
        return self

    def inbox(self) -> timedelta:
        """For how long an event that comes again is known again."""
        return timedelta(days=self.inbox_days)

    def opinion(self) -> Endpoint | None:
        """Whom to ask about what is unclear; None to ask nobody, as it comes."""
        if not self.opinion_url:
            return None
        return Endpoint(
            self.opinion_url, self.opinion_model, self.opinion_api_key, self.opinion_timeout
        )
