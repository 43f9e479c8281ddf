"""`carillon record-ncbi`: live PubMed around a topic, for tests without PubMed."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from services.console.embedded import read_embedded
from services.console.recording import Recording, Wanted, record
from services.ncbi_sim.catalogue import RECORDED, load_catalogue
from services.poller.eutils import Access, Client, Conduct
from services.poller.eutils.client import make_http
from services.poller.eutils.limit import limiter_for
from shared.clock import system_clock
from shared.errors import ConfigurationError
from shared.logs import configure_logging


def record_ncbi(
    out: Annotated[Path, typer.Option(help="A new folder for the recording.")],
    topic: Annotated[str | None, typer.Option(help="Id of the topic, if there are more.")] = None,
    days: Annotated[int, typer.Option(min=1, help="How far back its queries are asked.")] = 30,
    limit: Annotated[
        int | None, typer.Option(min=0, help="Most records to take beside the seed's.")
    ] = None,
) -> None:
    """Record what PubMed says around a topic, as a catalogue for the NCBI stand-in."""
    configure_logging("record-ncbi", as_json=False, level=30)
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise ConfigurationError(f"{out} is there already; name a new or an empty folder")
    embedded = read_embedded(None)
    wanted = Wanted(embedded.topic(topic), system_clock(), days, limit)
    recording = asyncio.run(_record(embedded.poller.access(), wanted))
    try:
        write_recording(recording, out)
    except OSError as error:
        raise ConfigurationError(f"{out} cannot be written: {error.strerror}") from error
    typer.echo(
        f"{len(recording.records)} records of {wanted.topic.id} written to {out}; "
        f"serve them with NCBI_SIM_CATALOGUE_PATH={out}"
    )
    for pmid in recording.missing:
        typer.echo(f"PubMed named PMID {pmid}, and has no record of it that can be understood")


async def _record(access: Access, wanted: Wanted) -> Recording:
    client = Client(make_http(), access, Conduct(limiter_for(access.api_key)))
    try:
        return await record(client, wanted)
    finally:
        await client.aclose()


def write_recording(recording: Recording, folder: Path) -> None:
    """Write the files; the catalogue comes last, so that half a recording is none.

    Raises:
        OSError: a file cannot be written.
        ConfigurationError: the stand-in could not serve it (a defect: please report it).
    """
    for name, content in (
        *((f"records/{pmid}.xml", raw) for pmid, raw in recording.records.items()),
        *((f"answers/{name}", raw) for name, raw in recording.answers.items()),
        (RECORDED, json.dumps(recording.catalogue, indent=1, ensure_ascii=False).encode()),
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    load_catalogue(folder)
