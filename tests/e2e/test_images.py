"""What is in the images: one service each, its own packages, nothing secret, and labels."""

import io
import json
import os
import re
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.canaries.planted import Canary, sung
from tests.unit.test_deploy_production import NEEDED
from tests.unit.test_sbom import packages, written

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
SERVICES = {
    "poller": "poller",
    "classifier": "classifier",
    "notifier": "notifier",
    "ncbi-sim": "ncbi_sim",
}
OF_PYTHON = (*SERVICES, "console")
IMAGES = (*OF_PYTHON, "web")
BIRD = Canary("build", "-")

NEVER = re.compile(
    r"(^|/)(\.git|\.env|\.venv|secrets|tests|state|\.pytest_cache|\.mypy_cache)(/|$)|\.(pem|key|db)$"
)
"""Of our own folder, what must not be there."""

SEEN = """
import json, os
from importlib.metadata import distributions
libraries = os.listdir("/venv/lib") if os.path.exists("/venv") else []
found = {one.metadata["Name"].lower().replace("_", "-"): one.version for one in distributions(path=[
    f"/venv/lib/{name}/site-packages" for name in libraries])}
files = [os.path.join(folder, name) for folder, _, names in os.walk("/app") for name in names]
mine = {os.stat(name).st_uid for name in files}
print(json.dumps({"packages": found, "files": files, "owners": sorted(mine),
                  "sbom": open("/usr/share/carillon/sbom.json").read()}))
"""


def _docker(*words: str, seconds: float = 500) -> str:
    answer = subprocess.run(
        ["docker", *words], cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=False
    )
    assert answer.returncode == 0, f"{words}: {answer.stdout}\n{answer.stderr}"
    return answer.stdout


@pytest.fixture(scope="module")
def built() -> str:
    """The tag of all images, labelled as a build server would; layers are those of other tests."""
    labels = {"VERSION": "e2e", "REVISION": "0123abc", "SOURCE": "https://example.org/carillon"}
    shell = {f"CARILLON_{name}": value for name, value in labels.items()}
    shell |= {"CARILLON_CREATED": "2026-09-07T00:00:00Z", "NOTIFIER_SMTP_PASSWORD": BIRD.secret}
    production = ("-f", "docker-compose.yml", "-f", "deploy/compose.prod.yml")
    for files, services in ((("--profile", "demo"), ()), (production, ("web",))):
        subprocess.run(
            ["docker", "compose", *files, "build", "--quiet", *services],
            cwd=ROOT, check=True, capture_output=True, timeout=500,
            env=os.environ | NEEDED | shell,  # noqa: TID251  as a shell has it
        )  # fmt: skip
    return "e2e"


def _looked_into(image: str, tag: str) -> dict[str, Any]:
    run = ("run", "--rm", "--network", "none", "--entrypoint", "python")
    found: dict[str, Any] = json.loads(_docker(*run, f"carillon/{image}:{tag}", "-c", SEEN))
    return found


def test_these_are_all_that_the_dockerfile_makes() -> None:
    text = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    assert set(re.findall(r'image\.title="Carillon (\S+)"', text)) == set(IMAGES)


@pytest.mark.parametrize("image", OF_PYTHON)
def test_an_image_holds_its_service_its_packages_and_their_list(image: str, built: str) -> None:
    found = _looked_into(image, built)

    ours = {name.removeprefix("/app/") for name in found["files"]}
    services = {name.split("/")[1] for name in ours if name.count("/") > 1 and "services/" in name}
    assert services == ({SERVICES[image]} if image in SERVICES else {*SERVICES.values(), "console"})
    assert [name for name in ours if NEVER.search(name)] == []
    assert found["owners"] == [10001]
    assert found["sbom"] == written(image)
    listed = packages(found["sbom"])
    elsewhere = {name for name, one in listed.items() if one.get("properties")}
    assert found["packages"].keys() <= listed.keys()
    assert listed.keys() - elsewhere <= found["packages"].keys()
    versions = {name: one["version"] for name, one in listed.items()}
    assert found["packages"].items() <= versions.items()


def test_the_proxy_holds_caddy_the_list_of_its_modules_and_nothing_of_a_service(
    built: str,
) -> None:
    found = _looked_into("web", built)
    look = ("run", "--rm", "--network", "none", f"carillon/web:{built}")
    version = _docker(*look, "caddy", "version").split()[0].removeprefix("v")

    assert (found["files"], found["packages"]) == ([], {})
    listed = packages(found["sbom"])
    assert listed["github.com/caddyserver/caddy/v2"]["version"] == f"v{version}"
    assert "stdlib" in listed
    ours = (ROOT / "deploy" / "Caddyfile").read_text(encoding="utf-8")
    assert _docker(*look, "cat", "/etc/caddy/Caddyfile") == ours


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_says_where_it_comes_from_and_nothing_of_the_shell_it_was_built_in(
    image: str, built: str
) -> None:
    described = _docker("image", "inspect", f"carillon/{image}:{built}")
    history = _docker("history", "--no-trunc", f"carillon/{image}:{built}")

    config = json.loads(described)[0]["Config"]
    mark = "org.opencontainers.image."
    labels = {
        name.removeprefix(mark): value
        for name, value in config["Labels"].items()
        if name.startswith(mark)
    }
    assert labels.pop("description")
    assert labels == {
        "title": f"Carillon {image}", "licenses": "MIT", "version": "e2e", "revision": "0123abc",
        "created": "2026-09-07T00:00:00Z", "source": "https://example.org/carillon",
    }  # fmt: skip
    assert config["User"] == "carillon"
    assert config["Healthcheck"]["Test"][0] == ("NONE" if image == "console" else "CMD")
    assert sung(described + history, [BIRD]) == set()
    secret = re.compile(r"(?i)(password|secret|token|api_?key)=\S")
    assert not secret.search(history + "\n".join(config["Env"]))


KEPT_OUT = (
    ".env", ".git/config", "secrets/poller_amqp_url", "state/notifier.key", "out/digest.txt",
    "tests/conftest.py", "deploy/secrets/postgres_password", "deploy/.env", "deploy/make-secrets",
    "services/.env", "services/poller/.env.local", "services/notifier/state/notifier.db",
    "services/notifier/notifier.key", "shared/secrets/key", "shared/tls.pem", "topics/.env",
    "services/poller/__pycache__/app.pyc", "docker-compose.override.yml", "id_rsa",
)  # fmt: skip
LET_IN = (
    "pyproject.toml", "uv.lock", "services/poller/app.py", "shared/logs.py", "topics/a.toml",
    "deploy/carillon", "deploy/Caddyfile", "deploy/subscriptions.toml", "deploy/sbom.py",
)  # fmt: skip


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in (*KEPT_OUT, *LET_IN):
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x", encoding="utf-8")
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8")
    (tmp_path / "tree" / ".dockerignore").write_text(rules, encoding="utf-8")
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY . /\n", encoding="utf-8")
    return tmp_path


def test_no_secret_that_lies_about_reaches_a_build(tree: Path) -> None:
    """Docker itself says what it would send: an empty image with all that a build can copy."""
    command = ["docker", "build", "--quiet", "--no-cache", "--file", str(tree / "Dockerfile")]
    answer = subprocess.run(
        [*command, "--output", "type=tar,dest=-", str(tree / "tree")],
        capture_output=True, timeout=120, check=True,
    )  # fmt: skip
    with tarfile.open(fileobj=io.BytesIO(answer.stdout)) as sent:
        names = {one.name.removeprefix("./") for one in sent.getmembers() if one.isfile()}
    assert names == set(LET_IN)
