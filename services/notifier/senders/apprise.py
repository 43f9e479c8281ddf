"""Anything else, through Apprise (https://github.com/caronc/apprise): a short note with a link.

Apprise is blocking and says yes or no, not why: a no is tried again, and a target that is gone
cannot be told from one that is away. It is run in a thread, without redirects, with certificates
checked; where the URL names a host of its own (Mattermost, ntfy) that host has to be a public one.
"""

import asyncio
import json
import logging
from dataclasses import dataclass
from typing import Any

from services.notifier.senders import AnswerLost, Package, Target
from services.notifier.senders.targets import BadTarget, Gate, Place, check_target, resolve
from shared.errors import Retryable

TOTAL_SECONDS = 30.0
"""For one note. Apprise's own limits for a connection and an answer are four seconds each."""


@dataclass(frozen=True)
class AppriseSender:
    """Hands a title and a text to whatever service the URL names."""

    gate: Gate
    seconds: float = TOTAL_SECONDS

    @property
    def flights(self) -> int:
        """As many threads at once."""
        return 4

    async def send(self, package: Package, target: Target) -> None:
        """Return once Apprise says that the service has the note; raises as `Sender` says."""
        check_target("apprise", target.address, self.gate)
        plugin = await asyncio.to_thread(_plugin, target.address)
        await self._check_host(plugin)
        note = json.loads(package.content)
        try:
            async with asyncio.timeout(self.seconds):
                told = await asyncio.to_thread(
                    plugin.notify, title=note["title"], body=note["body"]
                )
        except TimeoutError:
            raise AnswerLost("Apprise: no answer in time; it is tried again") from None
        if not told:
            raise Retryable("Apprise: the service did not take the note; it is tried again")

    async def rest(self) -> None:
        """No connection is kept."""

    async def close(self) -> None:
        """No connection is kept."""

    async def _check_host(self, plugin: Any) -> None:
        host = own_host(plugin)
        if host is not None:
            is_admitted = host in self.gate.admitted_hosts
            await resolve(Place("https", host, plugin.port or 443, "/", is_admitted))


def _plugin(url: str) -> Any:
    """The service that a URL names, with certificates checked and redirects refused."""
    import apprise  # noqa: PLC0415  it reads a hundred plugins: only who needs it pays for that

    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its words may carry the URL
    asset = apprise.AppriseAsset(http_redirects=False, secure_logging=True)
    try:
        plugin = apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=False)
    except TypeError:
        plugin = None
    if plugin is None:
        raise BadTarget("not an Apprise address: something is missing in it, or misspelt")
    if not plugin.verify_certificate or plugin.redirects:
        raise BadTarget("an Apprise address here cannot do without certificates, or redirect")
    return plugin


def own_host(plugin: Any) -> str | None:
    """The host that the URL itself names, in small letters; `None` for a service with a fixed one.

    Those of ntfy without a host go to ntfy.sh, which it calls its cloud mode. Zulip has it behind
    the name of the organization.
    """
    if any("{organization}" in template for template in plugin.templates):
        return f"{plugin.organization}.{plugin.hostname}".lower().rstrip(".")
    names_host = any("{host}" in template for template in plugin.templates)
    if not names_host or getattr(plugin, "mode", None) == "cloud":
        return None
    return str(plugin.host or "").lower().rstrip(".")
