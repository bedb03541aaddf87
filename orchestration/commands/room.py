"""A group of commands whose module is imported when the group is first used."""

from functools import cached_property
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup


class Room(TyperGroup):
    """Stands for the `app` of the module of its name, of which `tieout --help` needs no more."""

    @cached_property
    def opened(self) -> Any:
        module = import_module(f"orchestration.commands.{self.name}")
        return typer.main.get_command(module.app)

    def make_context(self, *arguments: Any, **named: Any) -> Any:
        return self.opened.make_context(*arguments, **named)
