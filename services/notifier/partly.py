"""A digest that goes in several messages, some of which its channel has taken already.

Pure. What was accepted is not sent again, and what was not is neither lost nor called told. Which
part tells of which article is read off the parts themselves, by the article's address in PubMed.
"""

import json
import re
from collections.abc import Collection, Sequence
from typing import Any

from services.notifier.digest import Digest
from services.notifier.render.words import pubmed
from services.notifier.senders import Package


def told_by(digest: Digest, packages: Sequence[Package], first: int) -> set[int]:
    """PMIDs of the digest, its notices' included, that its first so many parts tell of.

    All of them together tell of everything, also of what they only lead to.
    """
    told = {*digest.told, *(notice.pmid for notice in digest.notices)}
    if first >= len(packages):
        return told
    return {pmid for pmid in told if any(_names(part, pmid) for part in packages[:first])}


def without(package: Package, gone: Collection[int]) -> Package:
    """A Slack message that was not sent yet, without the articles that were retracted since.

    The digest itself stays as it is: made anew without them, it would be cut at other places, and
    what was accepted would come again.
    """
    hit = [pmid for pmid in gone if _names(package, pmid)]
    if not hit:
        return package
    payload = json.loads(package.content)
    kept = [_unlinked(block, hit) for block in payload["blocks"] if not _shows(block, hit)]
    changed = {**payload, "blocks": kept or payload["blocks"][:0]}
    return Package(package.id, json.dumps(changed, ensure_ascii=False).encode())


def _names(package: Package, pmid: int) -> bool:
    return pubmed(pmid).encode() in package.content


def _shows(block: dict[str, Any], pmids: Collection[int]) -> bool:
    """Whether this block is one of these articles: it begins with its title and address."""
    text = _text(block)
    return any(text.startswith(f"*<{pubmed(pmid)}|") for pmid in pmids)


def _unlinked(block: dict[str, Any], pmids: Collection[int]) -> dict[str, Any]:
    """A list of links, or another article, that names these: their links go."""
    text = changed = _text(block)
    for pmid in pmids:
        changed = re.sub(rf" ?<{re.escape(pubmed(pmid))}\|[^>]*>", "", changed)
    return block if changed == text else {**block, "text": {**block["text"], "text": changed}}


def _text(block: dict[str, Any]) -> str:
    held = block.get("text")
    return str(held.get("text", "")) if isinstance(held, dict) else ""
