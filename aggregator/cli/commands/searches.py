"""`evnews searches`: searches kept under a name, and who is told of what they find."""

from __future__ import annotations

from collections.abc import Sequence

from aggregator.alerts import notify as notify_channels
from aggregator.alerts.run import WatchedSearch
from aggregator.alerts.saved_searches import SavedSearch, remove_search, save_search, searches_path
from aggregator.archive import make_home, open_archive
from aggregator.cli.commands.topics import resolved
from aggregator.cli.output import TROUBLE, complain, format_count, mistake, print_json
from aggregator.cli.saved_search_option import read_searches, report, saved, tell_new, watched
from aggregator.config import Config
from aggregator.feeds.json_records import format_optional_timestamp
from aggregator.logs import safe_line
from aggregator.service.setup import utc_now
from spiders.toml_tables import ENTRY_NAME, ENTRY_NAME_RULE
from storage.db.database import Database
from storage.library import Library
from storage.model.search import Query
from storage.readers import alerts
from storage.readers.alerts import SearchState
from storage.search.query.parser import parse_strictly
from storage.search.query.tree import QueryError


def list_searches(config: Config, *, as_json: bool) -> int:
    """Print every saved search; 1 where an entry of the file is wrong."""
    found = read_searches(config)
    with open_archive(config) as database, database.read() as tx:
        states = alerts.load_search_states(tx)
    rows = [(one, states.get(one.name, SearchState(name=one.name))) for one in found.searches]
    if as_json:
        for one, state in rows:
            print_json(record_of(one, state))
    elif rows:
        _print(rows)
    elif not found.problems:
        complain("no search is saved yet; `evnews searches add NAME QUERY` saves one")
    return TROUBLE if found.problems else 0


def record_of(search: SavedSearch, state: SearchState) -> dict[str, object]:
    """A saved search as the fields of one JSON object (docs/json.md)."""
    return {
        "search": search.name, "query": search.query, "notify": [notify_channels.mask_address(one) for one in search.notify],
        "looked_at": format_optional_timestamp(state.seen_at), "sent": state.sent, "waiting": state.waiting, "unsure": state.unsure,
        "trouble": state.error,
    }  # fmt: skip


def _print(rows: Sequence[tuple[SavedSearch, SearchState]]) -> None:
    from aggregator.cli.terminal import draw, table_of

    table = table_of("search", "query", "tells", ">sent", ">waiting", "looked for", "trouble")
    for one, state in rows:
        told = ", ".join(notify_channels.mask_address(address) or "an address that is none" for address in one.notify)
        looked = f"{state.seen_at:%Y-%m-%d %H:%M}" if state.seen_at else ""
        trouble = f"{format_count(state.unsure, 'message')} unsure" if state.unsure else state.error
        cells = (one.name, one.query, told or "nobody", str(state.sent), str(state.waiting), looked, trouble)
        table.add_row(*(safe_line(cell) for cell in cells))
    draw(table)


def add(config: Config, name: str, query: str, notify: Sequence[str], *, replace: bool) -> int:
    """Save a search; it tells of what arrives from now on."""
    if not ENTRY_NAME.fullmatch(name):
        mistake(f"{name!r} is no name; allowed are {ENTRY_NAME_RULE}")
    found = read_searches(config)
    if found.find(name) and not replace:
        mistake(f"a search is saved as {name!r} already; take another name, or --replace")
    _check(query, config)
    for address in notify:
        if not notify_channels.mask_address(address):
            mistake(f"{address!r} is no address that messages can be sent to; docs/searching.md shows some")
    make_home(config)
    with open_archive(config) as database:
        many = Library(database).count(Query(words=query, muted=config.mute))
        with database.write() as tx:
            alerts.start_search(tx, name, utc_now())
    save_search(config.home, SavedSearch(name=name, query=query, notify=tuple(dict.fromkeys(notify))))
    held = f"{'' if many.is_exact else 'at least '}{format_count(many.number, 'article')}"
    told = f"; {format_count(len(notify), 'channel')} told of new ones" if notify else ""
    print(f"saved {name} in {searches_path(config.home)}: finds {held} now{told}")
    return 0


def _check(query: str, config: Config) -> None:
    try:
        asked = parse_strictly(query)
    except QueryError as error:
        mistake(f"the query cannot be saved: {error}\n{query}\n{' ' * error.position}^")
    if asked.node is None:
        mistake("the query has no words to look for")
    known = resolved(Query(words=query), config)
    if isinstance(known, str):
        mistake(known)


def remove(config: Config, name: str) -> int:
    """Forget a search, and the messages that it still had to send."""
    saved(config, name)
    remove_search(config.home, name)
    with open_archive(config) as database, database.write() as tx:
        alerts.delete_search(tx, name)
    print(f"removed {name} from {searches_path(config.home)}")
    return 0


def notify(config: Config, *, dry_run: bool) -> int:
    """Tell of what is new; 1 where a message could not be sent."""
    searches = read_searches(config)
    if not any(one.notify for one in searches.searches):
        complain("no saved search tells anybody; `evnews searches add NAME QUERY --notify ADDRESS` makes one that does")
        return TROUBLE if searches.problems else 0
    if dry_run:
        with open_archive(config) as database:
            for one in watched(config, searches):
                _print_new(database, one)
        return 0
    told = tell_new(config, searches)
    report(told)
    if not told.article_counts and not told.errors:
        print("nothing new")
    return TROUBLE if told.errors or searches.problems else 0


def _print_new(database: Database, search: WatchedSearch) -> None:
    """What a round would tell, which is looked for in a transaction that is undone."""
    with database.read() as tx:
        found = alerts.find_unreported(tx, search.name, search.query, utc_now())
    print(f"{search.name}: {format_count(len(found), 'new article')}")
    library = Library(database)
    for one in found:
        article = library.article(one)
        if article is not None:
            print(safe_line(f"  {article.id}  {article.title}  {article.source}  {article.url}"))


def retry(config: Config, name: str) -> int:
    """Send again what is unsure to have arrived, and at once what waits to be tried again."""
    saved(config, name)
    with open_archive(config) as database, database.write() as tx:
        many = alerts.retry_alerts(tx, name, utc_now())
    if not many:
        print(f"every message of {name} arrived")
        return 0
    told = tell_new(config, read_searches(config))
    report(told)
    return TROUBLE if told.errors else 0
