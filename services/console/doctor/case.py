"""What the doctor is told: every service's settings, or why they cannot be used."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic_settings import BaseSettings, EnvSettingsSource

from services.classifier.settings import Settings as ClassifierSettings
from services.console.settings import Settings
from services.notifier.settings import Settings as NotifierSettings
from services.poller.settings import Settings as PollerSettings
from shared.settings import FOLDERS, WrongSettings, load

S = TypeVar("S", bound=BaseSettings)

SERVICES = ("poller", "classifier", "notifier")
_PROBES = {service: f"http://{service}:8080" for service in SERVICES}
"""As Compose names them, and where its health checks ask."""

_UNUSED = {"database_url": "embedded", "amqp_url": "embedded"}


@dataclass(frozen=True)
class Loaded(Generic[S]):
    """One service's settings; None with the faults that keep them from being used.

    `is_told`: whether anything of this service is set here at all. In a container of another
    service nothing may be, and its defaults say nothing then.
    """

    settings: S | None
    faults: tuple[tuple[str, str], ...] = ()
    is_told: bool = True


@dataclass(frozen=True)
class Case:
    """One installation. `variables` are the environment's; `probes` where each service answers."""

    variables: Mapping[str, str]
    console: Loaded[Settings]
    poller: Loaded[PollerSettings]
    classifier: Loaded[ClassifierSettings]
    notifier: Loaded[NotifierSettings]
    state: Path = Path("state")
    is_deployed: bool = True
    probes: Mapping[str, str] = field(default_factory=lambda: _PROBES)
    folders: tuple[Path, ...] = FOLDERS

    @property
    def is_production(self) -> bool:
        """Whether the notifier is told to refuse what is not for real readers."""
        return self.variables.get("NOTIFIER_PRODUCTION", "").lower() in {"1", "true", "yes", "on"}

    def urls(self, engine: str) -> dict[str, str]:
        """The URL of an engine, `database` or `amqp`, by whoever has one: console and services."""
        found = {}
        for who in ("console", *SERVICES):
            loaded: Loaded[Any] = getattr(self, who)
            secret = getattr(loaded.settings, f"{engine}_url", None)
            if secret is not None and self.is_deployed:
                found[who] = secret.get_secret_value()
        return found

    def grouped(self, engine: str) -> dict[str, tuple[str, ...]]:
        """Who uses each URL: in a bare installation all use the same."""
        groups: dict[str, list[str]] = {}
        for who, url in self.urls(engine).items():
            groups.setdefault(url, []).append(who)
        return {url: tuple(whos) for url, whos in groups.items()}


def read_case(
    state: Path | None = None,
    folders: tuple[Path, ...] = FOLDERS,
    probes: Mapping[str, str] = _PROBES,
) -> Case:
    """Read every setting there is, of the deployment or else of the embedded mode.

    It is a deployment when anybody is told of a database.
    """
    variables = {
        name.upper(): value
        for name, value in EnvSettingsSource(Settings).env_vars.items()
        if value is not None
    }
    console = _loaded(Settings, variables, folders, {})
    is_deployed = _names_a_database(variables, folders)
    given = {} if is_deployed else dict(_UNUSED)
    return Case(
        variables=variables,
        console=console,
        poller=_loaded(PollerSettings, variables, folders, given),
        classifier=_loaded(ClassifierSettings, variables, folders, given),
        # What production refuses is told one by one, and keeps nothing else from being checked.
        notifier=_loaded(NotifierSettings, variables, folders, {**given, "production": False}),
        state=state or (console.settings.state if console.settings else Path("state")),
        is_deployed=is_deployed,
        probes=probes,
        folders=folders,
    )


def _names_a_database(variables: Mapping[str, str], folders: tuple[Path, ...]) -> bool:
    names = [f"{who}_DATABASE_URL" for who in ("CARILLON", *map(str.upper, SERVICES))]
    set_here = any(variables.get(name) or variables.get(f"{name}_FILE") for name in names)
    return set_here or any((folder / n.lower()).is_file() for folder in folders for n in names)


def _loaded(
    kind: type[S],
    variables: Mapping[str, str],
    folders: tuple[Path, ...],
    given: Mapping[str, Any],
) -> Loaded[S]:
    prefix = kind.model_config.get("env_prefix", "")
    is_told = "database_url" in given or any(name.startswith(prefix) for name in variables)
    try:
        return Loaded(load(kind, given, folders), is_told=is_told)
    except WrongSettings as error:
        return Loaded(None, error.faults, is_told)
