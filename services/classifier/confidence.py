"""From what a label rests on to the probability that it is right.

A logistic model for each facet, with a small correction for each label that had examples enough;
`carillon train` fits it, `weights/confidence.json` holds it. A facet or a label that is not there
(a curator's own) is reckoned as the others of its kind.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from math import exp, log
from operator import mul
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from services.classifier.features import NAMES
from shared.errors import ConfigurationError

WEIGHTS = Path(__file__).parent / "weights" / "confidence.json"
"""The weights that come with the service."""
LEAST, MOST = 0.02, 0.98
"""Nothing is certain, and nothing that is said is nothing."""
_FAR = log(MOST / LEAST)
STANDS_IN = {"target": "modality", "product": "modality"}
"""Facets that no annotator labelled: they rest on the same kind of phrases as modalities."""

UNSURE = "unclear"
"""A scope that claims nothing, so that it is neither right nor wrong."""

_Finite = Annotated[float, Field(allow_inf_nan=False)]


class FacetWeights(BaseModel):
    """One facet's model: log odds = start + sum(weight x feature) + the label's own correction.

    `examples` counts the labels that it was fitted on, `right` those of them that were right.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    examples: int
    right: int
    start: _Finite
    weights: dict[str, _Finite]
    labels: dict[str, _Finite] = {}

    @model_validator(mode="after")
    def _complete(self) -> "FacetWeights":
        if set(self.weights) != set(NAMES):
            wrong = ", ".join(sorted(set(self.weights) ^ set(NAMES)))
            raise ValueError(f"weights and features differ in {wrong}: run carillon train")
        return self

    @property
    def in_order(self) -> tuple[float, ...]:
        """The weights in the order of `features.NAMES`."""
        return tuple(self.weights[name] for name in NAMES)


class Weights(BaseModel):
    """The models of all facets, and the versions of the rules that they were fitted to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    classifier_version: str
    taxonomy_version: str
    facets: dict[str, FacetWeights] = Field(min_length=1)


class Confidence:
    """The weights, laid out for use: a few multiplications for each label."""

    def __init__(self, weights: Weights) -> None:
        self._facets = {
            name: (facet.start, facet.in_order, facet.labels)
            for name, facet in weights.facets.items()
        }

    def __call__(self, facet: str, label: str, features: Sequence[float], judged: float) -> float:
        """The probability (0 to 1) that a label is right.

        It is `judged` where no model speaks of it.
        """
        found = self._facets.get(facet) or self._facets.get(STANDS_IN.get(facet, ""))
        if found is None or label == UNSURE:
            return min(MOST, max(LEAST, judged))
        start, weights, labels = found
        odds = start + labels.get(label, 0.0) + sum(map(mul, weights, features))
        return probability(odds)


def probability(odds: float) -> float:
    """The probability of log odds, kept between `LEAST` and `MOST`."""
    if odds > _FAR:
        return MOST
    return LEAST if odds < -_FAR else 1.0 / (1.0 + exp(-odds))


def read_weights(text: str, origin: str) -> Weights:
    """Weights from JSON text; `origin` names it in errors.

    Raises:
        ConfigurationError: not JSON, or not the weights that this version reckons with.
    """
    try:
        return Weights.model_validate_json(text)
    except ValidationError as error:
        fault = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, fault["loc"])) or "file"
        raise ConfigurationError(f"weights {origin}, {place}: {fault['msg']}") from error


def load_weights(path: Path = WEIGHTS) -> Weights:
    """The weights in a file.

    Raises:
        ConfigurationError: as `read_weights`, or the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"weights {path} cannot be read ({error}): run carillon train, or install anew"
        ) from error
    return read_weights(text, str(path))


@cache
def shipped() -> Confidence:
    """The confidence that comes with the service: a constant, read when it is first needed."""
    return Confidence(load_weights())


def written(weights: Weights) -> str:
    """The weights as they stand in a file: a line for each number, so that changes can be read."""
    content: Mapping[str, object] = weights.model_dump()
    return json.dumps(content, indent=1, sort_keys=True) + "\n"
