"""Our own services' probes, the pages, PubMed, the mail server, and everybody's clock."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from services.console.doctor.codes import Code
from services.console.doctor.finding import Finding, Told, Unchecked


@dataclass(frozen=True, slots=True)
class Probe:
    """What a service's `/readyz` answered: its status (0: nobody), and what it says it lacks."""

    service: str
    status: int
    reasons: Mapping[str, str] = field(default_factory=dict)


def judge_probe(facts: Probe) -> Told:
    """Whether the service is there, and can work."""
    if facts.status == 0:
        return [Finding(Code.SERVICE_SILENT, facts.service, "its probe does not answer")]
    if facts.status == 200:
        return []
    told = "; ".join(f"{name}: {why}" for name, why in facts.reasons.items())
    told = told or f"its probe answers {facts.status}"
    return [Finding(Code.SERVICE_NOT_READY, facts.service, told)]


NcbiFault = Literal["unreachable", "url", "key", "rate"]


@dataclass(frozen=True, slots=True)
class Ncbi:
    """What NCBI answered. `unknown` are the seeds that it has not.

    `is_known`: whether it is told an address of ours; `key`: the length of ours, and whether all of
    it is hexadecimal; None without one.
    """

    url: str
    is_known: bool
    key: tuple[int, bool] | None
    fault: NcbiFault | None = None
    words: str = ""
    unknown: tuple[int, ...] = ()


def judge_ncbi(facts: Ncbi) -> Told:
    """Whether PubMed can be asked."""
    found = list(_about_us(facts))
    codes: dict[NcbiFault, Code] = {
        "unreachable": Code.NCBI_UNREACHABLE,
        "url": Code.NCBI_URL,
        "key": Code.NCBI_KEY_REFUSED,
        "rate": Code.NCBI_RATE,
    }
    if facts.fault and not (facts.fault == "key" and found):
        found.append(Finding(codes[facts.fault], facts.url, facts.words))
    return found + [
        Finding(Code.NCBI_SEED, str(seed), f"PubMed has no article {seed}")
        for seed in facts.unknown
    ]


def _about_us(facts: Ncbi) -> Iterator[Finding]:
    if not facts.is_known:
        told = "NCBI is told no address to which it could write"
        yield Finding(Code.NCBI_EMAIL, "POLLER_NCBI_EMAIL", told)
    if facts.key is not None and facts.key != (36, True):
        told = f"not the shape of a key: {facts.key[0]} characters"
        yield Finding(Code.NCBI_KEY_SHAPE, "POLLER_NCBI_API_KEY", told)


SmtpFault = Literal["unreachable", "no-starttls", "tls", "certificate", "login", "sender"]


@dataclass(frozen=True, slots=True)
class Smtp:
    """How far we came with the mail server, without sending anything. `words` name nobody."""

    host: str
    port: int
    fault: SmtpFault | None = None
    words: str = ""


def judge_smtp(facts: Smtp) -> Told:
    """Why it would not take our mail."""
    codes: dict[SmtpFault, Code] = {
        "unreachable": Code.SMTP_UNREACHABLE,
        "no-starttls": Code.SMTP_STARTTLS,
        "tls": Code.SMTP_TLS,
        "certificate": Code.SMTP_CERTIFICATE,
        "login": Code.SMTP_LOGIN,
        "sender": Code.SMTP_SENDER,
    }
    if facts.fault is None:
        return []
    return [Finding(codes[facts.fault], f"{facts.host}:{facts.port}", facts.words)]


PagesFault = Literal["silent", "certificate", "other"]


@dataclass(frozen=True, slots=True)
class Pages:
    """What answered where readers find the pages."""

    url: str
    fault: PagesFault | None = None
    words: str = ""


def judge_pages(facts: Pages) -> Told:
    """Whether links in mails lead to us."""
    codes: dict[PagesFault, Code] = {
        "silent": Code.PUBLIC_URL_SILENT,
        "certificate": Code.PUBLIC_URL_CERTIFICATE,
        "other": Code.PUBLIC_URL_OTHER,
    }
    return [Finding(codes[facts.fault], facts.url, facts.words)] if facts.fault else []


MOST_SKEW = 30.0
"""Seconds between two clocks; an answer's `Date` has whole seconds, and took its time to come."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """How many seconds each clock is ahead of this machine's; `mute`: whose could not be read."""

    ahead: Mapping[str, float]
    mute: Mapping[str, str] = field(default_factory=dict)


def judge_clocks(facts: Clocks) -> Told:
    """Whose clock is wrong: where most others agree against this machine's, this machine's."""
    found: list[Finding | Unchecked] = []
    wrong = {who: ahead for who, ahead in facts.ahead.items() if abs(ahead) > MOST_SKEW}
    if wrong:
        each = ", ".join(
            f"{who} is {abs(ahead):.0f} s {'ahead' if ahead > 0 else 'behind'}"
            for who, ahead in sorted(wrong.items())
        )
        whose = "this machine" if len(wrong) * 2 > len(facts.ahead) else ", ".join(sorted(wrong))
        found.append(Finding(Code.CLOCK_SKEW, whose, f"held against this machine, {each}"))
    found += [Unchecked(f"clock of {who}", why) for who, why in facts.mute.items()]
    return found
