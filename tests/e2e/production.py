"""An installation for real readers, as the docs lead to it; pages and mail by TLS."""

import json
import ssl
import subprocess
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.e2e.mail_server import PASSWORD
from tests.e2e.mailbox import Mail, read
from tests.e2e.stack import ROOT, Stack, free_ports, taken_down
from tests.e2e.walk import Shell, Step

HOST = "carillon.example.org"
MAIL_HOST = "mail.example.org"
BESIDE = "tests/e2e/beside.yml"
"""Compose file with a stand-in for PubMed, the mail server, and a clock."""

WITHOUT_A_NAME = {
    "CARILLON_TLS=you@example.org\n": "CARILLON_TLS=internal\n",
    "docker compose run --rm doctor ": "docker compose run --rm doctor || true ",
}
"""Who is found under the name gets Let's Encrypt's certificate; and the doctor misses the name."""

_SHOW = (
    "import json, pathlib\n"
    "files = sorted(pathlib.Path('/mail').glob('[0-9]*'))\n"
    "print(json.dumps([file.read_bytes().decode('latin-1') for file in files]))"
)


class _ByName(httpx.HTTPTransport):
    """Asks 127.0.0.1 for the pages of `HOST`, and checks the certificate of that name."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.headers["Host"] = HOST
        request.extensions["sni_hostname"] = HOST
        return super().handle_request(request)


@dataclass(frozen=True)
class Production(Stack):
    """Production with what `beside.yml` puts beside it."""

    public_url: str = f"https://{HOST}"
    clock: str = "clock"

    def browser(self) -> httpx.Client:
        """A browser that trusts Caddy's own authority."""
        root = self.compose(
            "exec", "-T", "web", "cat", "/data/caddy/pki/authorities/local/root.crt"
        )
        transport = _ByName(verify=ssl.create_default_context(cadata=root))
        return httpx.Client(transport=transport, base_url=self.site, timeout=30)

    def mails(self) -> list[Mail]:
        """What the operator's mail server has taken, by STARTTLS and with the password."""
        found = json.loads(self.compose("exec", "-T", "mail", "python", "-c", _SHOW))
        return [read(content.encode("latin-1")) for content in found]

    def secrets(self) -> dict[str, str]:
        """What nobody may see: each file of ours with a password in it, and the password."""
        folder = self.folder / "secrets"
        texts = {p.name: p.read_text(encoding="utf-8").strip() for p in folder.iterdir()}
        last = {
            name: text.split("@")[0].split(":")[-1].split(" ")[-1] for name, text in texts.items()
        }
        return {name: secret for name, secret in last.items() if secret}


@dataclass(frozen=True)
class Walked:
    """An installation that was walked to, what each step had shown, and who walks on."""

    stack: Production
    shown: list[tuple[Step, str]]
    shell: Shell

    def said_by(self, command: str) -> str:
        """What the one step with this command showed."""
        (said,) = [said for step, said in self.shown if command in step.text]
        return said


@contextmanager
def walk(
    folder: Path,
    project: str,
    steps: Iterable[Step],
    instead: Mapping[str, str],
    more: Mapping[str, str],
) -> Iterator[Walked]:
    """Take these steps, with what is done `instead` and `more` in `.env`; afterwards remove all."""
    http, https = free_ports(2)
    of_this_machine = {
        **_what_stands_beside(folder),
        "COMPOSE_PROJECT_NAME": project,
        "CARILLON_VERSION": "e2e",
        "CARILLON_HTTP_PORT": str(http),
        "CARILLON_HTTPS_PORT": str(https),
        **more,
    }
    lines = "".join(f"{name}={value}\n" for name, value in of_this_machine.items())
    shell = Shell(
        folder,
        {"<this repository>": str(ROOT), **WITHOUT_A_NAME, **instead},
        typed=f"{PASSWORD.decode()}\n",
        more=lines,
    )
    clone = folder / "carillon"
    stack = Production(project, clone / ".env", f"https://127.0.0.1:{https}", (), clone)
    with taken_down(stack):
        yield Walked(stack, [(step, shell.take(step)) for step in steps], shell)


def _what_stands_beside(folder: Path) -> dict[str, str]:
    """The variables of `beside.yml`; makes the mail server's certificate, its own authority."""
    tls = folder / "tls"
    tls.mkdir()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", f"/CN={MAIL_HOST}", "-addext", f"subjectAltName=DNS:{MAIL_HOST}",
         "-out", str(tls / "ca.pem"), "-keyout", str(tls / "mail.key")],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    (tls / "mail.pem").write_bytes((tls / "ca.pem").read_bytes())
    return {"E2E_TLS": str(tls), "E2E_PACKAGES": sysconfig.get_path("purelib")}
