"""Each way a mail server can answer, and what it means for the digest and the subscriber."""

import ssl
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any, get_args

import pytest
from aiosmtplib.errors import SMTPException, SMTPRecipientRefused
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from services.notifier.senders import AnswerLost, Package, RecipientRejected, Target
from services.notifier.senders.capture import CaptureSender
from services.notifier.senders.choose import choose
from services.notifier.senders.connection import SmtpServer, stuffed
from services.notifier.senders.smtp import SmtpSender, translate
from services.notifier.subscription import Channel
from shared.errors import Permanent, Retryable
from tests.unit.notifier.mailserver import (
    Mailbox,
    only_with,
    scripted_server,
    self_signed,
    smtp_server,
)

READER = "reader@example.org"


def mail() -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Carillon <news@example.org>"
    message["To"] = READER
    message["Subject"] = "Sjögren: 2 new"
    message["Message-ID"] = "<d1@example.org>"
    message.set_content("Two papers.\n.\nA line with one dot stands above; Sjögren.\n")
    return message


def package(message: EmailMessage | None = None) -> Package:
    message = message or mail()
    return Package(str(message["Message-ID"]), message.as_bytes(policy=SMTP.clone(cte_type="7bit")))


TO = Target(READER)


def sender(port: int, **server: Any) -> SmtpSender:
    given = {"tls": "none", "command_seconds": 2.0, "total_seconds": 5.0, **server}
    return SmtpSender(SmtpServer("127.0.0.1", port, **given), "news@example.org")


async def sent(port: int, **server: Any) -> None:
    """One mail over a connection of its own."""
    one = sender(port, **server)
    try:
        await one.send(package(), TO)
    finally:
        await one.close()


async def fault_of(port: int, **server: Any) -> Exception:
    with pytest.raises((Retryable, Permanent)) as fault:
        await sent(port, **server)
    for error in (fault.value, fault.value.__cause__):
        assert "example.org" not in str(error)
    assert fault.value.__suppress_context__ or fault.value.__context__ is None
    return fault.value


async def test_a_mail_arrives_as_it_was_rendered() -> None:
    mailbox = Mailbox()
    async with smtp_server(mailbox) as port:
        await sent(port)
    (envelope,) = mailbox.accepted
    assert (envelope.mail_from, envelope.rcpt_tos) == ("news@example.org", [READER])
    assert isinstance(envelope.content, bytes)
    assert envelope.content.rstrip() == package().content.rstrip()
    found = message_from_bytes(envelope.content, policy=SMTP)
    assert found["Subject"] == "Sjögren: 2 new"
    assert "\n.\n" in found.get_content().replace("\r\n", "\n")


def test_a_message_travels_in_seven_bits_and_the_same_each_time() -> None:
    assert package().content.isascii()
    assert package().content == package().content
    assert b"\n" not in package().content.replace(b"\r\n", b"")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("450 4.2.0 greylisted, come back", Retryable),
        ("451 local error", Retryable),
        ("452 4.2.2 mailbox full", Retryable),
        ("550 5.1.1 <reader@example.org> no such user", RecipientRejected),
        ("551 user not local", RecipientRejected),
        ("553 5.1.3 bad address", RecipientRejected),
        ("554 5.7.1 <reader@example.org> relay access denied", Retryable),
        ("550 5.1.8 <news@example.org>: Sender address rejected: Domain not found", Retryable),
        ("553 5.1.7 <news@example.org>: Sender address rejected", Retryable),
        ("530 log in first", Retryable),
        ("503 5.5.1 bad sequence", Retryable),
        ("552 5.2.2 mailbox full", Retryable),
    ],
)
async def test_an_answer_about_the_recipient(answer: str, kind: type[Exception]) -> None:
    async with smtp_server(Mailbox(rcpt=answer)) as port:
        fault = await fault_of(port)
    assert type(fault) is kind
    assert answer[:3] in str(fault)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("451 4.3.0 try later", Retryable),
        ("452 4.3.1 disk full", Retryable),
        ("550 5.1.1 no such user after all", RecipientRejected),
        ("554 5.7.1 looks like spam", Permanent),
        ("552 5.3.4 too big", Permanent),
        ("552 5.2.3 too long for this mailbox", Permanent),
        ("552 5.2.2 mailbox full", Retryable),
        ("550 5.1.8 sender rejected", Retryable),
        ("554 refused", Permanent),
    ],
)
async def test_an_answer_about_the_message(answer: str, kind: type[Exception]) -> None:
    async with smtp_server(Mailbox(data=answer)) as port:
        fault = await fault_of(port)
    assert type(fault) is kind
    assert answer[:3] in str(fault)


async def test_a_refused_sender_is_for_the_operator_and_no_recipients_fault() -> None:
    async with smtp_server(Mailbox(mail="553 5.1.8 news@example.org unknown")) as port:
        fault = await fault_of(port)
    assert isinstance(fault, Retryable)
    assert "553 5.1.8 to us: check NOTIFIER_SMTP_USER" in str(fault)


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")
@pytest.mark.filterwarnings("ignore:Session.login_data is deprecated:DeprecationWarning")
async def test_a_user_and_password_are_given_when_asked() -> None:
    mailbox = Mailbox()
    options = {"authenticator": only_with("u", "p"), "auth_required": True}
    async with smtp_server(mailbox, auth_require_tls=False, **options) as port:
        await sent(port, user="u", password=SecretStr("p"))
        fault = await fault_of(port, user="u", password=SecretStr("wrong-secret"))
        anonymous = await fault_of(port)
    assert len(mailbox.accepted) == 1
    assert isinstance(fault, Retryable)
    assert "535 5.7.8 to us: check NOTIFIER_SMTP_USER" in str(fault)
    assert "wrong-secret" not in str(fault)
    assert isinstance(anonymous, Retryable)


HELLO, OK, GO = "220 ready", "250 OK", "354 go"


@pytest.mark.parametrize(
    "answers",
    [
        (None,),
        (HELLO, None),
        (HELLO, OK, None),
        (HELLO, OK, OK, None),
        (HELLO, OK, OK, OK, None),
        (HELLO, OK, OK, OK, GO, None),
        ("421 too busy",),
        ("554 no service here",),
        (HELLO, "421 shutting down", "421 shutting down"),
        (HELLO, OK, OK, OK, "451 not now", OK),
    ],
)
async def test_a_connection_that_breaks_off_anywhere_is_tried_again(
    answers: tuple[str | None, ...],
) -> None:
    async with scripted_server(*answers) as port:
        assert isinstance(await fault_of(port), Retryable)


@pytest.mark.parametrize(
    ("answers", "may_have_arrived"),
    [
        ((HELLO, OK, OK, None), False),
        ((HELLO, OK, OK, OK, None), False),
        ((HELLO, OK, OK, OK, GO, None), True),
        ((HELLO, OK, OK, OK, "451 not now", OK), False),
        ((HELLO, OK, OK, OK, GO, "451 not now", OK), False),
        ((HELLO, OK, OK, OK, GO, "451 not now", "250-and so on"), False),
        ((HELLO, OK, OK, OK, GO, "250-and so on"), True),
        ((HELLO, OK, OK, OK, GO, "nonsense"), True),
    ],
)
async def test_only_an_answer_that_did_not_come_means_that_the_mail_may_have_arrived(
    answers: tuple[str | None, ...], may_have_arrived: bool
) -> None:
    async with scripted_server(*answers) as port:
        fault = await fault_of(port, command_seconds=0.3)
    assert isinstance(fault, AnswerLost) is may_have_arrived


async def test_a_connection_lost_after_the_acceptance_is_no_failure() -> None:
    async with scripted_server(HELLO, OK, OK, OK, GO, OK, None) as port:
        await sent(port)


async def test_a_farewell_that_hangs_after_the_acceptance_is_no_failure() -> None:
    async with scripted_server(HELLO, OK, OK, OK, GO, OK, "250-and so on") as port:
        await sent(port, total_seconds=0.3)
    async with scripted_server(HELLO, OK, OK, OK, GO, OK, "nonsense") as port:
        await sent(port)


async def test_a_server_that_does_not_answer_is_given_up_in_time() -> None:
    async with scripted_server(HELLO, OK, OK, OK, GO, "250-and so on") as port:
        fault = await fault_of(port, command_seconds=0.2)
        assert "no answer in time" in str(fault)
        assert "no answer in time" in str(await fault_of(port, total_seconds=0.2))


async def test_a_server_that_is_not_there_is_tried_again() -> None:
    async with scripted_server() as port:
        pass
    fault = await fault_of(port)
    assert isinstance(fault, Retryable)
    assert "cannot be reached (check NOTIFIER_SMTP_HOST" in str(fault)


async def test_encryption_that_the_server_does_not_offer_is_never_done_without() -> None:
    mailbox = Mailbox()
    async with smtp_server(mailbox) as port:
        fault = await fault_of(port, tls="starttls")
        assert isinstance(fault, Retryable)
        assert "does not offer what NOTIFIER_SMTP_TLS" in str(fault)
        assert isinstance(await fault_of(port, tls="tls"), Retryable)
    assert mailbox.accepted == []


TLS = [("starttls", "tls_context"), ("tls", "ssl_context")]


@pytest.mark.parametrize(("tls", "option"), TLS)
async def test_a_mail_goes_encrypted(
    tls: str, option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    mailbox = Mailbox()
    async with smtp_server(mailbox, **{option: context}) as port:
        await sent(port, tls=tls)
    assert len(mailbox.accepted) == 1


@pytest.mark.parametrize(("tls", "option"), TLS)
async def test_a_certificate_that_nobody_vouches_for_is_refused(
    tls: str, option: str, tmp_path: Path
) -> None:
    mailbox = Mailbox()
    async with smtp_server(mailbox, **{option: self_signed(tmp_path)}) as port:
        assert isinstance(await fault_of(port, tls=tls), Retryable)
    assert mailbox.accepted == []


@pytest.mark.parametrize(
    "error",
    [
        SMTPException("odd"),
        ConnectionResetError(104, "reset"),
        ssl.SSLError("bad certificate"),
        OSError("unreachable"),
        SMTPRecipientRefused(450, "later", READER),
    ],
)
def test_any_other_fault_of_the_library_is_tried_again(error: SMTPException | OSError) -> None:
    assert isinstance(translate(error), Retryable)


async def test_a_captured_mail_is_one_file_named_by_its_message(tmp_path: Path) -> None:
    capture = CaptureSender(tmp_path / "mail")
    await capture.send(package(), TO)
    await capture.send(package(), TO)
    (path,) = (tmp_path / "mail").iterdir()
    assert path.name == "d1_example.org.eml"
    assert path.read_bytes() == package().content


async def test_a_message_id_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    message = mail()
    message.replace_header("Message-ID", "<../../etc/passwd@x>")
    await CaptureSender(tmp_path / "mail").send(package(message), TO)
    (path,) = (tmp_path / "mail").iterdir()
    assert path.name == ".._.._etc_passwd_x.eml"


async def test_a_folder_that_cannot_be_written_to_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("a file where the folder should be")
    with pytest.raises(Retryable, match=r"cannot be written to.*NOTIFIER_CAPTURE_DIR"):
        await CaptureSender(tmp_path / "mail").send(package(), TO)


def test_without_a_server_everything_is_captured(tmp_path: Path) -> None:
    senders = choose(tmp_path, None, "Carillon <news@example.org>")
    assert set(senders) == set(get_args(Channel))
    assert all(one == CaptureSender(tmp_path) for one in senders.values())


def test_with_a_server_mail_goes_to_it_from_the_plain_address(tmp_path: Path) -> None:
    server = SmtpServer("mail.example.org", 587)
    senders = choose(tmp_path, server, "Carillon <news@example.org>")
    assert set(senders) == set(get_args(Channel))
    mail = senders["email"]
    assert isinstance(mail, SmtpSender)
    assert (mail.server, mail.mail_from) == (server, "news@example.org")
    assert senders["capture"] == CaptureSender(tmp_path)


@given(st.lists(st.text(alphabet=".ab", max_size=4).map(str.encode), min_size=1, max_size=8))
def test_a_server_reads_the_lines_that_were_sent(lines: list[bytes]) -> None:
    *sent, end, rest = stuffed(b"".join(one + b"\r\n" for one in lines)).split(b"\r\n")
    assert (end, rest) == (b".", b"")
    assert b"." not in sent
    assert [one.removeprefix(b".") for one in sent] == lines
