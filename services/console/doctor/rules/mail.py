"""Whether what the notifier is told can reach readers, and only them."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.console.doctor.codes import Code
from services.console.doctor.finding import Finding, Told
from services.notifier.production import CATCHERS, only_here

SHORTEST_KEY = 16
SHORTEST_PASSWORD = 12


@dataclass(frozen=True, slots=True)
class Mail:
    """What the notifier is told. Of secrets only their lengths: `keys` of each, newest first.

    `smtp_host` is None where mail is captured, whatever host is `named`. `domains` are of our
    sender and list. `is_demo`: a simulated time is set.
    """

    smtp_host: str | None
    smtp_tls: str
    named: str | None
    public_scheme: str
    public_host: str
    domains: tuple[str, ...]
    keys: tuple[int, ...]
    admin_password: int | None
    is_production: bool
    is_deployed: bool
    is_demo: bool

    @property
    def catches(self) -> bool:
        """Whether the mail server only shows mails to a developer."""
        return (self.smtp_host or "").lower().split(".")[0] in CATCHERS

    @property
    def is_real(self) -> bool:
        """Whether readers are meant to be written to."""
        return self.is_production or (self.smtp_host is not None and not self.catches)


def judge(facts: Mail) -> Told:
    """What does not fit together."""
    return [*_always(facts), *(_for_readers(facts) if facts.is_real else ())]


def _always(facts: Mail) -> Iterator[Finding]:
    if facts.smtp_host is None and (facts.named or facts.is_production):
        told = f"mail is written to files, and NOTIFIER_SMTP_HOST is {facts.named or 'not set'}"
        yield Finding(Code.MAIL_CAPTURED, "NOTIFIER_DELIVERY", told)
    if any(length < SHORTEST_KEY for length in facts.keys):
        told = f"a key of {min(facts.keys)} characters can be guessed"
        yield Finding(Code.KEY_SHORT, "NOTIFIER_SECRET_KEY", told)
    if facts.admin_password is not None and facts.admin_password < SHORTEST_PASSWORD:
        told = f"a password of {facts.admin_password} characters can be guessed"
        yield Finding(Code.ADMIN_PASSWORD_SHORT, "NOTIFIER_ADMIN_PASSWORD", told)


def _for_readers(facts: Mail) -> Iterator[Finding]:
    if facts.catches:
        told = f"{facts.smtp_host} only shows mail to its developer"
        yield Finding(Code.MAIL_CATCHER, "NOTIFIER_SMTP_HOST", told)
    elif facts.smtp_host and facts.smtp_tls == "none" and not only_here(facts.smtp_host):
        told = f"mail and password go to {facts.smtp_host} in clear"
        yield Finding(Code.SMTP_CLEAR, "NOTIFIER_SMTP_TLS", told)
    local = [domain for domain in facts.domains if only_here(domain)]
    if local:
        told = f"mails are written as from {', '.join(dict.fromkeys(local))}"
        yield Finding(Code.MAIL_FROM_LOCAL, "NOTIFIER_MAIL_FROM", told)
    if only_here(facts.public_host):
        told = (
            f"mails are really sent, and the links in them lead to {facts.public_host}: "
            "nobody can confirm, or leave, from another machine"
        )
        yield Finding(Code.PUBLIC_URL_LOCAL, "NOTIFIER_PUBLIC_URL", told)
    elif facts.public_scheme != "https":
        told = (
            "links carry tokens, and go without TLS; List-Unsubscribe has no https, "
            "so mail programs offer no button to leave (RFC 8058)"
        )
        yield Finding(Code.PUBLIC_URL_HTTP, "NOTIFIER_PUBLIC_URL", told)
    if facts.is_deployed and not facts.keys:
        told = "a key is kept in a volume only: with it all links and sealed targets are lost"
        yield Finding(Code.KEY_MISSING, "NOTIFIER_SECRET_KEY", told)
    if facts.is_demo:
        told = "the services go by a simulated time, and mails are really sent"
        yield Finding(Code.DEMO_LEFT, "NOTIFIER_CLOCK_FILE", told)
