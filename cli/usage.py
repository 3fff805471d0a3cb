"""Help and errors of use in plain words: `FOLDER…` instead of `<list[Path]>`, "a whole number" instead of a type."""

from __future__ import annotations

import sys
from typing import Any

import typer
from typer.core import TyperCommand

KINDS = {"int": "a whole number", "float": "a number", "bool": "yes or no"}
"""What an option takes, by the first part of pydantic's name of the error."""


class Command(TyperCommand):
    """A command whose help names arguments as their errors do, without types and brackets in brackets."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The parts of the line of usage: `[OPTIONS] IMAGE TEXT…`, with brackets around what may be left out."""
        arguments = [each for each in self.get_params(ctx) if each.param_type_name == "argument"]
        names = [each.metavar or each.name for each in arguments]
        return ["[OPTIONS]", *(_usage_name(name, each) for name, each in zip(names, arguments, strict=True))]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options, a line each."""
        records: dict[str, list[tuple[str, str]]] = {"argument": [], "option": []}
        for each in self.get_params(ctx):
            record = each.get_help_record(ctx)
            if record is not None and each.param_type_name == "argument":
                records["argument"].append((each.metavar or each.name or "", getattr(each, "help", None) or ""))
            elif record is not None:
                records["option"].append(record)
        for title, rows in (("Arguments", records["argument"]), ("Options", records["option"])):
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


def use_plain_help(app: typer.Typer) -> None:
    """Give every command of `app` and its groups the help of `Command`."""
    for command in app.registered_commands:
        command.cls = Command
    for group in app.registered_groups:
        if group.typer_instance is not None:
            use_plain_help(group.typer_instance)


def show_help(context: typer.Context) -> None:
    """Print the help of a group that was named without a command."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def explain(error: typer.TyperException) -> str:
    """An error of use in one line with the next step."""
    message = error.format_message()
    cause = error.__cause__ or error.__context__
    pydantic = sys.modules.get("pydantic")  # it takes 50 ms to import, and no error is its own before
    if pydantic and isinstance(error, typer.BadParameter) and isinstance(cause, pydantic.ValidationError):
        first = cause.errors()[0]
        kind = KINDS.get(first["type"].partition("_")[0])
        if kind and error.param is not None:
            message = f"{error.param.get_error_hint()} takes {kind}, not {first['input']!r}."
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "polyglance"
    return f"{message} Try '{path} --help'."


def _usage_name(name: str | None, argument: Any) -> str:
    return f"{name}" if argument.required else f"[{name}]"
