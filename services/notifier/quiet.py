"""Whether a digest has anything to say: nothing to bring, to warn of, or that may be missed.

Pure.
"""

from datetime import timedelta

from services.notifier.digest import Coverage, Digest

LONG = timedelta(days=1)
"""Who is told at once is not told of a source that is unwell for less than this."""


def is_empty(digest: Digest) -> bool:
    """Whether it brings no paper and no notice."""
    return not (digest.total or digest.notices or digest.all_background)


def is_quiet(digest: Digest, told: Coverage | None = None) -> bool:
    """Nothing to bring, nothing to warn of, and nothing that may have been missed.

    `told` is the coverage of the last digest that this subscriber was sent. A relation that has
    been open for so long that it is an alarm may stay so for weeks: who skips empty digests is
    sent one about it once, and reads of it again in every digest that comes for another reason.
    """
    if not is_empty(digest):
        return False
    checked = digest.coverage
    if digest.cadence == "immediate":
        return not _warns_at_once(digest, told)
    return not checked.in_processing and not _warns(checked, told)


def _warns(now: Coverage, told: Coverage | None) -> bool:
    alarms = {(one.what, one.since) for one in now.troubles if one.alarm}
    only_alarms = not now.silent and bool(alarms) and all(one.alarm for one in now.troubles)
    return _has_new_alarm(now, told) if only_alarms else not now.healthy


def _has_new_alarm(now: Coverage, told: Coverage | None) -> bool:
    alarms = {(one.what, one.since) for one in now.troubles if one.alarm}
    known = {(one.what, one.since) for one in told.troubles if one.alarm} if told else set()
    return bool(alarms - known)


def _warns_at_once(digest: Digest, told: Coverage | None) -> bool:
    """Every quarter of an hour is no time to warn: of an alarm once, of a long silence once."""
    now = digest.coverage
    if _has_new_alarm(now, told):
        return True
    since = now.unhealthy_since
    if now.healthy or since is None or digest.period_to - since < LONG:
        return False
    return told is None or told.healthy or told.unhealthy_since != since
