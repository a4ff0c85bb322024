"""Describe the JSON API in OpenAPI 3.1, from the table of endpoints that the server uses."""

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
    "name": "id", "in": "path", "required": True, "description": "Id of an article, as `evnews search` prints it.",
    "schema": {"type": "integer", "minimum": 1}, "example": 42,
}  # fmt: skip
_ERROR_DESCRIPTIONS = {
    400: "A parameter is invalid; detail names the valid values.",
    401: "A token is required.",
    404: "There is no such record.",
}


def describe_api(endpoints: Iterable[ApiEndpoint], base: str) -> dict[str, Any]:
    """Return the description of an API with the base URL `base`."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "evnews",
            "version": __version__,
            "description": "An archive of the electric-vehicle press. docs/json.md describes every field.",
        },
        "servers": [{"url": base}],
        "paths": {f"/{endpoint.path}": {"get": _describe_operation(endpoint)} for endpoint in endpoints},
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
    success = {
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
    errors = {
        str(status): {
            "description": description,
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, description in _ERROR_DESCRIPTIONS.items()
    }
    return {
        "operationId": f"get{name}",
        "summary": endpoint.description,
        "parameters": [*([_ID_PARAMETER] if "{id}" in endpoint.path else []), *options],
        "responses": {"200": success, **errors},
    }


def _parse_example(kind: str, example: str) -> object:
    return int(example) if kind == "integer" else example
