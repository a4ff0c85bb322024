"""The JSON API as OpenAPI 3.1 describes one, made of the table that the server answers by."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aggregator import __version__
from aggregator.web.api import ApiEndpoint

_PROBLEM_SCHEMA = {
    "type": "object",
    "properties": {"title": {"type": "string"}, "status": {"type": "integer"}, "detail": {"type": "string"}},
    "required": ["title", "status", "detail"],
}
_ID_PARAMETER = {
    "name": "id", "in": "path", "required": True, "description": "A number, as search prints it.",
    "schema": {"type": "integer", "minimum": 1}, "example": 42,
}  # fmt: skip
_ERROR_DESCRIPTIONS = {
    400: "An option cannot be; detail says what can.",
    401: "A token is needed.",
    404: "There is no such thing.",
}


def describe_api(endpoints: Iterable[ApiEndpoint], base: str) -> dict[str, Any]:
    """The description, for a server whose API lies at `base`."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "evnews",
            "version": __version__,
            "description": "What an archive of the electric-vehicle press holds. docs/json.md names every field.",
        },
        "servers": [{"url": base}],
        "paths": {f"/{one.path}": {"get": _describe_operation(one)} for one in endpoints},
        "components": {
            "schemas": {"Problem": _PROBLEM_SCHEMA},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic"},
            },
        },
        "security": [{}, {"bearer": []}, {"basic": []}],
    }


def _describe_operation(endpoint: ApiEndpoint) -> dict[str, Any]:
    name = endpoint.path.replace("/{id}", " one").replace("/", " ").title().replace(" ", "")
    properties: dict[str, Any] = {field: {} for field in endpoint.response_fields}
    good = {
        "description": endpoint.description,
        "content": {
            "application/json": {
                "schema": {"type": "object", "properties": properties, "required": list(endpoint.response_fields)}
            }
        },
    }
    options = [
        {
            "name": option.name, "in": "query", "description": option.description, "schema": {"type": option.kind},
            "example": _parse_example(option.kind, option.example),
        }
        for option in endpoint.options
    ]  # fmt: skip
    wrong = {
        str(status): {
            "description": why,
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, why in _ERROR_DESCRIPTIONS.items()
    }
    return {
        "operationId": f"get{name}",
        "summary": endpoint.description,
        "parameters": [*([_ID_PARAMETER] if "{id}" in endpoint.path else []), *options],
        "responses": {"200": good, **wrong},
    }


def _parse_example(kind: str, example: str) -> object:
    return int(example) if kind == "integer" else example
