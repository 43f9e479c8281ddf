"""A digest as its channel takes it: one package, or several that go one after the other."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.notifier import bounces
from services.notifier.digest import Digest
from services.notifier.links import links_of
from services.notifier.recipient import MAIL
from services.notifier.render import note, slack, webhook
from services.notifier.render.links import NO_PAGES, Links
from services.notifier.render.mail import Envelope, written
from services.notifier.senders import Package, Target
from services.notifier.subscription import Subscription
from services.notifier.tokens import Tokens
from services.notifier.vault import Vault, is_sealed
from shared.errors import Permanent


@dataclass(frozen=True)
class Identity:
    """As whom we write: the From address, the List-Id, the right side of Message-IDs."""

    sender: str
    list_id: str
    host: str


@dataclass(frozen=True)
class Means:
    """What a message needs beside its digest.

    `public_url` is where the pages are, without a last slash, and `tokens` sign the links to them;
    without either there are none. `vault` opens targets; `bounce_address` is what mails return to.
    """

    tokens: Tokens | None = None
    public_url: str | None = None
    vault: Vault | None = None
    bounce_address: str | None = None


def target(one: Subscription, digest_id: str, means: Means) -> Target:
    """Where a digest goes; opened only now.

    Raises:
        Permanent: the target cannot be opened with the keys that are given.
    """
    address = _opened(one.address.get_secret_value(), means)
    secret = _opened(one.secret.get_secret_value(), means) if one.secret else None
    return Target(address, secret, _bounce_to(one, digest_id, means))


def _opened(text: str, means: Means) -> str:
    if not is_sealed(text):
        return text
    if means.vault is None:
        raise Permanent("a sealed target cannot be opened: set NOTIFIER_SECRET_KEY")
    return means.vault.open(text)


def _bounce_to(one: Subscription, digest_id: str, means: Means) -> str | None:
    if one.channel not in MAIL or means.bounce_address is None or means.tokens is None:
        return None
    return bounces.address_for(means.tokens, means.bounce_address, "digest", digest_id)


def packages(
    digest: Digest, one: Subscription, to: Target, means: Means, identity: Identity
) -> Sequence[Package]:
    """The messages of a digest in order, the same bytes each time.

    Raises:
        Permanent: an address or link that no header can carry.
    """
    links = _links(digest, means)
    if one.channel == "slack":
        made = slack.payloads(digest, links)
        return [Package(f"{digest.id}.{n}", _json(part)) for n, part in enumerate(made, 1)]
    if one.channel == "webhook":
        return [Package(digest.id, webhook.payload(digest, links))]
    if one.channel == "apprise":
        return [Package(digest.id, note.note(digest, links))]
    envelope = Envelope(identity.sender, to.address, identity.list_id, identity.host, links)
    mail = written(digest, envelope)
    return [Package(mail.message_id, mail.content)]


def _links(digest: Digest, means: Means) -> Links:
    if means.tokens is None or means.public_url is None:
        return NO_PAGES
    links = links_of(means.tokens, means.public_url, digest)
    return replace(links, permalink=None) if digest.kind == "replay" else links


def _json(payload: object) -> bytes:
    return json.dumps(payload, ensure_ascii=False).encode()
