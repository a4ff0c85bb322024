"""The JSON API as OpenAPI 3.1 describes one, made of the table that the server answers by."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aggregator import __version__
from aggregator.web.api import Endpoint

_PROBLEM = {
    "type": "object",
    "properties": {"title": {"type": "string"}, "status": {"type": "integer"}, "detail": {"type": "string"}},
    "required": ["title", "status", "detail"],
}
_ID = {
    "name": "id", "in": "path", "required": True, "description": "A number, as search prints it.",
    "schema": {"type": "integer", "minimum": 1}, "example": 42,
}  # fmt: skip
_SAID = {400: "An option cannot be; detail says what can.", 401: "A token is needed.", 404: "There is no such thing."}


def openapi(endpoints: Iterable[Endpoint], base: str) -> dict[str, Any]:
    """The description, for a server whose API lies at `base`."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "evnews",
            "version": __version__,
            "description": "What an archive of the electric-vehicle press holds. docs/json.md names every field.",
        },
        "servers": [{"url": base}],
        "paths": {f"/{one.path}": {"get": _operation(one)} for one in endpoints},
        "components": {
            "schemas": {"Problem": _PROBLEM},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic"},
            },
        },
        "security": [{}, {"bearer": []}, {"basic": []}],
    }


def _operation(one: Endpoint) -> dict[str, Any]:
    name = one.path.replace("/{id}", " one").replace("/", " ").title().replace(" ", "")
    properties: dict[str, Any] = {field: {} for field in one.gives}
    good = {
        "description": one.about,
        "content": {
            "application/json": {"schema": {"type": "object", "properties": properties, "required": list(one.gives)}}
        },
    }
    options = [
        {
            "name": option.name, "in": "query", "description": option.about, "schema": {"type": option.kind},
            "example": _typed(option.kind, option.example),
        }
        for option in one.options
    ]  # fmt: skip
    wrong = {
        str(status): {
            "description": why,
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, why in _SAID.items()
    }
    return {
        "operationId": f"get{name}",
        "summary": one.about,
        "parameters": [*([_ID] if "{id}" in one.path else []), *options],
        "responses": {"200": good, **wrong},
    }


def _typed(kind: str, example: str) -> object:
    return int(example) if kind == "integer" else example
