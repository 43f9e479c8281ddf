"""Failures on demand: which request fails, and how."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Endpoint = Literal["esearch", "esummary", "efetch", "elink", "epost"]
Kind = Literal[
    "http_500",
    "http_429",
    "error_in_200",
    "html_page",
    "empty_body",
    "truncated",
    "timeout_400",
    "drop_connection",
]


class Rule(BaseModel):
    """When a failure happens: at the nth request to the endpoint, at a share of them, or always.

    `rate` needs `seed`; which requests it hits is fixed by both. `times` ends the rule after so
    many failures.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    endpoint: Endpoint | Literal["*"]
    kind: Kind
    nth: int | None = Field(default=None, ge=1)
    rate: float | None = Field(default=None, gt=0, le=1)
    seed: int | None = None
    always: bool = False
    times: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _one_trigger(self) -> Self:
        if sum([self.nth is not None, self.rate is not None, self.always]) != 1:
            raise ValueError("give exactly one of nth, rate and always")
        if (self.rate is None) != (self.seed is None):
            raise ValueError("rate and seed belong together")
        return self

    def hits(self, number: int) -> bool:
        """Whether the endpoint's request of this number (from 1) fails."""
        if self.rate is not None:
            digest = hashlib.sha256(f"{self.seed}:{number}".encode()).digest()
            return int.from_bytes(digest[:8], "big") / 2**64 < self.rate
        return self.always or number == self.nth


@dataclass
class _Armed:
    rule: Rule
    seen: int = 0
    fired: int = 0

    def fires(self) -> bool:
        self.seen += 1
        spent = self.rule.times is not None and self.fired >= self.rule.times
        if spent or not self.rule.hits(self.seen):
            return False
        self.fired += 1
        return True


@dataclass
class FaultPlan:
    """The rules in force. Requests are counted from the moment a rule is added."""

    _armed: list[_Armed] = field(default_factory=list)

    def add(self, rules: Iterable[Rule]) -> None:
        """Put rules in force, after those already there."""
        self._armed.extend(_Armed(rule) for rule in rules)

    def clear(self) -> None:
        """Back to health."""
        self._armed.clear()

    def next_fault(self, endpoint: str) -> Kind | None:
        """Count a request; the failure of the first rule that hits it."""
        about = [armed for armed in self._armed if armed.rule.endpoint in {endpoint, "*"}]
        fired = [armed.rule.kind for armed in about if armed.fires()]
        return fired[0] if fired else None
