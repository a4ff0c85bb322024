"""What went wrong, as RFC 9457 spells it."""

from __future__ import annotations

from http import HTTPStatus

from starlette.responses import JSONResponse


def problem(status: int, detail: str) -> JSONResponse:
    """An answer that says what went wrong and what to do."""
    fields = {"title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JSONResponse(fields, status_code=status, media_type="application/problem+json")
