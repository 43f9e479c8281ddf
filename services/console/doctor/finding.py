"""What a check comes to: what is wrong, or that it cannot be told."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from services.console.doctor.codes import Code


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: with whom or what, and what was seen. Never a secret or address."""

    code: Code
    about: str
    seen: str

    @property
    def remedy(self) -> str:
        """What mends it."""
        return self.code.remedy(self.about)


@dataclass(frozen=True, slots=True)
class Unchecked:
    """Something that could not be checked, and why."""

    what: str
    why: str


Told = Sequence[Finding | Unchecked]
"""What a rule says: nothing where all is well."""


EXPLAINED: dict[Code, frozenset[Code]] = {
    Code.QUEUE_UNREAD: frozenset({Code.SERVICE_SILENT, Code.SERVICE_NOT_READY}),
    Code.SERVICE_NOT_READY: frozenset(
        code for code in Code if code.name.startswith(("DATABASE_", "BROKER_", "MIGRATION_"))
    )
    | {Code.QUEUE_MISSING, Code.EXCHANGE_MISSING},
    Code.BROKER_API: frozenset({Code.BROKER_UNREACHABLE, Code.BROKER_LOGIN, Code.BROKER_VHOST}),
    Code.OUTBOX_STUCK: frozenset(
        {
            Code.BROKER_UNREACHABLE, Code.BROKER_LOGIN, Code.BROKER_ALARM, Code.BROKER_RIGHTS,
            Code.BINDING_MISSING, Code.QUEUE_MISSING, Code.EXCHANGE_MISSING, Code.POLICY_IN_WAY,
            Code.DATABASE_STANDBY_AWAY,
        }
    ),
    Code.SMTP_UNREACHABLE: frozenset({Code.MAIL_CATCHER}),
    Code.SMTP_STARTTLS: frozenset({Code.MAIL_CATCHER}),
    Code.POLL_OVERDUE: frozenset(
        {
            Code.NCBI_UNREACHABLE, Code.NCBI_URL, Code.NCBI_KEY_REFUSED,
            Code.DATABASE_STANDBY_AWAY,
        }
    ),
}  # fmt: skip
"""What is but the consequence of another finding, and is not told beside it."""


def causes(findings: Iterable[Finding]) -> list[Finding]:
    """The findings without those that others explain; the same of several subjects as one."""
    found = list(findings)
    kept = [one for one in found if not any(_explains(other, one) for other in found)]
    order = list(Code)
    kept.sort(key=lambda one: (order.index(one.code), one.seen, one.about))
    return [_together(tuple(same)) for _, same in groupby(kept, lambda one: (one.code, one.seen))]


def _explains(cause: Finding, one: Finding) -> bool:
    """Whether it is the cause of the other; what a service suffers, another does not explain."""
    is_another = {cause.about, one.about} <= _SERVICES and cause.about != one.about
    return cause.code in EXPLAINED.get(one.code, frozenset()) and not is_another


_SERVICES = {"poller", "classifier", "notifier"}


def _together(same: Sequence[Finding]) -> Finding:
    return replace(same[0], about=", ".join(dict.fromkeys(one.about for one in same)))
