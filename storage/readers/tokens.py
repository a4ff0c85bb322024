"""Tokens: who may ask a server that others can reach. The secret is told once and kept as a digest alone."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest

from sqlalchemy import Connection, bindparam, delete, insert, select

from storage.db.tables import tokens
from storage.readers import read_state as readers


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token by its name."""

    name: str
    digest: str
    made_at: datetime
    is_read_only: bool = False


def add_token(tx: Connection, name: str, now: datetime, *, is_read_only: bool = False) -> str:
    """Make a token; returns its secret, or an empty text where the name is taken.

    With one that is read-only nothing can be marked.
    """
    if tx.execute(_OF, {"token": name}).first() is not None:
        return ""
    secret = secrets.token_urlsafe(32)
    tx.execute(
        insert(tokens), {"name": name, "digest": digest_of(secret), "made_at": now, "is_read_only": is_read_only}
    )
    return secret


def remove_token(tx: Connection, name: str) -> bool:
    """Let a token open nothing any more, and forget what was read with it; False where there is none of the name."""
    readers.forget(tx, name)
    return tx.execute(_REMOVE, {"token": name}).rowcount == 1


def all_tokens(tx: Connection) -> list[Token]:
    """Every token, by name."""
    return [Token(**row._mapping) for row in tx.execute(_ALL)]


def digest_of(secret: str) -> str:
    """What is kept of a secret. It is drawn by lot and long, so that a plain digest gives nothing away."""
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def token_of(known: list[Token], secret: str) -> Token | None:
    """The token whose secret it is, looked for in the same time whichever it is; None for nobody's."""
    digest = digest_of(secret)
    found = None
    for token in known:
        if compare_digest(token.digest, digest):
            found = token
    return found


_OF = select(tokens).where(tokens.c.name == bindparam("token"))
_REMOVE = delete(tokens).where(tokens.c.name == bindparam("token"))
_ALL = select(tokens).order_by(tokens.c.name)
