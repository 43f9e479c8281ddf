"""The boundaries whose crash points are enumerated."""

from tests.chaos.crash.boundary import Boundary
from tests.chaos.crash.mails import DeliveryLedger, Letters
from tests.chaos.crash.messages import Relay, classifier_inbox, notifier_inbox, retry
from tests.chaos.crash.polls import PollLedger, Windows

BOUNDARIES: tuple[Boundary, ...] = (
    Relay(),
    classifier_inbox(),
    notifier_inbox(),
    retry(),
    DeliveryLedger(),
    Letters(),
    PollLedger(),
    Windows(),
)
