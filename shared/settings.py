"""Settings come from the environment or from files, once, at the start of a process."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings

from shared.errors import ConfigurationError

S = TypeVar("S", bound=BaseSettings)

FOLDERS = (Path("/run/secrets"), Path("/run/carillon"))
"""Where files named like a variable, in lower case, may hold its value (Docker's secrets)."""


def load(
    kind: type[S], given: Mapping[str, Any] | None = None, folders: tuple[Path, ...] = FOLDERS
) -> S:
    """Read one service's settings: what is given, then the environment, then files.

    Raises:
        ConfigurationError: naming each variable that is missing or wrong, never its value.
    """
    present = tuple(folder for folder in folders if folder.is_dir())
    try:
        return kind(_secrets_dir=present or None, **(given or {}))
    except ValidationError as error:
        prefix = kind.model_config.get("env_prefix", "")
        faults = "; ".join(
            f"{prefix}{'.'.join(map(str, fault['loc']))}".upper() + f": {fault['msg']}"
            for fault in error.errors(include_input=False, include_url=False)
        )
        raise ConfigurationError(
            f"settings: {faults} (every variable is described in deploy/env.example)"
        ) from None
