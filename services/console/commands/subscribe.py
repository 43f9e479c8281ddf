"""`carillon subscribe`."""

import asyncio
from typing import Annotated

import typer
from pydantic import SecretStr

from services.console.commands.embedded import State, TopicId
from services.console.embedded import Embedded, read_embedded
from services.console.readers import readers
from services.notifier import subscribers
from services.notifier.entries import read_entry
from services.notifier.vault import webhook_key
from shared.clock import system_clock

Several = Annotated[list[str] | None, typer.Option(help="Repeat it for several.")]


def subscribe(
    address: Annotated[str, typer.Argument(help="Mail address, or URL of another channel.")],
    state: State = None,
    topic: TopicId = None,
    channel: Annotated[
        str, typer.Option(help="email, slack, webhook, apprise or capture.")
    ] = "email",
    owner: Annotated[
        str | None, typer.Option(help="Who looks after a target that is no mailbox.")
    ] = None,
    secret: Annotated[
        str | None, typer.Option(help="Key that a webhook's messages are signed with; else made.")
    ] = None,
    cadence: Annotated[str, typer.Option(help="immediate, daily, weekly or monthly.")] = "weekly",
    weekday: Annotated[str, typer.Option(help="For weekly.")] = "monday",
    day: Annotated[int, typer.Option(help="For monthly, 1 to 31.")] = 1,
    hour: Annotated[int, typer.Option(help="Local hour, 0 to 23.")] = 7,
    time_zone: Annotated[str, typer.Option(help="IANA name, like Europe/Belgrade.")] = "UTC",
    modality: Several = None,
    disease: Several = None,
    target: Several = None,
    evidence: Several = None,
    scope: Several = None,
    word: Annotated[list[str] | None, typer.Option(help="One of these has to be there.")] = None,
    journal: Annotated[list[str] | None, typer.Option(help="Follow it.")] = None,
    author: Annotated[list[str] | None, typer.Option(help="Follow them.")] = None,
    mute_journal: Several = None,
    mute_author: Several = None,
    min_relatedness: Annotated[float, typer.Option(help="From 0 to 1.")] = 0.0,
    max_items: Annotated[int, typer.Option(help="How many are shown in full.")] = 50,
    when_empty: Annotated[str, typer.Option(help="skip or heartbeat.")] = "skip",
    notices: Annotated[str, typer.Option(help="next (digest) or at-once.")] = "next",
    preprints: Annotated[
        str, typer.Option(help="once: of a preprint and its journal version, one; or both.")
    ] = "once",
    background: Annotated[
        bool, typer.Option("--background", help="Also what was there before the watch began.")
    ] = False,
    name: Annotated[str | None, typer.Option("--id", help="Keeps it the same one.")] = None,
    confirmed: Annotated[
        bool, typer.Option("--confirmed", help="Your statement that the reader asked for it.")
    ] = False,
) -> None:
    """Add a reader, or change one. Without --confirmed nothing is ever sent to them.

    With CARILLON_DATABASE_URL set, in the deployment; else in the embedded store.
    """
    embedded = read_embedded(state)
    filters = {
        "modality": modality, "disease": disease, "target": target, "evidence": evidence,
        "scope": scope, "words": word, "journals": journal, "authors": author,
        "muted_journals": mute_journal, "muted_authors": mute_author,
        "min_relatedness": min_relatedness,
    }  # fmt: skip
    entry: dict[str, object] = {
        "id": name, "topic": embedded.topic(topic).id, "channel": channel, "address": address,
        "owner": owner, "secret": secret, "cadence": cadence, "weekday": weekday, "day": day,
        "hour": hour, "time_zone": time_zone, "max_items": max_items, "when_empty": when_empty,
        "notices": notices, "preprints": preprints, "background": background,
        "filters": {field: value for field, value in filters.items() if value},
        "confirmed": confirmed,
    }  # fmt: skip
    saved, key = asyncio.run(_subscribe(embedded, entry))
    typer.echo(f"subscription {saved}: {'active' if confirmed else 'waits for --confirmed'}")
    if key:
        typer.echo(f"its messages are signed with {key.get_secret_value()}: keep it, with care")


async def _subscribe(embedded: Embedded, entry: dict[str, object]) -> tuple[str, SecretStr | None]:
    """Its id, and the key that was made for it, if one was."""
    wanted, made = read_entry(entry, "subscription", system_clock()), None
    async with readers(embedded) as found:
        known = await subscribers.find(found.connection, wanted.id)
        if wanted.channel == "webhook" and not (wanted.secret or known):
            made = webhook_key()
            wanted = wanted.model_copy(update={"secret": made})
        await subscribers.save(found.connection, wanted, "console", system_clock(), found.vault)
    return wanted.id, made
