"""The links of one digest to one reader: our pages' addresses with the tokens they ask for.

Pure, and the same each time: a digest that is sent again is the same to the byte.
"""

from datetime import timedelta

from services.notifier.digest import DigestHead
from services.notifier.render.links import Links
from services.notifier.tokens import Tokens

MANAGE = timedelta(days=90)
"""How long the link of a digest opens its reader's page; later ones ask for a new link."""


def links_of(tokens: Tokens, public_url: str, digest: DigestHead, person: str) -> Links:
    """Links for the digest to the `person` (the hash that `recipient` gives).

    `public_url` is without a last slash. The way out, and the permalink, have no end.
    """
    until = digest.created_at + MANAGE
    return Links(
        leave=f"{public_url}/leave?token={tokens.sign('leave', digest.subscription_id)}",
        manage=f"{public_url}/manage?token={tokens.sign('manage', person, until)}",
        permalink=f"{public_url}/digests/{tokens.sign('digest', digest.id)}",
    )
