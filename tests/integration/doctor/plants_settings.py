"""Planted in what an operator writes: variables, secrets, files."""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from services.console.doctor.codes import Code
from tests.integration.doctor.patient import ANYWHERE, SUBSCRIPTION, Patient
from tests.integration.doctor.plants import Planted, planted, set_to

ROOT = Path(__file__).parents[3]


def _written(patient: Patient, name: str, text: str) -> str:
    path = patient.folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def _readers(patient: Patient, old: str, new: str) -> dict[str, str]:
    text = SUBSCRIPTION.replace(old, new)
    return {"NOTIFIER_SUBSCRIPTIONS_FILE": _written(patient, "readers.toml", text)}


def _topics(patient: Patient, old: str, new: str) -> dict[str, str]:
    folder = patient.folder / "topics"
    folder.mkdir(exist_ok=True)
    text = (ROOT / "topics" / "car-autoimmune.toml").read_text(encoding="utf-8")
    assert old in text
    (folder / "car-autoimmune.toml").write_text(text.replace(old, new), encoding="utf-8")
    return {"POLLER_TOPICS_DIR": str(folder)}


set_to(Code.SETTING_UNKNOWN, "mistyped service", lambda _: {"POLER_NCBI_EMAIL": "a@b.org"})
set_to(Code.SETTING_UNKNOWN, "mistyped field", lambda _: {"NOTIFIER_SMTP_HOTS": "mail"})
set_to(Code.SETTING_UNKNOWN, "invented", lambda _: {"CARILLON_VERBOSITY_OF_ALL": "9"})
set_to(Code.SETTING_WRONG, "no number", lambda _: {"POLLER_MAX_REREAD": "many"})
set_to(Code.SETTING_WRONG, "half an endpoint", lambda _: {"CLASSIFIER_OPINION_TIMEOUT": "-1"})
set_to(Code.SETTING_TWICE, "value and file", lambda _: {"NOTIFIER_ADMIN_PASSWORD": "x" * 20})
set_to(
    Code.SECRET_UNREADABLE, "not there", lambda p: {"POLLER_AMQP_URL_FILE": str(p.folder / "none")}
)
set_to(
    Code.SECRET_UNREADABLE, "a folder, as Docker makes one where there is no file",
    lambda p: {"NOTIFIER_HOOK_TOKEN_FILE": str(p.folder / "accounts")},
)  # fmt: skip
set_to(Code.SECRET_EMPTY, "a URL", lambda p: p.secret("CLASSIFIER_DATABASE_URL", ""))
set_to(Code.SECRET_EMPTY, "mail's password", lambda p: p.secret("NOTIFIER_SMTP_PASSWORD", ""))
set_to(Code.KEY_MISSING, "empty file", lambda p: p.secret("NOTIFIER_SECRET_KEY", ""))
set_to(Code.KEY_SHORT, "an older one", lambda p: p.secret("NOTIFIER_SECRET_KEY", "k" * 30 + ",old"))
set_to(Code.ADMIN_PASSWORD_SHORT, "admin", lambda p: p.secret("NOTIFIER_ADMIN_PASSWORD", "admin"))
set_to(Code.TOPIC_WRONG, "no number", lambda p: _topics(p, "39450112", '"the review"'))
set_to(Code.NCBI_SEED, "a digit too few", lambda p: _topics(p, "39450112", "3945011"))
set_to(Code.TOPIC_UNKNOWN, "mistyped", lambda p: _readers(p, "car-autoimmune", "car-autoimune"))
set_to(
    Code.TAXONOMY_WRONG, "no taxonomy",
    lambda p: {"CLASSIFIER_TAXONOMY": _written(p, "taxonomy.toml", "version = 1")},
)  # fmt: skip
set_to(
    Code.SUBSCRIPTIONS_UNREADABLE, "not there",
    lambda p: {"NOTIFIER_SUBSCRIPTIONS_FILE": str(p.folder / "nobody.toml")},
)  # fmt: skip
set_to(Code.SUBSCRIPTIONS_WRONG, "unknown field", lambda p: _readers(p, "confirmed", "confirm"))
set_to(Code.SUBSCRIPTIONS_WRONG, "not TOML", lambda p: _readers(p, "true", "yes"))
set_to(Code.TIME_ZONE_UNKNOWN, "mistyped", lambda p: _readers(p, "Europe/", "Europa/"))


@planted(Code.TARGET_WRONG)
async def _no_slack_webhook(patient: Patient) -> AsyncIterator[Planted]:
    slack = 'channel = "slack"\naddress = "https://slack.com/app/T0/B0"\nowner'
    yield Planted(_readers(patient, "address", slack))


@planted(Code.SECRET_OPEN)
async def _for_everybody(patient: Patient) -> AsyncIterator[Planted]:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "key").write_text("k" * 40, encoding="utf-8")
        (folder / "key").chmod(0o644)
        yield Planted({"NOTIFIER_SECRET_KEY_FILE": str(folder / "key")})


set_to(Code.MAIL_CAPTURED, "to files", lambda _: {"NOTIFIER_DELIVERY": "capture"})
set_to(Code.MAIL_CATCHER, "the demo's", lambda _: {"NOTIFIER_SMTP_HOST": "maildev"})
set_to(
    Code.MAIL_FROM_LOCAL,
    "sender",
    lambda _: {"NOTIFIER_MAIL_FROM": "Carillon <carillon@localhost>"},
)
set_to(Code.MAIL_FROM_LOCAL, "list", lambda _: {"NOTIFIER_LIST_ID": "carillon.localhost"})
set_to(Code.PUBLIC_URL_LOCAL, "here", lambda _: {"NOTIFIER_PUBLIC_URL": "https://localhost"})
set_to(
    Code.PUBLIC_URL_HTTP, "no TLS",
    lambda p: {"NOTIFIER_PUBLIC_URL": f"http://{ANYWHERE}:{p.environment['NOTIFIER_WEB_PORT']}"},
)  # fmt: skip
set_to(
    Code.SMTP_CLEAR, "no TLS",
    lambda _: {"NOTIFIER_SMTP_TLS": "none", "NOTIFIER_SMTP_HOST": ANYWHERE},
)  # fmt: skip
set_to(
    Code.DEMO_LEFT, "its clock",
    lambda p: {"NOTIFIER_CLOCK_FILE": _written(p, "now", "2026-09-14T06:00:00+00:00")},
)  # fmt: skip
