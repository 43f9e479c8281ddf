"""Commands whose module is imported when they are called, and not before.

All of them together take seconds to import; a pipe through `classify --jsonl` needs a fraction.
"""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group


def lazily(commands: dict[str, str]) -> type[TyperGroup]:
    """A group of commands by name, each as "module:attribute" (a function or a Typer)."""

    class Lazily(TyperGroup):
        """The names are known at once; what is behind one, when it is asked for."""

        def list_commands(self, ctx: Any) -> list[str]:
            return list(commands)

        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            return _load(cmd_name, commands[cmd_name]) if cmd_name in commands else None

    return Lazily


def _load(name: str, place: str) -> Any:
    module, _, attribute = place.partition(":")
    found = getattr(import_module(module), attribute)
    around = typer.Typer(add_completion=False)
    if isinstance(found, typer.Typer):
        around.add_typer(found, name=name)
    else:
        around.command(name)(found)
        around.callback()(_nothing)  # so that it stays a command among others
    return get_group(around).commands[name]


def _nothing() -> None:
    """No options of its own."""
