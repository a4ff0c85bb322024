"""Tokens: who may ask a server that others can reach. The secret is told once and kept as a digest alone."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest

from sqlalchemy import Connection, bindparam, delete, insert, select

from storage.db.tables import tokens
from storage.readers import read_state


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """A token by its name."""

    name: str
    secret_digest: str
    created_at: datetime
    is_read_only: bool = False


def add_token(tx: Connection, name: str, now: datetime, *, is_read_only: bool = False) -> str:
    """Make a token; returns its secret, or an empty text where the name is taken.

    With one that is read-only nothing can be marked.
    """
    if tx.execute(_SELECT_TOKEN, {"token": name}).first() is not None:
        return ""
    secret = secrets.token_urlsafe(32)
    tx.execute(
        insert(tokens),
        {"name": name, "secret_digest": hash_secret(secret), "created_at": now, "is_read_only": is_read_only},
    )
    return secret


def remove_token(tx: Connection, name: str) -> bool:
    """Let a token open nothing any more, and forget what was read with it; False where there is none of the name."""
    read_state.delete_states(tx, name)
    return tx.execute(_DELETE_TOKEN, {"token": name}).rowcount == 1


def load_tokens(tx: Connection) -> list[AccessToken]:
    """Every token, by name."""
    return [AccessToken(**row._mapping) for row in tx.execute(_SELECT_TOKENS)]


def hash_secret(secret: str) -> str:
    """What is kept of a secret. It is drawn by lot and long, so that a plain digest gives nothing away."""
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def find_token(known: list[AccessToken], secret: str) -> AccessToken | None:
    """The token whose secret it is, looked for in the same time whichever it is; None for nobody's."""
    digest = hash_secret(secret)
    found = None
    for token in known:
        if compare_digest(token.secret_digest, digest):
            found = token
    return found


_SELECT_TOKEN = select(tokens).where(tokens.c.name == bindparam("token"))
_DELETE_TOKEN = delete(tokens).where(tokens.c.name == bindparam("token"))
_SELECT_TOKENS = select(tokens).order_by(tokens.c.name)
