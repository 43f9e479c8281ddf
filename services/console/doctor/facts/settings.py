"""What is set, and in which state the files are that hold secrets."""

from collections.abc import Iterator
from pathlib import Path

from pydantic_settings import BaseSettings

from services.classifier.settings import Settings as ClassifierSettings
from services.console.doctor.case import SERVICES, Case
from services.console.doctor.rules.settings import SecretFile, Settings
from services.console.settings import Settings as ConsoleSettings
from services.ncbi_sim.settings import Settings as StandinSettings
from services.notifier.settings import Settings as NotifierSettings
from services.poller.settings import Settings as PollerSettings
from shared.collector import Settings as CollectorSettings
from shared.settings import secrets

_KINDS: dict[str, type[BaseSettings]] = {
    "console": ConsoleSettings,
    "poller": PollerSettings,
    "classifier": ClassifierSettings,
    "notifier": NotifierSettings,
    "ncbi-sim": StandinSettings,
    "collector": CollectorSettings,
}


async def gather(case: Case) -> Settings:
    """Look at variables and files."""
    told = {who: getattr(case, who) for who in ("console", *SERVICES)}
    return Settings(
        names=frozenset(name for name, value in case.variables.items() if value),
        known=known(),
        faults=tuple(fault for one in told.values() if one.is_told for fault in one.faults),
        files=tuple(_files(case)),
        needed=_needed(case),
        untold=tuple(who for who in SERVICES if not told[who].is_told),
    )


def known() -> frozenset[str]:
    """Every variable that somebody reads."""
    names = set()
    for kind in _KINDS.values():
        prefix = kind.model_config.get("env_prefix", "")
        names |= {f"{prefix}{name}".upper() for name in kind.model_fields}
        names |= {f"{variable}_FILE" for variable in secrets(kind)}
    return frozenset(names)


def _needed(case: Case) -> frozenset[str]:
    names = {name for name, value in case.variables.items() if name.endswith("_FILE") and value}
    needed = {name.removesuffix("_FILE") for name in names if name.endswith("_URL_FILE")}
    if case.variables.get("NOTIFIER_SMTP_USER"):
        needed.add("NOTIFIER_SMTP_PASSWORD")
    if case.is_production:
        needed.add("NOTIFIER_ADMIN_PASSWORD")
    return frozenset(needed)


def _files(case: Case) -> Iterator[SecretFile]:
    for kind in _KINDS.values():
        for variable in secrets(kind):
            if named := case.variables.get(f"{variable}_FILE"):
                yield _file(variable, Path(named), case)
    key = case.notifier.settings.secret_file if case.notifier.settings else None
    if key is not None and key.is_file():
        yield _file("NOTIFIER_SECRET_FILE", key, case)


def _file(variable: str, path: Path, case: Case) -> SecretFile:
    if not path.exists():
        return SecretFile(variable, str(path), "absent")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return SecretFile(variable, str(path), "unreadable")
    # What Docker mounts there has been let in by its folder outside, which is not to be seen here.
    inside = any(path.is_relative_to(folder) for folder in case.folders)
    if not text.strip():
        return SecretFile(variable, str(path), "empty")
    return SecretFile(variable, str(path), "well", not inside and _is_open(path))


def _is_open(path: Path) -> bool:
    """Whether others may read it: the file itself, and the way to it."""
    whole = path.resolve()
    if not whole.stat().st_mode & 0o004:
        return False
    return all(folder.stat().st_mode & 0o001 for folder in whole.parents)
