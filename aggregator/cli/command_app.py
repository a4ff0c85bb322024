"""Typer applications for the commands: help without Python types, examples at its end."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from aggregator.cli.coercion import spare_pydantic

_TYPE = re.compile(r" <.*>$")
_REQUIRED = re.compile(r"^\{(.*)\}")


class PlainCommand(TyperCommand):
    """A command whose help names arguments by their metavar alone: `ID`, not `{ID}` or `ID <int>`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        spare_pydantic(self.get_params(ctx))
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return [_REQUIRED.sub(r"\1", piece) for piece in super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        arguments, options = [], []
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is None:
                continue
            if param.param_type_name == "argument":
                arguments.append((_TYPE.sub("", record[0]), record[1]))
            else:
                options.append(record)
        for title, records in (("Arguments", arguments), ("Options", options)):
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


class PlainGroup(TyperGroup):
    """A group of commands whose own options are converted without Pydantic."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        spare_pydantic(self.get_params(ctx))
        return super().parse_args(ctx, args)


class CommandApp(typer.Typer):
    """The Typer application of one command, or of a group of commands."""

    def __init__(self, *, examples: tuple[str, ...] = (), **settings: Any) -> None:
        super().__init__(
            cls=PlainGroup, rich_markup_mode=None, add_completion=False, epilog=example_text(examples), **settings
        )

    def add(
        self, name: str, *examples: str, words_may_begin_with_a_dash: bool = False, help: str | None = None
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Return a decorator that registers a command with examples of its use.

        With `words_may_begin_with_a_dash`, unknown options are taken as words, such as `-toyota` in a query.
        """
        settings = {"ignore_unknown_options": True} if words_may_begin_with_a_dash else None
        return self.command(name, cls=PlainCommand, epilog=example_text(examples), help=help, context_settings=settings)


def example_text(examples: tuple[str, ...]) -> str:
    """Return examples as the end of a help text, one per line, never folded."""
    if not examples:
        return ""
    title = "Example" if len(examples) == 1 else "Examples"
    return "\n".join(("\b", f"{title}:", *(f"  {example}" for example in examples)))
