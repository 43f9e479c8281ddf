"""`carillon bounce`: a mail that came back, piped in by a mail server."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from services.console.embedded import Embedded, opened, read_embedded
from services.console.settings import Settings
from services.console.stores import deployed_stores
from services.notifier.returns import Outcome, Returns, take_bounce, take_complaint
from services.notifier.tokens import Tokens
from shared.clock import system_clock
from shared.errors import Retryable
from shared.logs import configure_logging
from shared.settings import load

LARGEST = 2 * 1024 * 1024
"""Bytes that are read; what comes later in a message says nothing more."""

COME_BACK = 75
"""EX_TEMPFAIL of sysexits.h: the mail server keeps the message and brings it again."""


def bounce(
    state: Annotated[
        Path | None, typer.Option(help="Folder of the stores; CARILLON_STATE, else ./state.")
    ] = None,
    complaint: Annotated[
        bool, typer.Option("--complaint", help="It is a report of abuse (ARF, RFC 5965).")
    ] = False,
) -> None:
    """Read a returned mail from standard input, and leave in peace who cannot be reached.

    With CARILLON_DATABASE_URL set, for the deployment; it needs the same NOTIFIER_SECRET_KEY. In
    Postfix's aliases: `bounces: "|carillon bounce"`, with `recipient_delimiter = +`.
    """
    configure_logging("carillon", as_json=False, level=40)
    raw = sys.stdin.buffer.read(LARGEST)
    try:
        outcome = asyncio.run(_take(read_embedded(state), raw, complaint=complaint))
    except Retryable as fault:
        typer.echo(f"carillon: {fault}; bring it again", err=True)
        raise typer.Exit(COME_BACK) from None
    typer.echo(outcome)


async def _take(embedded: Embedded, raw: bytes, *, complaint: bool) -> Outcome:
    url = load(Settings).database_url
    tokens = Tokens(embedded.notifier.keys())
    take = take_complaint if complaint else take_bounce
    if url is None:
        async with opened(embedded) as line:
            return await take(Returns(line.stores.notifier, tokens, line.clock), raw)
    stores = deployed_stores(url.get_secret_value())
    try:
        return await take(Returns(stores.notifier, tokens, system_clock), raw)
    finally:
        await stores.close()
