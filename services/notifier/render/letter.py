"""A letter as an Internet message: text and HTML that say the same, in the look of the digests."""

from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime

from services.notifier.item import clean
from services.notifier.letters import Words
from services.notifier.render import headers, palette
from services.notifier.render.environment import for_html, wrapped
from services.notifier.render.mail import Envelope, Written


def letter(words: Words, envelope: Envelope, letter_id: str, at: datetime) -> Written:
    """The mail, the same bytes each time.

    Raises:
        Permanent: an address, id or host that no header can carry.
    """
    mail = EmailMessage(policy=headers.policy())
    mail["Subject"] = clean(words.subject)
    mail["From"] = headers.address(envelope.sender, "sender")
    mail["To"] = headers.address(envelope.recipient, "recipient")
    mail["Date"] = format_datetime(at.astimezone(UTC))
    mail["Message-ID"] = headers.message_id(letter_id, envelope.host)
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(_text(words), cte="quoted-printable")
    mail.add_alternative(_html(words), subtype="html", cte="quoted-printable")
    mail.set_boundary(headers.boundary(letter_id))
    return Written(str(mail["Message-ID"]), headers.wire(mail))


def _text(words: Words) -> str:
    paragraphs = [words.title, wrapped(clean(words.lead))]
    if words.facts:
        paragraphs.append(
            "\n".join(wrapped(clean(f"{name}: {said}"), 0, 2) for name, said in words.facts)
        )
    after = (wrapped(clean(line)) for line in words.after)
    paragraphs += [f"{words.button}:\n{words.url}", *after, "-- \nCarillon"]
    return "\n\n".join(paragraphs) + "\n"


def _html(words: Words) -> str:
    template = for_html().get_template("letter/body.html.j2")
    return template.render(words=words, painted=palette.painted, dark_rules=palette.dark_rules())
