"""Settings, and the services that are made of them: none shows a secret, right or wrong."""

import dataclasses
import gc
import re
import traceback
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, get_args

import pytest
from pydantic import SecretStr
from pydantic_settings import BaseSettings

from services.classifier.app import build as build_classifier
from services.classifier.settings import Settings as ClassifierSettings
from services.classifier.taxonomy import load_taxonomy
from services.console.archive.stream import Stream
from services.console.archive.stream_native import Address
from services.console.parked.broker import BrokerParking
from services.notifier.app import build as build_notifier
from services.notifier.settings import Settings as NotifierSettings
from services.poller.app import build as build_poller
from services.poller.settings import Settings as PollerSettings
from shared.broker import make_broker
from shared.clock import system_clock
from shared.database import make_engine
from shared.errors import ConfigurationError
from shared.process import Service
from shared.settings import load
from tests.canaries.planted import Canary, sung

ENGINES = {"database_url", "amqp_url"}
MODULES = {
    "poller": "services.poller.settings",
    "classifier": "services.classifier.settings",
    "notifier": "services.notifier.settings",
    "console": "services.console.settings",
    "collector": "shared.collector",
}
PACKAGES = tuple(MODULES)
URLS = {
    "database_url": "postgresql+asyncpg://carillon:{}@127.0.0.1:1/carillon",
    "amqp_url": "amqp://carillon:{}@127.0.0.1:1/",
    "ping_url": "http://127.0.0.1:1/{}",
    "opinion_url": "http://carillon:{}@127.0.0.1:1/v1",
}
"""Settings that hold their secret inside a URL; the others are secret as a whole."""

BESIDE: dict[str, dict[str, object]] = {
    "classifier": {"opinion_model": "some-model"},
    "notifier": {"smtp_user": "carillon", "smtp_host": "127.0.0.1", "delivery": "smtp"},
}
"""What these settings ask for beside the secrets."""

SECRET = re.compile(r"password|passwd|secret|token|api_key|_key$|credential|headers")


def _kind(package: str) -> type[BaseSettings]:
    found: type[BaseSettings] = import_module(MODULES[package]).Settings
    return found


def secret_fields(package: str) -> list[str]:
    fields = _kind(package).model_fields
    typed = [name for name, field in fields.items() if SecretStr in _types(field.annotation)]
    return [*typed, *(name for name in URLS if name in fields and name not in typed)]


def _types(annotation: Any) -> tuple[Any, ...]:
    return (annotation, *get_args(annotation))


def _canary(package: str, name: str) -> Canary:
    # A comma parts keys, and a space has no place in what goes into a header.
    return Canary(f"{package}.{name}", "/+@:#")


def _canaries(package: str) -> list[Canary]:
    return [_canary(package, name) for name in secret_fields(package)]


def _values(package: str) -> dict[str, object]:
    planted = {
        name: URLS[name].format(_canary(package, name).in_url)
        if name in URLS
        else _canary(package, name).secret
        for name in secret_fields(package)
    }
    return {**BESIDE.get(package, {}), **planted}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_setting_that_sounds_secret_is_one(package: str) -> None:
    named = {name for name in _kind(package).model_fields if SECRET.search(name)}
    assert named - {"secret_file"} <= set(secret_fields(package))
    found = set(secret_fields(package))
    assert found >= ({"exporter_otlp_headers"} if package == "collector" else ENGINES)


@pytest.mark.parametrize("package", PACKAGES)
def test_settings_show_no_secret(package: str) -> None:
    settings = load(_kind(package), _values(package), folders=())

    held = " ".join(map(_opened, settings.model_dump().values()))
    assert sung(held, _canaries(package)) == {one.name for one in _canaries(package)}
    assert sung(f"{settings!r} {settings}", _canaries(package)) == set()


def _opened(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize("wrong", ["port", "clock_file", "state", "delivery", "opinion_timeout"])
def test_settings_that_are_wrong_show_no_secret(
    package: str, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = _kind(package).model_config.get("env_prefix", "")
    for name, value in _values(package).items():
        monkeypatch.setenv(f"{prefix}{name}".upper(), str(value))
    monkeypatch.setenv(f"{prefix}{wrong}".upper(), "no such thing")
    if package == "notifier":
        monkeypatch.setenv("NOTIFIER_PRODUCTION", "true")
    assert sung(_refusal(package), _canaries(package)) == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_a_secret_in_the_wrong_place_is_not_shown_either(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operator who mixes up two lines of a file: each setting gets a secret, one by one."""
    mixed_up = Canary("mixed up")
    prefix = _kind(package).model_config.get("env_prefix", "")
    refused = 0
    for name in _kind(package).model_fields:
        with monkeypatch.context() as patch:
            for other, value in _values(package).items():
                patch.setenv(f"{prefix}{other}".upper(), str(value))
            patch.setenv(f"{prefix}{name}".upper(), mixed_up.secret)
            told = _refusal(package)
        refused += bool(told)
        assert sung(told, [mixed_up, *_canaries(package)]) == set(), name
    assert refused >= 2


def _refusal(package: str) -> str:
    """What an operator would read of these settings; nothing when they can be used."""
    try:
        load(_kind(package), folders=())
    except ConfigurationError as error:
        return _told(error)
    return ""


CUT = (
    "amqp://u:{0}/{1}@127.0.0.1:1/", "amqp://u:{0}#{1}@127.0.0.1:1/", "amqp://u:{0}?{1}@[::1]:1/",
    "amqp://u:{0}@{1}@127.0.0.1:1/", "amqp://u:[{0}{1}@127.0.0.1:1/", "amqp://u:{0}%zz{1}@host/",
    "amqp://u:7/{0}{1}@127.0.0.1:1/", "amqp://u:{0}{1}@127.0.0.1:port/", "amqp:{0}{1}", "{0}{1}",
    "{0}:{1}", "{0}://u:{1}@host/", "amqp://u:{0} {1}@host/", "amqp://u:{0}\\{1}@host/",
)  # fmt: skip
"""Passwords as they come from a generator, put into a URL as they are; and no URL at all."""


@pytest.mark.parametrize("make", [make_broker, make_engine])
@pytest.mark.parametrize("url", CUT)
def test_a_url_that_a_password_cuts_in_two_is_refused_and_not_shown(url: str, make: Any) -> None:
    bird = Canary("cut in two")
    wrong = url.format(*bird.halves)
    if make is make_engine:
        wrong = wrong.replace("amqp:", "postgresql+asyncpg:")

    with pytest.raises(ConfigurationError, match="%XX") as caught:
        make(wrong)

    assert sung(_told(caught.value), [bird]) == set()


@pytest.mark.parametrize("password", ["plain", "a%2Fb%23c", "a!$&'()*+,;=b", "-._~"])
def test_a_password_written_as_it_should_be_is_taken(password: str) -> None:
    make_broker(f"amqp://carillon:{password}@127.0.0.1:1/")
    make_broker(f"amqps://carillon:{password}@[::1]:1/vhost?heartbeat=4")
    make_engine(f"postgresql+asyncpg://carillon:{password}@127.0.0.1:1/carillon?ssl=require")
    make_engine(f"postgresql+asyncpg://carillon:{password}@/carillon?host=a:1&host=b:1")


MADE_OF = {
    "poller": {"Service", "Eutils", "Access", "DeadMan"},
    "classifier": {"Service", "Endpoint"},
    "notifier": {"Service", "House", "Office", "Means", "Vault", "Tokens", "SmtpServer", "Doors"},
}
"""Of the parts that have secrets: the walk below must come to them."""


def _services(folder: Path) -> Iterator[tuple[str, Service]]:
    poller = load(PollerSettings, _values("poller"), folders=())
    classifier = load(ClassifierSettings, _values("classifier"), folders=())
    given = _values("notifier") | {"capture_dir": folder / "mail", "secret_file": folder / "key"}
    notifier = load(NotifierSettings, given, folders=())
    yield "poller", build_poller(poller, ())
    yield "classifier", build_classifier(classifier, load_taxonomy(classifier.taxonomy))
    yield "notifier", build_notifier(notifier, None)


async def test_no_part_of_a_service_shows_a_secret(tmp_path: Path) -> None:
    """Everything of ours that can be reached from the running whole, as a debugger shows it."""
    for package, service in _services(tmp_path):
        canaries = _canaries(package)
        parts = list(_parts(service))
        assert {type(part).__name__ for part in parts} >= MADE_OF[package], package
        for part in parts:
            assert sung(f"{part!r} {part}", canaries) == set(), type(part)
        for close in (*service.closing, service.engine.dispose):
            await close()


def _parts(whole: object) -> Iterator[object]:
    """Objects of our own classes that can be reached from here, through those of libraries too."""
    seen: dict[int, object] = {}
    waiting = [whole]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, str | bytes | int | float | type | ModuleType):
            continue
        seen[id(one)] = one
        if type(one).__module__.startswith(("services.", "shared.")):
            yield one
        waiting += _reached(one)


def _reached(one: object) -> Iterable[object]:
    """What it holds; of a function what it closes over, not the module around it."""
    if isinstance(one, FunctionType):
        return [cell.cell_contents for cell in one.__closure__ or ()]
    return gc.get_referents(one)


def test_what_commands_hold_shows_no_secret() -> None:
    bird = Canary("held")
    url = URLS["amqp_url"].format(bird.in_url)
    address = Address.of(url, 5552)
    assert address is not None
    assert sung(address.password, [bird]) == {"held"}
    for one in (
        Stream(url, 5552),
        address,
        BrokerParking(url, system_clock),
        make_engine(URLS["database_url"].format(bird.in_url)),
    ):
        assert sung(f"{one!r} {one}", [bird]) == set(), type(one)


HELD = re.compile(
    r"^(address|secret|token|password|api_key|amqp_url|database_url|owner|bounce_to|leave|manage)$"
)


def test_no_record_shows_an_address_or_a_secret_by_its_name() -> None:
    """Whatever class has such a field hides it: what is logged whole some day shows nothing."""
    shown = []
    for path in (*Path("services").rglob("*.py"), *Path("shared").rglob("*.py")):
        if path.parts[1] == "ncbi_sim" or {"migrations", "__main__.py"} & set(path.parts):
            continue
        module = import_module(".".join(path.with_suffix("").parts).removesuffix(".__init__"))
        for name, kind in vars(module).items():
            if isinstance(kind, type) and kind.__module__ == module.__name__:
                shown += [f"{path}: {name}.{field}" for field in _shown(kind)]
    assert shown == []


def _shown(kind: type) -> Iterator[str]:
    if dataclasses.is_dataclass(kind):
        for field in dataclasses.fields(kind):
            if HELD.match(field.name) and field.repr and str(field.type)[:3] == "str":
                yield field.name
    for name, field in getattr(kind, "model_fields", {}).items():
        if HELD.match(name) and field.repr and SecretStr not in _types(field.annotation):
            yield name


def _told(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)) + repr(error) + str(error.args)
