"""What must hold of every payload for Slack, told as a list of faults: none is right.

Limits: Slack's block reference; 12,000 characters in all for the undocumented limit of about
13,200 (slackapi/bolt-js#2509).
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block

BLOCKS, TEXT, HEADER, ELEMENTS, URL, TOTAL = 50, 3_000, 150, 10, 3_000, 12_000
KINDS = {"header", "section", "context", "divider"}

_TAG = re.compile(r"<([^<>]*)>")


def faults(payload: dict[str, Any]) -> list[str]:
    """What is wrong with one payload."""
    return [*_whole(payload), *(told for one in payload["blocks"] for told in _block(one))]


def _whole(payload: dict[str, Any]) -> Iterator[str]:
    if set(payload) != {"text", "blocks", "unfurl_links", "unfurl_media"}:
        yield f"other fields than those of a message: {sorted(payload)}"
    if not payload["text"].strip() or len(payload["text"]) > 1_000:
        yield "a fallback text that says nothing, or too much"
    if not 1 <= len(payload["blocks"]) <= BLOCKS:
        yield f"{len(payload['blocks'])} blocks"
    if len(json.dumps(payload, ensure_ascii=False)) > TOTAL:
        yield f"{len(json.dumps(payload, ensure_ascii=False))} characters in all"
    yield from _marked(payload["text"])


def _block(block: dict[str, Any]) -> Iterator[str]:
    if block["type"] not in KINDS:
        yield f"a block of type {block['type']}"
    try:
        parsed = Block.parse(block)
        if parsed is None:
            yield "a block that slack_sdk does not know"
        else:
            parsed.validate_json()
    except SlackObjectFormationError as error:
        yield f"slack_sdk: {error}"
    limit = HEADER if block["type"] == "header" else TEXT
    texts = [block["text"]] if "text" in block else block.get("elements", [])
    if len(texts) > ELEMENTS:
        yield f"{len(texts)} elements in a context"
    for text in texts:
        if not 0 < len(text["text"]) <= limit or not text["text"].strip():
            yield f"a text of {len(text['text'])} characters"
        if text["type"] == "mrkdwn":
            yield from _marked(text["text"])


def _marked(text: str) -> Iterator[str]:
    """Angle brackets make links only, never a mention; a bare ampersand is an entity's."""
    for inside in _TAG.findall(text):
        url, bar, label = inside.partition("|")
        if not re.fullmatch(r"https?://[^\s|<>]+", url) or not bar or not label.strip():
            yield f"what is no link between angle brackets: {inside[:60]!r}"
        if len(url) > URL:
            yield "a link that is too long"
    bare = re.sub(r"^> ", "", _TAG.sub("", text), flags=re.MULTILINE)  # a quotation
    if re.search(r"[<>]", bare) or re.search(r"&(?!(amp|lt|gt);)", text):
        yield "a sign that is not escaped"
