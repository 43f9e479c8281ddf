"""Variables that nobody reads, values that cannot be used, and secrets in files."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from services.console.doctor.codes import Code
from services.console.doctor.finding import Finding, Told, Unchecked

PREFIXES = ("POLLER_", "CLASSIFIER_", "NOTIFIER_", "CARILLON_", "NCBI_SIM_")

OF_COMPOSE = frozenset(
    {
        "POSTGRES_PASSWORD", "RABBITMQ_PASSWORD", "RABBITMQ_ERLANG_COOKIE", "MAILDEV_WEB_PORT",
        "CARILLON_WEB_PORT", "RABBITMQ_WEB_PORT", "PROMETHEUS_WEB_PORT", "CARILLON_TLS",
        "CARILLON_HTTP_PORT", "CARILLON_HTTPS_PORT", "CARILLON_WEB_SUBNET", "CARILLON_SECRETS",
        "CARILLON_VERSION", "CARILLON_REVISION", "CARILLON_CREATED", "CARILLON_SOURCE",
        "CARILLON_SUBSCRIPTIONS", "CARILLON_WEB_PORTS", "POSTGRES_STANDBY_PASSWORD",
    }
)  # fmt: skip
"""What only the Compose files read, of deploy/env.example."""

_LINKS = re.compile(r".*(_SERVICE_(HOST|PORT)(_\w+)?|_PORT(_\d+_(TCP|UDP)(_\w+)?)?)")
"""What Kubernetes puts into every container for each service that it knows."""

NEAR = 0.85
"""How alike two names are when the one is taken for the other, mistyped (difflib's ratio)."""


@dataclass(frozen=True, slots=True)
class SecretFile:
    """The file that holds a variable's value. `is_open`: others on the machine can read it."""

    variable: str
    path: str
    state: Literal["well", "absent", "unreadable", "empty"]
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """What is set, and what became of it.

    `names` have a value; `known` are those that somebody reads. `faults` are variables with what
    is wrong; `needed` the secrets that must not be empty. `untold` are the services of which
    nothing is set here.
    """

    names: frozenset[str]
    known: frozenset[str]
    faults: tuple[tuple[str, str], ...] = ()
    files: tuple[SecretFile, ...] = ()
    needed: frozenset[str] = frozenset()
    untold: tuple[str, ...] = ()


def judge(facts: Settings) -> Told:
    """One finding for each cause: what a file or a doubled value explains is not told again."""
    found = [*_files(facts), *_twice(facts)]
    named = {one.about for one in found}
    for variable, message in facts.faults:
        if not any(name in f"{variable}: {message}" for name in named):
            # A fault of the whole, such as two that do not agree, names them in its message.
            about = "it" if variable.endswith("_") else variable
            found.append(Finding(Code.SETTING_WRONG, about, f"{variable}: {message}"))
    found += _unknown(facts)
    untold = [
        Unchecked(f"settings of the {service}", "none of them is set here (docs/doctor.md#where)")
        for service in facts.untold
    ]
    return [*found, *untold]


def _files(facts: Settings) -> Iterator[Finding]:
    for file in facts.files:
        if file.state in {"absent", "unreadable"}:
            told = "is not there" if file.state == "absent" else "cannot be read"
            yield Finding(Code.SECRET_UNREADABLE, file.variable, f"the file {file.path} {told}")
        elif file.state == "empty" and file.variable in facts.needed:
            yield Finding(Code.SECRET_EMPTY, file.variable, f"the file {file.path} is empty")
        if file.is_open:
            told = f"everybody on this machine can read {file.path}"
            yield Finding(Code.SECRET_OPEN, file.variable, told)


def _twice(facts: Settings) -> Iterator[Finding]:
    for file in facts.files:
        if {file.variable, f"{file.variable}_FILE"} <= facts.names:
            yield Finding(Code.SETTING_TWICE, file.variable, "set as a value, and as a file")


def _unknown(facts: Settings) -> Iterator[Finding]:
    for name in sorted(facts.names - facts.known - OF_COMPOSE):
        is_ours = name.startswith(PREFIXES) and not _LINKS.fullmatch(name)
        near = get_close_matches(name, facts.known, 1, NEAR)
        if is_ours or near:
            meant = f": {near[0]}?" if near else ""
            yield Finding(Code.SETTING_UNKNOWN, name, f"nobody reads {name}{meant}")
