"""What the notifier is told of mail and pages; of secrets their lengths alone."""

from email.utils import parseaddr
from urllib.parse import urlsplit

from pydantic import SecretStr

from services.console.doctor.case import Case
from services.console.doctor.rules.mail import Mail
from services.notifier.settings import Settings


async def gather(case: Case, settings: Settings) -> Mail:
    """Look at the notifier's settings."""
    server, url = settings.smtp_server(), urlsplit(settings.public_url)
    clock = settings.clock_file
    return Mail(
        smtp_host=server.host if server else None,
        smtp_tls=settings.smtp_tls,
        named=settings.smtp_host,
        public_scheme=url.scheme,
        public_host=url.hostname or "",
        domains=(parseaddr(settings.mail_from)[1].rpartition("@")[2], settings.list_id),
        keys=tuple(len(key) for key in _keys(settings.secret_key)),
        admin_password=_length(settings.admin_password),
        is_production=case.is_production,
        is_deployed=case.is_deployed,
        is_demo=clock is not None and clock.is_file(),
    )


def _keys(given: SecretStr | None) -> list[str]:
    parts = given.get_secret_value().split(",") if given else []
    return [part.strip() for part in parts if part.strip()]


def _length(secret: SecretStr | None) -> int | None:
    return len(secret.get_secret_value()) or None if secret else None
