"""The half hour of docs/deploy.md, walked as written; what it comes to is closed, and carries."""

import json
import subprocess
from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.production import BESIDE, HOST, WITHOUT_A_NAME, Production, Walked, walk
from tests.e2e.site import the_catalogue_by_mail
from tests.e2e.walk import PAGE, steps

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

PROJECT = "carillon-e2e-production"
LINE = ("poller", "classifier", "notifier")
ALL = (*LINE, "web", "rabbitmq", "postgres")
CHANGE = "Change a secret"

INSTEAD = {
    "COMPOSE_FILE=docker-compose.yml:deploy/compose.prod.yml\n": (
        f"COMPOSE_FILE=docker-compose.yml:deploy/compose.prod.yml:{BESIDE}\n"
    ),
}


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walked]:
    """From a fresh clone, block after block of the page."""
    page = steps(PAGE.read_text(encoding="utf-8"))
    numbered = [step for step in page if step.section[0].isdigit()]
    more = {"CARILLON_WEB_SUBNET": "10.231.85.0/24"}
    with walk(tmp_path_factory.mktemp("walk"), PROJECT, numbered, INSTEAD, more) as found:
        yield found


@pytest.fixture(scope="module")
def production(walked: Walked) -> Production:
    """The same, for whoever does not ask how it came."""
    return walked.stack


def test_after_half_an_hour_everything_is_up_as_the_page_says(walked: Walked) -> None:
    for written in (*INSTEAD, *WITHOUT_A_NAME):
        assert any(written in step.text for step, _ in walked.shown), f"{written!r} is not written"
    said = walked.said_by("compose ps")
    shown = {line.split()[0]: line for line in said.splitlines() if line.startswith(PROJECT)}
    for service in ALL:
        assert "(healthy)" in shown[f"{PROJECT}-{service}-1"], service
    assert walked.stack.exit_code("migrate") == 0


def test_a_reader_who_came_in_by_the_page_is_sent_what_the_catalogue_has(
    production: Production,
) -> None:
    digest = the_catalogue_by_mail(production)

    assert production.labels().keys() >= set(digest.pmids)


def test_the_pages_are_there_by_tls_and_the_operator_s_for_the_operator(
    production: Production,
) -> None:
    password = production.secrets()["notifier_admin_password"]
    with production.browser() as client:
        page = client.get("/")
        assert page.status_code == 200
        assert "max-age" in page.headers["Strict-Transport-Security"]
        assert client.get("/admin").status_code == 401
        assert client.get("/admin", auth=("admin", password)).status_code == 200

    plain = production.compose("port", "web", "80").strip()
    answer = httpx.get(f"http://{plain}/", headers={"Host": HOST}, trust_env=False)
    assert (answer.status_code, answer.headers["Location"]) == (308, f"https://{HOST}/")


@pytest.mark.parametrize("service", ALL)
def test_nobody_is_root_or_writes_where_it_likes(production: Production, service: str) -> None:
    script = "id -u; touch /etc/x /usr/x /x 2>/dev/null && echo written; true"

    said = production.compose("exec", "-T", service, "sh", "-c", script).split()

    assert said != ["0"]
    assert len(said) == 1, said


def test_whoever_is_in_the_proxy_finds_neither_database_nor_broker(production: Production) -> None:
    script = (
        "import socket\n"
        "for name in ('postgres', 'rabbitmq', 'broker', 'notifier'):\n"
        "    try: socket.getaddrinfo(name, 0); print(name)\n"
        "    except OSError: pass\n"
    )

    assert production.compose("exec", "-T", "web", "python", "-c", script).split() == ["notifier"]


def test_no_secret_is_in_a_container_s_description_or_in_a_log(production: Production) -> None:
    ours = (*ALL, "migrate")
    ids = production.compose("ps", "--all", "--quiet", *ours).split()
    described = subprocess.run(
        ["docker", "inspect", *ids], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    logs = production.compose("logs", "--no-color", *ours)

    assert len(json.loads(described)) == len(ours)
    assert "each service has its own accounts" in logs
    assert logs.count("topology_is_declared_by_migrate") >= len(LINE)
    for name, secret in production.secrets().items():
        assert secret not in described + logs, name


def test_the_doctor_finds_what_this_machine_lacks_and_nothing_else(production: Production) -> None:
    """Its name is known nowhere, nor the operator's address, and it has a clock as the demo has."""
    look = ("run", "--rm", "--entrypoint", "sh", "{}", "-c", "carillon doctor --json; true")
    said = production.compose(*(word.format("doctor") for word in look))
    found = json.loads(said)

    assert {one["code"] for one in found["findings"]} == {
        "NCBI-EMAIL", "PUBLIC-URL-SILENT", "DEMO-LEFT",
    }  # fmt: skip
    assert found["unchecked"] == []
    assert {"settings", "topology, rights and limits at the broker", *LINE} <= set(found["well"])

    by_migrate = json.loads(production.compose(*(word.format("migrate") for word in look)))
    late = {one["code"] for one in by_migrate["findings"]}
    assert late <= {"POLL-OVERDUE"}, "by this machine's time; migrate does not see the other clock"
    assert len(by_migrate["unchecked"]) == len(LINE) + 1
    for name, secret in production.secrets().items():
        assert secret not in said, name


def test_the_accounts_that_ship_with_everything_open_nothing(production: Production) -> None:
    """`carillon` with the password `carillon`, as bare Compose has it, and RabbitMQ's `guest`."""
    for user, password in (("carillon", "carillon"), ("guest", "guest")):
        script = f"rabbitmqctl authenticate_user {user} {password} >/dev/null 2>&1; echo $?"
        said = production.compose("exec", "-T", "rabbitmq", "sh", "-c", script).split()
        assert said != ["0"], user
    url = "postgresql://carillon:carillon@postgres/carillon"
    script = f"psql {url} -c 'SELECT 1' >/dev/null 2>&1; echo $?"
    said = production.compose("exec", "-T", "postgres", "sh", "-c", script).split()
    assert said != ["0"]


def test_a_password_is_changed_as_the_page_says_while_all_others_go_on(
    production: Production, walked: Walked
) -> None:
    before = {name: production.compose("ps", "--quiet", name) for name in ALL}
    old = production.secrets()
    (step,) = [one for one in steps(PAGE.read_text(encoding="utf-8")) if one.section == CHANGE]

    walked.shell.take(step)

    changed = {"poller_database_url", "poller_amqp_url"}
    new = production.secrets()
    assert {name for name in old if old[name] != new[name]} == changed
    after = {name: production.compose("ps", "--quiet", name) for name in ALL}
    assert {name for name in ALL if before[name] != after[name]} == {"poller"}
    for secrets, opens in ((old, False), (new, True)):
        at_broker = f"rabbitmqctl authenticate_user carillon_poller {secrets['poller_amqp_url']}"
        url = f"postgresql://carillon_poller:{secrets['poller_database_url']}@postgres/carillon"
        at_database = f"psql {url} -c 'SELECT 1'"
        for service, command in (("rabbitmq", at_broker), ("postgres", at_database)):
            script = f"{command} >/dev/null 2>&1; echo $?"
            said = production.compose("exec", "-T", service, "sh", "-c", script).split()
            assert (said == ["0"]) is opens, service
