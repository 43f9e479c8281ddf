"""Checks run side by side, each within its time, and what an operator reads of them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from services.console.doctor.finding import Finding, Told, Unchecked, causes
from shared.errors import CarillonError

SECONDS = 30.0
"""For one check: what has not answered by then is not waited for."""


@dataclass(frozen=True)
class Check:
    """One look at something; `look` gathers the facts and has them judged."""

    name: str
    look: Callable[[], Awaitable[Told]]
    seconds: float = SECONDS


@dataclass(frozen=True)
class Report:
    """What all checks came to. `well` are the names of those that found nothing."""

    findings: tuple[Finding, ...]
    unchecked: tuple[Unchecked, ...]
    well: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0: all is well; 1: something was found; 2: nothing was, and not all could be checked."""
        if self.findings:
            return 1
        return 2 if self.unchecked else 0

    def document(self) -> dict[str, Any]:
        """For programs; its fields are described in docs/doctor.md."""
        return {
            "findings": [
                {
                    "code": one.code.title,
                    "severity": one.code.severity,
                    "about": one.about,
                    "seen": one.seen,
                    "remedy": one.remedy,
                    "link": one.code.link,
                }
                for one in self.findings
            ],
            "unchecked": [{"what": one.what, "why": one.why} for one in self.unchecked],
            "well": list(self.well),
        }


async def examine(checks: Sequence[Check]) -> Report:
    """Do all checks at once. One that fails in an unforeseen way is one that could not be done."""
    told = await asyncio.gather(*map(_done, checks))
    findings = causes(one for each in told for one in each if isinstance(one, Finding))
    return Report(
        findings=tuple(findings),
        unchecked=tuple(one for each in told for one in each if isinstance(one, Unchecked)),
        well=tuple(check.name for check, each in zip(checks, told, strict=True) if not each),
    )


async def _done(check: Check) -> Told:
    try:
        async with asyncio.timeout(check.seconds):
            return await check.look()
    except TimeoutError:
        return [Unchecked(check.name, f"no answer within {check.seconds:.0f} s")]
    except CarillonError as error:
        return [Unchecked(check.name, str(error))]
    except Exception as error:  # noqa: BLE001  the doctor dies of nothing
        # Only its kind: the words of a foreign error may hold an address or a secret.
        return [Unchecked(check.name, f"it ended with {type(error).__name__}")]
