"""What pods are told: every setting is one, every file is there, nobody has another's secret."""

import re
from datetime import UTC, datetime
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr
from pydantic_settings import BaseSettings

from services.console.accounts.account import accounts
from services.notifier import entries
from shared.settings import load
from tests.kubernetes.rendered import OURS, ROOT, SERVICES, Pod, Rendered

pytestmark = pytest.mark.kubernetes

CONSOLE = "services.console.settings"
READ = {
    **{name: (f"services.{one}.settings", "shared.collector") for name, one in SERVICES.items()},
    "migrate": (CONSOLE,),
    "console": (CONSOLE,),
    "doctor": (CONSOLE, *(f"services.{one}.settings" for one in SERVICES.values())),
}
"""Whose settings a pod reads."""
FOLDER = "/etc/carillon/secrets"


def _settings(module: str) -> type[BaseSettings]:
    found: type[BaseSettings] = import_module(module).Settings
    return found


def _is_secret(annotation: Any) -> bool:
    return "SecretStr" in str(annotation)


def _environment(rendered: Rendered, pod: Pod) -> dict[str, str]:
    """The variables of a pod, those of its ConfigMap among them."""
    maps = {one["metadata"]["name"]: one["data"] for one in rendered.of("ConfigMap").values()}
    found: dict[str, str] = {}
    for one in pod.container["envFrom"]:
        found |= maps[one["configMapRef"]["name"]]
    own = {one["name"]: one["value"] for one in pod.container["env"]}
    assert not own.keys() & found.keys(), "said twice"
    return found | own


def _files(rendered: Rendered, pod: Pod) -> dict[str, str]:
    """Every file that is mounted, with its content."""
    secrets = {one["metadata"]["name"]: name for name, one in rendered.of("Secret").items()}
    volumes = {one["name"]: one for one in pod.spec["volumes"]}
    found: dict[str, str] = {}
    for mount in pod.container["volumeMounts"]:
        volume = volumes[mount["name"]]
        if "secret" in volume:
            sources = [{"name": volume["secret"]["secretName"]}]
            assert volume["secret"]["defaultMode"] == 0o440
        else:
            sources = [one["secret"] for one in volume.get("projected", {}).get("sources", ())]
        for source in sources:
            held = rendered.secret(secrets[source["name"]])
            for item in source.get("items", [{"key": key, "path": key} for key in held]):
                found[f"{mount['mountPath']}/{item['path']}"] = held[item["key"]]
    return found


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting_of_who_reads_it(rendered: Rendered, name: str) -> None:
    known, files = set[str](), set[str]()
    for settings in map(_settings, READ[name]):
        prefix = settings.model_config.get("env_prefix", "")
        for field, one in settings.model_fields.items():
            known.add(f"{prefix}{field}".upper())
            if _is_secret(one.annotation):
                files.add(f"{prefix}{field}_file".upper())

    said = _environment(rendered, rendered.pods()[name]).keys()

    assert said <= known | files
    assert not {one for one in said if f"{one}_FILE" in files}, "a secret stands in the open"


def test_the_doctor_is_told_all_that_the_services_are(rendered: Rendered) -> None:
    pods = rendered.pods()
    doctor = _environment(rendered, pods["doctor"])
    for name in (*SERVICES, "migrate", "console"):
        own = _environment(rendered, pods[name])
        own.pop("CARILLON_STATE", None)  # a folder of the console's
        assert own.items() <= doctor.items(), name
        assert _files(rendered, pods[name]).items() <= _files(rendered, pods["doctor"]).items()
    assert rendered.of("CronJob")["doctor"]["spec"]["suspend"] is True


@pytest.mark.parametrize("name", OURS)
def test_every_file_that_a_variable_names_is_mounted_and_no_other(
    rendered: Rendered, name: str
) -> None:
    pod = rendered.pods()[name]
    environment, files = _environment(rendered, pod), _files(rendered, pod)
    named = {value for key, value in environment.items() if key.endswith("_FILE")}

    assert named <= files.keys()
    rest = files.keys() - named
    if name == "migrate":
        assert environment["CARILLON_ACCOUNTS_DIR"] == FOLDER
        kinds = ("database", "amqp")
        assert rest == {f"{FOLDER}/{one}_{kind}_url" for one in SERVICES for kind in kinds}
    else:
        assert not rest


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_starts_with_them(
    rendered: Rendered, name: str, tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    pod, folder = rendered.pods()[name], tmp_path_factory.mktemp(name)
    for path, content in _files(rendered, pod).items():
        # A password of theirs that an operator has typed in: empty, it goes with no user.
        (folder / path.replace("/", "_")).write_text(content.strip() or "typed", encoding="utf-8")
    for key, value in _environment(rendered, pod).items():
        here = folder / value.replace("/", "_")
        monkeypatch.setenv(key, str(here) if here.exists() else value)

    settings = load(_settings(READ[name][0]), folders=())

    for kind in ("database_url", "amqp_url"):
        url = getattr(settings, kind)
        assert isinstance(url, SecretStr)
        assert urlsplit(url.get_secret_value()).username == f"carillon_{name}"


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_its_own_secrets_alone(rendered: Rendered, name: str) -> None:
    files = {path.rsplit("/", 1)[1] for path in _files(rendered, rendered.pods()[name])}
    assert all(one.startswith(f"{name}_") for one in files - {"subscriptions.toml"})


def test_accounts_can_be_made_of_what_migrate_is_given(
    rendered: Rendered, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("migrate")
    for path, content in _files(rendered, rendered.pods()["migrate"]).items():
        (folder / path.rsplit("/", 1)[1]).write_text(content, encoding="utf-8")
    owner = (folder / "carillon_database_url").read_text(encoding="utf-8")

    assert {one.service for one in accounts(folder, "database", owner)} == set(SERVICES)
    assert {one.service for one in accounts(folder, "amqp", owner)} == set(SERVICES)


def test_the_readers_file_can_be_read(rendered: Rendered) -> None:
    text = rendered.secret("readers")["subscriptions.toml"]
    path = "/etc/carillon/readers/subscriptions.toml"
    pod = rendered.pods()["notifier"]

    assert _environment(rendered, pod)["NOTIFIER_SUBSCRIPTIONS_FILE"] == path
    assert _files(rendered, pod)[path] == text
    assert entries.parse(text, "subscriptions.toml", datetime(2026, 9, 7, tzinfo=UTC)) == ()


def test_what_changes_makes_pods_anew(rendered: Rendered) -> None:
    for name in OURS:
        pod = rendered.pods()[name]
        referred = [one["configMapRef"]["name"] for one in pod.container["envFrom"]]
        for volume in pod.spec["volumes"]:
            if "secret" in volume:
                referred.append(volume["secret"]["secretName"])
            referred += [
                s["secret"]["name"] for s in volume.get("projected", {}).get("sources", ())
            ]
        for one in referred:
            assert re.search(r"-[a-z0-9]{10}$", one), one


def test_secrets_are_not_in_the_repository() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert "/deploy/kubernetes/site/secrets/" in ignored
