"""The `carillon` command: its sub-commands, and one place where a fault becomes a line of text."""

import sys

import typer

from services.console.commands import (
    classify,
    contract,
    demo,
    deployment,
    digest,
    embedded,
    evaluate,
    ingest,
    parse,
    record,
    taxonomy,
    train,
)
from shared.errors import CarillonError

cli = typer.Typer(
    name="carillon",
    help="Tells people, soon and reliably, what is new in the literature around one review.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

cli.command("demo")(demo.demo)
cli.command("run")(embedded.run)
cli.command("poll")(embedded.poll)
cli.command("ingest")(ingest.ingest)
cli.command("parse")(parse.parse)
cli.command("record-ncbi")(record.record_ncbi)
cli.command("status")(embedded.status)
cli.command("subscribe")(embedded.subscribe)
cli.command("classify")(classify.classify)
cli.command("eval")(evaluate.evaluate)
cli.command("train")(train.train)
cli.command("migrate")(deployment.migrate)
cli.command("doctor")(deployment.doctor)
cli.command("asyncapi")(contract.asyncapi)
cli.add_typer(digest.cli, name="digest")
cli.add_typer(taxonomy.cli, name="taxonomy")
cli.add_typer(deployment.scenario, name="scenario")


def main() -> None:
    """Run the command. A fault that Carillon knows is one clear line and exit code 1."""
    try:
        cli()
    except CarillonError as error:
        sys.stderr.write(f"carillon: {error}\n")
        raise SystemExit(1) from None
