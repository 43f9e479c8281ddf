"""Every finding the doctor knows, with what mends it. docs/doctor.md says more of each."""

# ruff: noqa: S105  these are names of findings, and no secrets

from enum import Enum
from typing import Literal

Severity = Literal["error", "warning"]
"""error: something does not work, or will not. warning: it works, and will hurt."""


class Code(Enum):
    """A finding's stable name, `BROKER_LOGIN` written as `BROKER-LOGIN`, with its remedy.

    `{about}` in a remedy is what the finding is about: a service, a queue, a variable or a file.
    """

    # Settings and files
    SETTING_UNKNOWN = "correct its name: deploy/env.example has every variable"
    SETTING_WRONG = "correct {about}: deploy/env.example says what it may be"
    SETTING_TWICE = "take {about} away, or {about}_FILE: only you know which is the old one"
    SECRET_UNREADABLE = (
        "put the file there, readable for all (chmod 644), in a folder that is closed"
    )
    SECRET_EMPTY = "write the secret into the file of {about}"
    SECRET_OPEN = "close its folder to others: chmod 700"
    KEY_MISSING = "set NOTIFIER_SECRET_KEY (openssl rand -hex 24), and keep a copy of it"
    KEY_SHORT = "set NOTIFIER_SECRET_KEY to what `openssl rand -hex 24` prints"
    KEY_OTHER = "add the earlier key behind the present one in NOTIFIER_SECRET_KEY, after a comma"
    ADMIN_PASSWORD_SHORT = "set NOTIFIER_ADMIN_PASSWORD to 12 characters or more"
    TOPIC_WRONG = "correct the topic file, or POLLER_TOPICS_DIR (docs/topics.md)"
    TOPIC_UNKNOWN = "correct the `topic` there, or add the topic's file to POLLER_TOPICS_DIR"
    TAXONOMY_WRONG = "correct the file in CLASSIFIER_TAXONOMY; `carillon taxonomy check` tries it"
    SUBSCRIPTIONS_UNREADABLE = (
        "create the file, or correct NOTIFIER_SUBSCRIPTIONS_FILE (in Compose "
        "CARILLON_SUBSCRIPTIONS)"
    )
    SUBSCRIPTIONS_WRONG = "correct the file (docs/subscriptions.md), then restart the notifier"
    TIME_ZONE_UNKNOWN = "write a time_zone of the IANA list, such as Europe/Belgrade"
    TARGET_WRONG = (
        "put the whole URL there as Slack, or the other service, shows it (docs/channels.md)"
    )
    STATE_UNUSABLE = "make the folder writable, or set CARILLON_STATE to another one"
    DISK_LOW = "make room: old logs, images (docker image prune), or a larger disk"
    PORT_IN_USE = "end what listens there, or set NOTIFIER_WEB_PORT to another one"

    # Mail and pages, as they are set
    MAIL_CAPTURED = (
        "set NOTIFIER_DELIVERY=smtp so that mail leaves, or take NOTIFIER_SMTP_HOST away"
    )
    MAIL_CATCHER = "set NOTIFIER_SMTP_HOST to your real mail server"
    MAIL_FROM_LOCAL = "set NOTIFIER_MAIL_FROM and NOTIFIER_LIST_ID to your own domain"
    PUBLIC_URL_LOCAL = "set NOTIFIER_PUBLIC_URL to where readers find the pages"
    PUBLIC_URL_HTTP = (
        "put TLS before the pages (docs/deploy.md), and write NOTIFIER_PUBLIC_URL with https"
    )
    SMTP_CLEAR = "set NOTIFIER_SMTP_TLS to starttls or tls"
    DEMO_LEFT = "end the demo and forget its days: docker compose --profile demo down -v"

    # Database
    DATABASE_URL = (
        "write postgresql+asyncpg://user:password@host:5432/name; in a password %2F for /, %40 "
        "for @"
    )
    DATABASE_UNREACHABLE = "start PostgreSQL, or correct host and port of the database URL"
    DATABASE_LOGIN = (
        "correct user and password in the database URL; a service's account: `carillon migrate`"
    )
    DATABASE_NAME = "correct the name at the end of the database URL, or create it (createdb)"
    DATABASE_TLS = "let PostgreSQL offer TLS (ssl = on), or correct `ssl` in the database URL"
    DATABASE_READ_ONLY = "let the database URL lead to the primary: a standby takes no writes"
    DATABASE_STANDBY_AWAY = (
        "start the standby, or go on without it and on one disk (docs/cluster.md)"
    )
    DATABASE_ONE_DISK = (
        "start the standby, or a new one; where there is to be none, name one host in the URL"
    )
    DATABASE_RIGHTS = "run `carillon migrate`: it grants each account its rights"
    MIGRATION_BEHIND = "run `carillon migrate` before the services start"
    MIGRATION_AHEAD = "run the version that made these tables, or a newer one"
    OUTBOX_STUCK = (
        "mend what the reason says; `carillon migrate` puts back a queue or binding that is gone"
    )
    SENDING_HELD = "decide what counts as sent: `carillon sending` shows the choices"
    POLL_OVERDUE = "start the poller, or see its log for topic_not_polled"

    # Broker
    BROKER_URL = "write amqp://user:password@host:5672/vhost; in a password %2F for /, %40 for @"
    BROKER_UNREACHABLE = "start RabbitMQ, or correct host and port of the AMQP URL"
    BROKER_LOGIN = (
        "correct user and password in the AMQP URL; a service's account: `carillon migrate`"
    )
    BROKER_VHOST = (
        "correct the end of the AMQP URL (mostly /), or let the user in: rabbitmqctl "
        "set_permissions"
    )
    BROKER_TLS = (
        "amqps:// needs port 5671 and a certificate that is trusted here; amqp:// port 5672"
    )
    BROKER_API = (
        "enable RabbitMQ's management plugin, correct CARILLON_MANAGEMENT_URL, and tag its user "
        "administrator"
    )
    BROKER_RIGHTS = (
        "run `carillon migrate` with CARILLON_ACCOUNTS_DIR, or rabbitmqctl set_permissions"
    )
    BROKER_ALARM = "make room on the broker's disk or give it more memory; it goes on by itself"
    BROKER_LIMIT = "raise or clear it: rabbitmqctl clear_vhost_limits, clear_user_limits"
    EXCHANGE_MISSING = "run `carillon migrate`: it declares what is missing"
    QUEUE_MISSING = "run `carillon migrate`: it declares the queue anew, empty"
    QUEUE_WRONG = "empty it, delete it (rabbitmqctl delete_queue), and run `carillon migrate`"
    ARCHIVE_MISSING = "run `carillon migrate`; what the lost stream held is lost to replays"
    BINDING_MISSING = "run `carillon migrate`: it binds what is not bound"
    POLICY_IN_WAY = (
        "take the policy off our queues: rabbitmqctl clear_policy, or clear_operator_policy"
    )
    QUEUE_UNREAD = "restart the service: docker compose restart {about}"
    MESSAGES_PARKED = (
        "see `carillon parked`, mend the cause, and put them back: `carillon parked redrive`"
    )

    # Services, clock, NCBI, mail server, pages
    SERVICE_SILENT = (
        "see `docker compose ps --all` and `docker compose logs {about}`: exit code 78 is a setting"
    )
    SERVICE_NOT_READY = "mend what the reason says; the service needs no restart then"
    CLOCK_SKEW = "set the clock by NTP where it is wrong: timedatectl set-ntp true"
    NCBI_EMAIL = "set POLLER_NCBI_EMAIL to your address: NCBI writes there before it blocks"
    NCBI_KEY_SHAPE = (
        "copy POLLER_NCBI_API_KEY again from your NCBI account: 36 characters, 0-9 and a-f"
    )
    NCBI_KEY_REFUSED = (
        "make a new key in your NCBI account for POLLER_NCBI_API_KEY, or leave it out"
    )
    NCBI_UNREACHABLE = "let this machine reach POLLER_EUTILS_URL: firewall, proxy, DNS"
    NCBI_URL = "leave POLLER_EUTILS_URL out, or end it with /entrez/eutils/"
    NCBI_RATE = "set POLLER_NCBI_API_KEY, and let nobody else ask from this address"
    NCBI_SEED = "correct the seed's PMID in the topic's file"
    SMTP_UNREACHABLE = "correct NOTIFIER_SMTP_HOST and _PORT, or let this machine out to that port"
    SMTP_STARTTLS = (
        "set NOTIFIER_SMTP_PORT to the submission port 587, or NOTIFIER_SMTP_TLS=tls with 465"
    )
    SMTP_TLS = "let NOTIFIER_SMTP_TLS and NOTIFIER_SMTP_PORT agree: tls with 465, starttls with 587"
    SMTP_CERTIFICATE = "write NOTIFIER_SMTP_HOST as the certificate names it, or have that renewed"
    SMTP_LOGIN = "correct NOTIFIER_SMTP_USER and NOTIFIER_SMTP_PASSWORD"
    SMTP_SENDER = "set NOTIFIER_MAIL_FROM to an address that this server lets you write from"
    PUBLIC_URL_SILENT = (
        "let the name of NOTIFIER_PUBLIC_URL lead to your proxy, and that to the notifier"
    )
    PUBLIC_URL_CERTIFICATE = (
        "renew the proxy's certificate; Caddy does so where port 80 or 443 is open to all"
    )
    PUBLIC_URL_OTHER = "correct NOTIFIER_PUBLIC_URL, or where the proxy leads"

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return "warning" if self.name in _WARNINGS else "error"

    @property
    def title(self) -> str:
        """As it is printed, and as docs/doctor.md heads its entry."""
        return self.name.replace("_", "-")

    @property
    def link(self) -> str:
        """Where it is explained."""
        return f"docs/doctor.md#{self.title.lower()}"

    def remedy(self, about: str) -> str:
        """What to do."""
        return self.value.format(about=about.replace(", ", " "))


_WARNINGS = frozenset(
    {
        "SETTING_UNKNOWN", "SECRET_OPEN", "KEY_MISSING", "ADMIN_PASSWORD_SHORT",
        "MAIL_CAPTURED", "PUBLIC_URL_HTTP", "SMTP_CLEAR", "NCBI_EMAIL", "NCBI_RATE",
    }
)  # fmt: skip
