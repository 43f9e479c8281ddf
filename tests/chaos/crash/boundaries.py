"""The boundaries whose crash points are enumerated."""

from tests.chaos.crash.boundary import Boundary
from tests.chaos.crash.messages import Relay, classifier_inbox, notifier_inbox, retry

BOUNDARIES: tuple[Boundary, ...] = (Relay(), classifier_inbox(), notifier_inbox(), retry())
