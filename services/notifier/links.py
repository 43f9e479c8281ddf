"""The links of one digest to one reader: our pages' addresses with the tokens they ask for.

Pure, and the same each time: a digest that is sent again is the same to the byte.
"""

from services.notifier.digest import DigestHead
from services.notifier.render.links import Links
from services.notifier.tokens import Tokens


def links_of(tokens: Tokens, public_url: str, digest: DigestHead) -> Links:
    """Links for the digest, all without an end; `public_url` is without a last slash.

    The one to manage only asks for another, which is mailed: a digest is often passed on, and who
    has it from a colleague must not change or take along what is that reader's.
    """
    return Links(
        leave=f"{public_url}/leave?token={tokens.sign('leave', digest.subscription_id)}",
        manage=f"{public_url}/link?s={tokens.sign('ask', digest.subscription_id)}",
        permalink=f"{public_url}/digests/{tokens.sign('digest', digest.id)}",
    )
