"""Convert plain values without Pydantic, which Typer imports for every value and which takes as long as a query."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import typer

MAX_DIGITS = 100
"""Python refuses to convert numbers of thousands of digits."""


class _PlainCoercion:
    """Convert texts, whole numbers and paths; leave other types and unusable files to Typer."""

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        is_list = param.multiple or param.nargs == -1
        if value is None:
            return () if is_list else None
        if value == param.default:
            return value
        converted = [_converted(item, param) for item in (value if is_list else [value])]
        if None not in converted:
            return converted if is_list else converted[0]
        param._runtime_param = None  # Typer builds its own coercion when this is None
        return param.get_runtime_param().coerce(value, param=param, ctx=ctx)


def _converted(value: Any, param: Any) -> Any:
    """Return the value in the type of the parameter, None if Typer must convert it. Raises BadParameter."""
    annotation, info = param.type_descriptor.annotation, param.type_descriptor.parameter_info
    if not isinstance(value, str):
        return None
    if annotation in (str, list[str]):
        return value
    if annotation in (int, list[int]):
        return _number(value, info.min, info.max)
    path = Path(value)
    return path if annotation is Path and (not info.exists or (path.exists() and not path.is_dir())) else None


def _number(value: str, least: int | None, most: int | None) -> int:
    if value.isascii() and value.isdigit() and len(value) < MAX_DIGITS:
        number = int(value)
        if (least is None or number >= least) and (most is None or number <= most):
            return number
    limits = "" if least is None else f" of at least {least}" if most is None else f" from {least} to {most}"
    raise typer.BadParameter(f"{value[:MAX_DIGITS]!r} is not a whole number{limits}")


def spare_pydantic(params: Iterable[Any]) -> None:
    """Set the coercion of Typer's parameters; a Typer without this private attribute ignores it and is only slower."""
    for param in params:
        if hasattr(param, "_runtime_param"):
            param._runtime_param = _PlainCoercion()
