"""Production as docs/deploy.md has it, on this machine: it comes up, and is closed."""

import json
import ssl
import subprocess
from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.stack import ROOT, Stack, free_ports, running

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

HOST = "carillon.test"
FILES = ("-f", "docker-compose.yml", "-f", "deploy/compose.prod.yml")
LINE = ("poller", "classifier", "notifier")
ALL = (*LINE, "web", "rabbitmq", "postgres")


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("production")
    make = [str(ROOT / "deploy" / "make-secrets"), str(folder / "secrets")]
    subprocess.run(make, check=True, capture_output=True, timeout=30)
    http, https = free_ports(2)
    settings = {
        "CARILLON_VERSION": "e2e",
        "CARILLON_SECRETS": folder / "secrets",
        "CARILLON_HTTP_PORT": http,
        "CARILLON_HTTPS_PORT": https,
        "CARILLON_TLS": "internal",
        "CARILLON_WEB_SUBNET": "10.231.85.0/24",
        "NOTIFIER_PUBLIC_URL": f"https://{HOST}",
        "NOTIFIER_SMTP_HOST": "mail.example.org",
        "NOTIFIER_MAIL_FROM": "Carillon <news@example.org>",
        "NOTIFIER_LIST_ID": "carillon.example.org",
        "POLLER_NCBI_EMAIL": "operator@example.org",
        "POLLER_EUTILS_URL": "http://127.0.0.1:9/",  # NCBI is not asked by tests
    }
    env_file = folder / "env"
    env_file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    stack = Stack("carillon-e2e-production", env_file, f"https://127.0.0.1:{https}", FILES)
    with running(stack):
        stack.compose("up", "--detach", "--wait", seconds=300)
        yield stack


def _secrets(stack: Stack) -> dict[str, str]:
    """What nobody may see: each file of ours with a password in it, and the password."""
    folder = stack.env_file.parent / "secrets"
    texts = {path.name: path.read_text(encoding="utf-8").strip() for path in folder.iterdir()}
    last = {name: text.split("@")[0].split(":")[-1].split(" ")[-1] for name, text in texts.items()}
    return {name: secret for name, secret in last.items() if secret}


def test_the_pages_are_there_by_tls_and_the_operator_s_for_the_operator(production: Stack) -> None:
    root = production.compose(
        "exec", "-T", "web", "cat", "/data/caddy/pki/authorities/local/root.crt"
    )
    trusting = ssl.create_default_context(cadata=root)
    named = {"headers": {"Host": HOST}, "extensions": {"sni_hostname": HOST}}
    password = _secrets(production)["notifier_admin_password"]
    with httpx.Client(verify=trusting, base_url=production.site, trust_env=False) as client:
        page = client.get("/", **named)  # type: ignore[arg-type]
        assert page.status_code == 200
        assert "max-age" in page.headers["Strict-Transport-Security"]
        assert client.get("/admin", **named).status_code == 401  # type: ignore[arg-type]
        inside = client.get("/admin", auth=("admin", password), **named)  # type: ignore[arg-type]
        assert inside.status_code == 200

    plain = production.compose("port", "web", "80").strip()
    answer = httpx.get(f"http://{plain}/", headers={"Host": HOST}, trust_env=False)
    assert (answer.status_code, answer.headers["Location"]) == (308, f"https://{HOST}/")


@pytest.mark.parametrize("service", ALL)
def test_nobody_is_root_or_writes_where_it_likes(production: Stack, service: str) -> None:
    script = "id -u; touch /etc/x /usr/x /x 2>/dev/null && echo written; true"

    said = production.compose("exec", "-T", service, "sh", "-c", script).split()

    assert said != ["0"]
    assert len(said) == 1, said


def test_whoever_is_in_the_proxy_finds_neither_database_nor_broker(production: Stack) -> None:
    script = (
        "import socket\n"
        "for name in ('postgres', 'rabbitmq', 'broker', 'notifier'):\n"
        "    try: socket.getaddrinfo(name, 0); print(name)\n"
        "    except OSError: pass\n"
    )

    assert production.compose("exec", "-T", "web", "python", "-c", script).split() == ["notifier"]


def test_no_secret_is_in_a_container_s_description_or_in_a_log(production: Stack) -> None:
    ids = production.compose("ps", "--all", "--quiet").split()
    described = subprocess.run(
        ["docker", "inspect", *ids], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    logs = production.compose("logs", "--no-color")

    assert len(json.loads(described)) == len(ALL) + 1
    assert "each service has its own accounts" in logs
    assert logs.count("topology_is_declared_by_migrate") >= len(LINE)
    for name, secret in _secrets(production).items():
        assert secret not in described + logs, name


def test_the_doctor_finds_what_this_machine_lacks_and_nothing_else(production: Stack) -> None:
    """No name of this installation is known outside, and NCBI is not asked: all else is well."""
    look = ("run", "--rm", "--entrypoint", "sh", "{}", "-c", "carillon doctor --json; true")
    said = production.compose(*(word.format("doctor") for word in look))
    found = json.loads(said)

    assert {one["code"] for one in found["findings"]} == {
        "NCBI-EMAIL", "NCBI-UNREACHABLE", "SMTP-UNREACHABLE", "PUBLIC-URL-SILENT",
    }  # fmt: skip
    assert [one["what"] for one in found["unchecked"]] == ["clock of PubMed"]
    assert {"settings", "topology, rights and limits at the broker", *LINE} <= set(found["well"])

    by_migrate = json.loads(production.compose(*(word.format("migrate") for word in look)))
    assert by_migrate["findings"] == []
    assert len(by_migrate["unchecked"]) == len(LINE) + 1
    for name, secret in _secrets(production).items():
        assert secret not in said, name


def test_the_accounts_that_ship_with_everything_open_nothing(production: Stack) -> None:
    """`carillon` with the password `carillon`, as bare Compose has it, and RabbitMQ's `guest`."""
    for user, password in (("carillon", "carillon"), ("guest", "guest")):
        script = f"rabbitmqctl authenticate_user {user} {password} >/dev/null 2>&1; echo $?"
        said = production.compose("exec", "-T", "rabbitmq", "sh", "-c", script).split()
        assert said != ["0"], user
    url = "postgresql://carillon:carillon@postgres/carillon"
    script = f"psql {url} -c 'SELECT 1' >/dev/null 2>&1; echo $?"
    said = production.compose("exec", "-T", "postgres", "sh", "-c", script).split()
    assert said != ["0"]
