"""`evnews token`: who may ask a server that others can reach."""

from __future__ import annotations

from aggregator.archive import open_archive
from aggregator.cli.output import complain, mistake
from aggregator.config import Config
from aggregator.service.setup import utc_now
from spiders.toml_tables import ENTRY_NAME, ENTRY_NAME_RULE
from storage.readers.tokens import add_token, load_tokens, remove_token


def list_tokens(config: Config) -> int:
    """Print every token's name and when it was made."""
    with open_archive(config) as database, database.read() as tx:
        found = load_tokens(tx)
    for token in found:
        print(f"{token.name}  made {token.created_at:%Y-%m-%d %H:%M} UTC{'  read-only' if token.is_read_only else ''}")
    if not found:
        complain("no token is made yet; `evnews token add NAME` makes one")
    return 0


def add(config: Config, name: str, *, read_only: bool = False) -> int:
    """Make a token and print its secret, this once."""
    if not ENTRY_NAME.fullmatch(name):
        mistake(f"{name!r} is no name; allowed are {ENTRY_NAME_RULE}")
    with open_archive(config) as database, database.write() as tx:
        secret = add_token(tx, name, utc_now(), is_read_only=read_only)
    if not secret:
        mistake(f"there is a token {name!r} already; `evnews token remove {name}` takes it away")
    complain("this is shown once; readers take it as a password, or in an address: /private/TOKEN/feeds/all.atom")
    print(secret)
    return 0


def remove(config: Config, name: str) -> int:
    """Take a token away."""
    with open_archive(config) as database, database.write() as tx:
        if not remove_token(tx, name):
            mistake(f"there is no token {name!r}")
    print(f"removed {name}; it opens nothing any more")
    return 0
