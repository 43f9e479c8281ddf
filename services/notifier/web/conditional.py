"""Answers that need not be sent again while they are the same (RFC 9110, section 13)."""

import hashlib
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from fastapi import Request, Response

SHARED = "public, max-age=300"
"""Feed readers ask every few minutes, many of them for the same."""

OWN = "private, max-age=300"
"""What one reader may see is kept by nobody else."""


def answered(
    request: Request, body: bytes, media_type: str, changed: datetime, caching: str
) -> Response:
    """The body, or 304 for who has it already. `changed` is when it last did."""
    changed = changed.astimezone(UTC).replace(microsecond=0)
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {
        "ETag": tag,
        "Last-Modified": format_datetime(changed, usegmt=True),
        "Cache-Control": caching,
    }
    if _has_it(request, tag, changed):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=media_type)


def _has_it(request: Request, tag: str, changed: datetime) -> bool:
    known = request.headers.get("if-none-match")
    if known is not None:
        tags = {one.strip().removeprefix("W/") for one in known.split(",")}
        return tag in tags or "*" in tags
    since = _instant(request.headers.get("if-modified-since", ""))
    return since is not None and changed <= since


def _instant(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
