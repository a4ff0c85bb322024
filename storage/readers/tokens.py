"""Access tokens of the server. The secret is shown once; only its digest is stored."""

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
    name: str
    secret_digest: str
    created_at: datetime
    is_read_only: bool = False


def add_token(tx: Connection, name: str, now: datetime, *, is_read_only: bool = False) -> str:
    """Create a token; return its secret, or an empty string if the name is taken.

    A read-only token cannot change the states of articles.
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
    """Delete a token and its states of articles; return False if there is no token of the name."""
    read_state.delete_states(tx, name)
    return tx.execute(_DELETE_TOKEN, {"token": name}).rowcount == 1


def load_tokens(tx: Connection) -> list[AccessToken]:
    """Return all tokens, ordered by name."""
    return [AccessToken(**row._mapping) for row in tx.execute(_SELECT_TOKENS)]


def hash_secret(secret: str) -> str:
    """Return the digest of a secret. Secrets are long and random, so that an unsalted digest is safe."""
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def find_token(tokens: list[AccessToken], secret: str) -> AccessToken | None:
    """Return the token with a secret, or None; the time taken does not depend on the token."""
    digest = hash_secret(secret)
    match = None
    for token in tokens:
        if compare_digest(token.secret_digest, digest):
            match = token
    return match


_SELECT_TOKEN = select(tokens).where(tokens.c.name == bindparam("token"))
_DELETE_TOKEN = delete(tokens).where(tokens.c.name == bindparam("token"))
_SELECT_TOKENS = select(tokens).order_by(tokens.c.name)
