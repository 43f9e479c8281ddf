"""Which sender stands behind each channel."""

from email.utils import parseaddr
from pathlib import Path

from services.notifier.senders import Senders
from services.notifier.senders.capture import CaptureSender
from services.notifier.senders.smtp import SmtpSender, SmtpServer


def choose(capture_dir: Path, server: SmtpServer | None, mail_from: str) -> Senders:
    """Senders by channel; without a server everything is captured, and nothing real is sent."""
    capture = CaptureSender(capture_dir)
    if server is None:
        return {"email": capture, "capture": capture}
    return {"email": SmtpSender(server, parseaddr(mail_from)[1]), "capture": capture}
