"""What Compose makes of its files in each combination, and what production must never be."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.unit.test_deploy_files import AT_BOTH

ROOT = Path(__file__).parents[2]
BARE, CLUSTER, PROD, BOTH = (
    "docker-compose.yml",
    "deploy/compose.cluster.yml",
    "deploy/compose.prod.yml",
    "deploy/compose.prod-cluster.yml",
)
COMBINATIONS = {
    "bare": (BARE,),
    "cluster": (BARE, CLUSTER),
    "production": (BARE, PROD),
    "production on three nodes": (BARE, CLUSTER, PROD, BOTH),
}
PROFILES = ((), ("demo",), ("observability",), ("demo", "observability", "doctor"))
PRODUCTION = ("production", "production on three nodes")
NEEDED = {
    "NOTIFIER_PUBLIC_URL": "https://carillon.example.org",
    "CARILLON_TLS": "internal",
    "POLLER_NCBI_EMAIL": "operator@example.org",
    "NOTIFIER_SMTP_HOST": "mail.example.org",
    "NOTIFIER_MAIL_FROM": "Carillon <news@example.org>",
    "NOTIFIER_LIST_ID": "carillon.example.org",
    "RABBITMQ_ERLANG_COOKIE": "nobody-guesses-it",
}
LINE = ("poller", "classifier", "notifier")
Config = dict[str, Any]


def _asked(
    combination: str, folder: Path, *options: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    env_file = folder / "env"
    lines = (f"{name}={value}\n" for name, value in variables.items())
    env_file.write_text("".join(lines), encoding="utf-8")
    files = [part for name in COMBINATIONS[combination] for part in ("-f", name)]
    command = ["docker", "compose", "--env-file", str(env_file), *files, *options]
    return subprocess.run(
        [*command, "config", "--format", "json"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder)},
    )  # fmt: skip


def _config(combination: str, folder: Path, *options: str) -> Config:
    answer = _asked(combination, folder, *options, CARILLON_SECRETS=str(folder / "s"), **NEEDED)
    assert answer.returncode == 0, answer.stderr
    found: Config = json.loads(answer.stdout)
    return found


def test_no_file_and_no_profile_is_left_out_of_these_combinations() -> None:
    files = {str(path.relative_to(ROOT)) for path in (ROOT / "deploy").glob("compose*.yml")}
    assert {BARE, *files} == {name for names in COMBINATIONS.values() for name in names}
    profiles: set[str] = set()
    for name in (BARE, *files):
        text = (ROOT / name).read_text(encoding="utf-8")
        profiles |= set(re.findall(r"^ +profiles: \[([a-z-]+)\]$", text, re.MULTILINE))
    assert profiles == {name for names in PROFILES for name in names}


@pytest.mark.connected
@pytest.mark.parametrize("profiles", PROFILES)
@pytest.mark.parametrize("combination", COMBINATIONS)
def test_compose_understands_every_combination(
    combination: str, profiles: tuple[str, ...], tmp_path: Path
) -> None:
    demo = "demo" in profiles
    named = [word for profile in profiles for word in ("--profile", profile)]
    services = _config(combination, tmp_path, *named)["services"]

    assert services.keys() >= {*LINE, "migrate", "rabbitmq", "postgres"}
    assert ("demo" in services) == (demo and combination not in PRODUCTION)
    assert ("prometheus" in services) == ("observability" in profiles)
    assert ("maildev" in services) == (combination not in PRODUCTION)
    assert ("rabbitmq-3" in services) == (CLUSTER in COMBINATIONS[combination])


@pytest.mark.connected
@pytest.mark.parametrize("combination", ["bare", "cluster"])
def test_without_production_nothing_has_to_be_set(combination: str, tmp_path: Path) -> None:
    assert _asked(combination, tmp_path).returncode == 0


@pytest.mark.connected
@pytest.mark.parametrize("name", NEEDED)
def test_production_asks_for_what_it_needs(name: str, tmp_path: Path) -> None:
    rest = {other: value for other, value in NEEDED.items() if other != name}

    answer = _asked("production on three nodes", tmp_path, **rest)

    assert answer.returncode != 0
    assert f"required variable {name} is missing" in answer.stderr


@pytest.mark.connected
@pytest.mark.parametrize("combination", PRODUCTION)
def test_in_production_no_process_may_do_more_than_it_needs(
    combination: str, tmp_path: Path
) -> None:
    profiles = ("--profile", "observability", "--profile", "doctor")
    whole = _config(combination, tmp_path, *profiles)["services"]
    assert whole.keys() >= {"prometheus", "doctor"}
    for name, part in whole.items():
        assert part["read_only"] is True, name
        assert part["cap_drop"] == ["ALL"], name
        assert part.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "web" else []), name
        assert part["security_opt"] == ["no-new-privileges:true"], name
        assert part["init"] is True, name
        assert part["logging"]["options"].keys() == {"max-size", "max-file"}, name
        assert part["deploy"]["resources"]["limits"].keys() == {"cpus", "memory", "pids"}, name
        assert part["restart"] == ("no" if name in {"migrate", "doctor"} else "unless-stopped"), (
            name
        )
        ours = part["image"].startswith("carillon/")  # these say it in the Dockerfile
        assert ours or part["user"] in {"rabbitmq", "postgres", "nobody"}, name


@pytest.mark.connected
@pytest.mark.parametrize("combination", PRODUCTION)
def test_in_production_only_the_proxy_is_reached_from_outside(
    combination: str, tmp_path: Path
) -> None:
    services = _config(combination, tmp_path, "--profile", "observability")["services"]

    assert {name for name, part in services.items() if part.get("ports")} == {"web"}
    assert {port["published"] for port in services["web"]["ports"]} == {"80", "443"}
    assert services["web"]["networks"].keys() == {"web"}
    assert {name for name, part in services.items() if "web" in part["networks"]} == {
        "web",
        "notifier",
    }


@pytest.mark.connected
@pytest.mark.parametrize("combination", PRODUCTION)
def test_in_production_every_secret_is_a_file_and_each_service_has_its_own(
    combination: str, tmp_path: Path
) -> None:
    config = _config(combination, tmp_path, "--profile", "doctor")
    for name, part in config["services"].items():
        held = {one["target"] for one in part.get("secrets", ())}
        for variable, value in (part.get("environment") or {}).items():
            if variable.endswith("_FILE") and str(value).startswith("/run/secrets/"):
                assert value in held, f"{name}: {variable}"
                assert not part["environment"].get(variable.removesuffix("_FILE"))
            elif variable.endswith(("PASS", "PASSWORD", "KEY", "TOKEN", "_URL")):
                assert "carillon:carillon@" not in (value or ""), f"{name}: {variable}"
                assert not value or variable.endswith("_URL"), f"{name}: {variable}"
        if name in LINE:
            foreign = {one for one in held if not Path(one).name.startswith(f"{name}_")}
            assert not foreign, name
    assert config["services"]["notifier"]["environment"]["NOTIFIER_PRODUCTION"] == "true"


def test_after_it_the_containers_can_read_what_was_cloned_for_nobody_else(tmp_path: Path) -> None:
    deploy = tmp_path / "deploy"
    shutil.copytree(ROOT / "deploy", deploy)
    for path in (deploy, *deploy.rglob("*")):
        path.chmod(0o700 if path.is_dir() or path.name == "make-secrets" else 0o600)

    subprocess.run(
        [str(deploy / "make-secrets"), str(tmp_path / "s")],
        check=True, capture_output=True, timeout=30,
    )  # fmt: skip

    assert all(path.stat().st_mode & 0o004 for path in (deploy, *deploy.rglob("*")))


def test_without_a_cluster_the_secrets_name_one_database(tmp_path: Path) -> None:
    make = [str(ROOT / "deploy" / "make-secrets"), str(tmp_path / "s")]
    subprocess.run(make, check=True, capture_output=True, timeout=30)

    url = (tmp_path / "s" / "poller_database_url").read_text(encoding="utf-8")
    assert url.endswith("@postgres:5432/carillon\n")
    assert not (tmp_path / "s" / "postgres_standby_password").exists()


@pytest.mark.connected
@pytest.mark.parametrize("combination", COMBINATIONS)
def test_the_doctor_is_told_what_each_service_is_told_and_waits_for_nobody(
    combination: str, tmp_path: Path
) -> None:
    services = _config(combination, tmp_path, "--profile", "doctor")["services"]
    doctor = services["doctor"]

    assert "depends_on" not in doctor
    for name in (*LINE, "migrate"):
        given = services[name]["environment"].items()
        told = {k: v for k, v in given if k != "CARILLON_ACCOUNTS_DIR"}
        assert told.items() <= doctor["environment"].items(), name
        secrets = {one["target"] for one in services[name].get("secrets", ())}
        assert secrets <= {one["target"] for one in doctor.get("secrets", ())}, name
    assert "doctor" not in _config(combination, tmp_path)["services"]


@pytest.mark.connected
def test_the_secrets_are_made_once_and_only_their_owner_reaches_them(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    make = [str(ROOT / "deploy" / "make-secrets"), "--cluster", str(folder)]
    subprocess.run(make, check=True, capture_output=True, timeout=30)
    made = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    (folder / "poller_amqp_url").unlink()
    again = subprocess.run(make, check=True, capture_output=True, text=True, timeout=30)

    wanted = {
        Path(one["file"]).name for one in _config(PRODUCTION[1], tmp_path)["secrets"].values()
    }
    assert made.keys() == wanted
    assert folder.stat().st_mode & 0o777 == 0o700
    assert again.stdout.splitlines() == [f"made {folder}/poller_amqp_url"]
    now = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    assert {name for name in made if now[name] != made[name]} == {"poller_amqp_url"}
    password = made["postgres_password"].strip()
    assert len(password) == 48
    for name in ("carillon", *LINE):
        assert made[f"{name}_database_url"].endswith(f"{AT_BOTH}\n")
    assert f"://carillon:{password}@" in made["carillon_database_url"]
    admin = made["rabbitmq_admin.conf"].splitlines()[1].removeprefix("default_pass = ")
    assert made["carillon_amqp_url"] == f"amqp://carillon:{admin}@broker:5672/\n"
