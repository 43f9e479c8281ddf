"""What can be set from outside, by environment variables with the prefix NCBI_SIM_."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.ncbi_sim.paging import CAP

PACKAGED_CATALOGUE = Path(__file__).parent / "catalogue" / "car_autoimmune.toml"


class Settings(BaseSettings):
    """Where the catalogue is, where to listen, and what time it is there.

    `cap` is how many records of a search can be retrieved. While `clock_file` exists, the ISO 8601
    instant in it is the simulated now; else it is the system time.
    """

    model_config = SettingsConfigDict(env_prefix="NCBI_SIM_", frozen=True)

    catalogue_path: Path = PACKAGED_CATALOGUE
    host: str = "127.0.0.1"
    port: int = Field(default=8090, ge=0, le=65535)
    clock_file: Path | None = None
    rate_limit: bool = True
    cap: int = Field(default=CAP, ge=1)
