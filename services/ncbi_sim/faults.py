"""Failures on demand: which request fails, and how."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from starlette.responses import Response

from services.ncbi_sim.kinds import Endpoint, Failure, Kind
from services.ncbi_sim.silent import BROKEN, UNTRUE
from services.ncbi_sim.spoil import Asked
from services.ncbi_sim.spoken import SPOKEN

__all__ = ["FAILURES", "Endpoint", "FaultPlan", "Kind", "Rule", "describe"]

FAILURES: Mapping[Kind, Failure] = {**SPOKEN, **BROKEN, **UNTRUE}
"""Every way in which NCBI was seen to fail, and a few that nobody reported."""


class Rule(BaseModel):
    """When a failure happens: at the nth request to the endpoint, at a share of them, or always.

    `rate` needs `seed`; which requests it hits is fixed by both. `times` ends the rule after so
    many failures. The kind "any" is each time another of all that can happen to the request,
    fixed by `seed`, and never one of `without`. A request that a kind cannot happen to is answered
    healthily. `seconds` is how long a slow answer takes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    endpoint: Endpoint | Literal["*"]
    kind: Kind | Literal["any"]
    nth: int | None = Field(default=None, ge=1)
    rate: float | None = Field(default=None, gt=0, le=1)
    seed: int | None = None
    always: bool = False
    times: int | None = Field(default=None, ge=1)
    seconds: float = Field(default=2.0, gt=0, le=3600)
    without: frozenset[Kind] = frozenset()

    @field_validator("kind", mode="before")
    @classmethod
    def _known_kind(cls, kind: object) -> object:
        if kind != "any" and kind not in FAILURES:
            raise ValueError(f"{kind!r} is no kind of failure; GET /_sim/faults lists them")
        return kind

    @model_validator(mode="after")
    def _one_trigger(self) -> Self:
        if sum([self.nth is not None, self.rate is not None, self.always]) != 1:
            raise ValueError("give exactly one of nth, rate and always")
        if self.rate is not None and self.seed is None:
            raise ValueError("rate and seed belong together: a rate needs a seed")
        if self.seed is not None and self.rate is None and self.kind != "any":
            raise ValueError("rate and seed belong together, unless the kind is any")
        return self

    @model_validator(mode="after")
    def _kind_and_endpoint_fit(self) -> Self:
        if self.without and self.kind != "any":
            raise ValueError("only the kind any can do without others")
        if self.kind == "any" or self.endpoint == "*":
            return self
        where = FAILURES[self.kind].endpoints
        if self.endpoint not in where:
            raise ValueError(f"{self.kind} happens at {', '.join(sorted(where))} only")
        return self

    def hits(self, number: int) -> bool:
        """Whether the endpoint's request of this number (from 1) fails."""
        if self.rate is not None:
            return self._chance(number) < self.rate
        return self.always or number == self.nth

    def kind_for(self, asked: Asked, number: int) -> Kind | None:
        """The kind that happens to the endpoint's request of this number, if one can."""
        if self.kind != "any":
            return self.kind if FAILURES[self.kind].happens_to(asked) else None
        fitting = [
            kind
            for kind, failure in FAILURES.items()
            if failure.any and kind not in self.without and failure.happens_to(asked)
        ]
        return fitting[int(self._chance(number, "kind") * len(fitting))] if fitting else None

    def _chance(self, number: int, of: str = "") -> float:
        digest = hashlib.sha256(f"{self.seed}:{number}{of}".encode()).digest()
        return int.from_bytes(digest[:8], "big") / 2**64


@dataclass
class _Armed:
    rule: Rule
    seen: int = 0
    fired: int = 0

    def fires(self, asked: Asked) -> Kind | None:
        self.seen += 1
        spent = self.rule.times is not None and self.fired >= self.rule.times
        if spent or not self.rule.hits(self.seen):
            return None
        kind = self.rule.kind_for(asked, self.seen)
        self.fired += kind is not None
        return kind


@dataclass
class FaultPlan:
    """The rules in force. Requests are counted from the moment a rule is added."""

    fired: Counter[str] = field(default_factory=Counter)
    _armed: list[_Armed] = field(default_factory=list)

    def add(self, rules: Iterable[Rule]) -> None:
        """Put rules in force, after those already there."""
        self._armed.extend(_Armed(rule) for rule in rules)

    def clear(self) -> None:
        """Back to health; what has failed so far stays counted."""
        self._armed.clear()

    @property
    def rules(self) -> list[dict[str, Any]]:
        """The rules in force, with the requests they have seen and failed."""
        return [
            {
                **armed.rule.model_dump(mode="json", exclude_defaults=True),
                "seen": armed.seen,
                "fired": armed.fired,
            }
            for armed in self._armed
        ]

    def response(self, asked: Asked) -> Response | None:
        """Count a request; the failure of the first rule that hits it, None if none does."""
        about = [armed for armed in self._armed if armed.rule.endpoint in {asked.endpoint, "*"}]
        fired = [(armed.rule, kind) for armed in about if (kind := armed.fires(asked))]
        if not fired:
            return None
        rule, kind = fired[0]
        number = self.fired[kind]
        self.fired[kind] += 1
        return FAILURES[kind].response(replace(asked, number=number, seconds=rule.seconds))


def describe() -> list[dict[str, Any]]:
    """All kinds with a line each, where they happen, and who reported them."""
    return [
        {
            "kind": kind,
            "endpoints": sorted(failure.endpoints),
            "says": failure.says,
            "source": failure.source,
        }
        for kind, failure in FAILURES.items()
    ]
