"""Settings come from the environment or from files, once, at the start of a process."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource

from shared.errors import ConfigurationError

S = TypeVar("S", bound=BaseSettings)


class WrongSettings(ConfigurationError):
    """Settings that cannot be used. `faults`: each variable, and what is wrong; never its value."""

    def __init__(self, faults: Sequence[tuple[str, str]], hint: str = "") -> None:
        told = "; ".join(f"{variable}: {message}" for variable, message in faults)
        super().__init__(f"settings: {told}{hint}")
        self.faults = tuple(faults)


FOLDERS = (Path("/run/secrets"), Path("/run/carillon"))
"""Where files named like a variable, in lower case, may hold its value (Docker's secrets)."""


def load(
    kind: type[S], given: Mapping[str, Any] | None = None, folders: tuple[Path, ...] = FOLDERS
) -> S:
    """Read one service's settings: what is given, then the environment, then files.

    A secret may be in any file: `POLLER_AMQP_URL_FILE` names the one that holds `POLLER_AMQP_URL`.

    Raises:
        WrongSettings: naming each variable that is missing or wrong, never its value.
    """
    present = tuple(folder for folder in folders if folder.is_dir())
    known = {**dict(_from_named_files(kind, given or {})), **(given or {})}
    try:
        return kind(_secrets_dir=present or None, **known)
    except ValidationError as error:
        prefix = kind.model_config.get("env_prefix", "")
        faults = [
            (f"{prefix}{'.'.join(map(str, fault['loc']))}".upper(), fault["msg"])
            for fault in error.errors(include_input=False, include_url=False)
        ]
        raise WrongSettings(
            faults, " (every variable is described in deploy/env.example)"
        ) from None


def _from_named_files(
    kind: type[BaseSettings], given: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """Each secret whose file a variable ending in `_FILE` names; empty ones are none."""
    environment = EnvSettingsSource(kind).env_vars
    prefix = kind.model_config.get("env_prefix", "")
    for name, field in kind.model_fields.items():
        variable = f"{prefix}{name}".lower()
        path = environment.get(f"{variable}_file")
        if not path or name in given or not _is_secret(field.annotation):
            continue
        if environment.get(variable):
            # Which of the two is the old one, only a person can know.
            told = variable.upper()
            raise WrongSettings(
                [(told, f"{told} and {told}_FILE are both set: take one of them away")]
            )
        if secret := _read(f"{variable}_file".upper(), Path(path)):
            yield name, secret


def secrets(kind: type[BaseSettings]) -> tuple[str, ...]:
    """The variables of the settings whose value may be in a file."""
    prefix = kind.model_config.get("env_prefix", "")
    fields = kind.model_fields.items()
    return tuple(f"{prefix}{n}".upper() for n, field in fields if _is_secret(field.annotation))


def _is_secret(annotation: Any) -> bool:
    return annotation is SecretStr or SecretStr in get_args(annotation)


def _read(variable: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        told = f"the file {path} cannot be read ({type(error).__name__}): "
        told += "it must be there, and readable for the service's user"
        raise WrongSettings([(variable, told)]) from None
