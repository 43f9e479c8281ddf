"""What must not be so where real readers are written to."""

from dataclasses import dataclass
from urllib.parse import urlsplit

CATCHERS = frozenset({"maildev", "mailhog", "mailpit", "mailcatcher"})
"""Programs that show mail to its developer; whoever is written to through them hears nothing."""


@dataclass(frozen=True, slots=True)
class ForReaders:
    """What readers meet: the mail server (None: no mail leaves), the pages, and our names.

    `names` are the domains that stand in our mails.
    """

    smtp_host: str | None
    smtp_tls: str
    public_url: str
    names: tuple[str, ...]


def unfit(one: ForReaders) -> list[str]:
    """What is wrong, in words that say what to set; nothing where readers can be written to."""
    url = urlsplit(one.public_url)
    host = one.smtp_host or ""
    checks = (
        (not host, "no mail is sent: set NOTIFIER_DELIVERY=smtp and NOTIFIER_SMTP_HOST"),
        (
            host.lower().split(".")[0] in CATCHERS,
            f"{host} only shows mail to its developer: NOTIFIER_SMTP_HOST must be a real server",
        ),
        (
            one.smtp_tls == "none",
            "mail would go in clear: set NOTIFIER_SMTP_TLS to starttls or tls",
        ),
        (url.scheme != "https", "NOTIFIER_PUBLIC_URL must begin with https: links carry tokens"),
        (only_here(url.hostname or ""), "NOTIFIER_PUBLIC_URL is not where readers are"),
        (
            any(map(only_here, one.names)),
            "NOTIFIER_MAIL_FROM and NOTIFIER_LIST_ID must be of your own domain",
        ),
    )
    return [told for wrong, told in checks if wrong]


def only_here(host: str) -> bool:
    """Whether a host is this machine alone, for whoever is told of it."""
    return (
        host.rsplit(".", 1)[-1].lower() == "localhost" or host.startswith("127.") or host == "::1"
    )
