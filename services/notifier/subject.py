"""The subject line of a digest: what is inside, in at most 90 characters."""

from zoneinfo import ZoneInfo

from services.notifier.digest import Digest
from services.notifier.item import MONTHS, clean
from services.notifier.render.words import counted
from services.notifier.standing import GRAVITY, of_kind

_SUBJECT = 90


def subject(digest: Digest) -> str:
    """One line of at most 90 characters that says what is inside, notices always among it."""
    parts = (*_notice_parts(digest), *_background_part(digest))
    opening, ending = _opening(digest)
    fixed = len(opening) + len(ending) + sum(len(part) + 2 for part in parts)
    lead = opening + _cut(clean(digest.topic_title), max(16, min(40, _SUBJECT - fixed))) + ending
    room = _SUBJECT - len(lead) - sum(len(part) + 2 for part in parts)
    told = (*_group_parts(digest, room), *parts)
    return _cut(f"{lead}: {', '.join(told)}" if told else lead, _SUBJECT)


def _opening(digest: Digest) -> tuple[str, str]:
    """What stands before and after the topic; the day tells one quiet digest from the next."""
    if digest.kind == "replay":
        return f"[Replay] {counted(digest.total + len(digest.all_background), 'article')} on ", ""
    start = "Catch-up: " if digest.catch_up_from and digest.total else ""
    start += "" if digest.coverage.is_sound else "Incomplete: "
    if digest.total:
        return f"{start}{digest.total} new on ", ""
    if digest.notices:
        return f"{start}Notice on ", ""
    until = digest.period_to.astimezone(ZoneInfo(digest.time_zone))
    return f"{start}Nothing new on ", f" by {until.day} {MONTHS[until.month - 1]} {until.year}"


def _notice_parts(digest: Digest) -> tuple[str, ...]:
    kinds = [notice.kind for notice in digest.notices]
    counts = ((kinds.count(kind), of_kind(kind).noun) for kind in GRAVITY)
    return tuple(f"{n} {noun}{'s' * (n > 1)}" for n, noun in counts if n)


def _background_part(digest: Digest) -> tuple[str, ...]:
    """Said where nothing is new, so that it is never taken for news."""
    number = len(digest.all_background)
    return (f"{number} from the background",) if number and not digest.total else ()


def _group_parts(digest: Digest, room: int) -> tuple[str, ...]:
    """The largest groups that fit in `room` characters; what is left over as "n other"."""
    parts: list[str] = []
    left = digest.total
    for group in sorted(digest.groups, key=lambda g: -g.count):
        part, rest = f"{group.count} {_cut(clean(group.name), 24)}", left - group.count
        tail = [f"{rest} other"] if rest else []
        if sum(len(words) + 2 for words in [*parts, part, *tail]) > room:
            break
        parts.append(part)
        left = rest
    return (*parts, f"{left} other") if parts and left else tuple(parts)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
