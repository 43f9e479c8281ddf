"""Which sender stands behind each channel."""

from email.utils import parseaddr
from pathlib import Path

from services.notifier.senders import Senders
from services.notifier.senders.apprise import AppriseSender
from services.notifier.senders.capture import CaptureSender
from services.notifier.senders.connection import SmtpServer
from services.notifier.senders.outgoing import Outgoing
from services.notifier.senders.slack import SlackSender
from services.notifier.senders.smtp import SmtpSender
from services.notifier.senders.targets import Admission, Gate
from services.notifier.senders.webhook import WebhookSender

CHANNELS = ("email", "slack", "webhook", "apprise", "capture")


def choose(
    capture_dir: Path, server: SmtpServer | None, mail_from: str, gate: Gate | None = None
) -> Senders:
    """Senders by channel; without a server everything is captured, and nothing real is sent."""
    capture = CaptureSender(capture_dir)
    if server is None:
        return dict.fromkeys(CHANNELS, capture)
    gate = gate or Admission()
    outgoing = Outgoing(gate)
    return {
        "email": SmtpSender(server, parseaddr(mail_from)[1]),
        "slack": SlackSender(outgoing),
        "webhook": WebhookSender(outgoing),
        "apprise": AppriseSender(gate),
        "capture": capture,
    }
