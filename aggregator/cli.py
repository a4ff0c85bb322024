"""The front door: every command with its options; each imports what it runs when it runs."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator import __version__

if TYPE_CHECKING:
    from aggregator.config import Config
    from storage.article import Query

app = typer.Typer(
    name="evnews",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Crawl the electric-vehicle press, keep every article, find it again and hand it out.",
    epilog="Example: evnews crawl; then evnews search battery",
)
sources_app = typer.Typer(
    rich_markup_mode=None,
    help="Show and change the catalogue of sources.",
    epilog="Examples: evnews sources; evnews sources add https://electrek.co/",
)
export_app = typer.Typer(
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Write articles to a file, whole or not at all.",
    epilog="Example: evnews export jsonl -o articles.jsonl",
)
import_app = typer.Typer(
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Bring an export back into an empty archive.",
    epilog="Examples: evnews import jsonl articles.jsonl; evnews --home restored import jsonl articles.jsonl",
)
db_app = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="Look after the archive.", epilog="Example: evnews db check"
)
searches_app = typer.Typer(
    rich_markup_mode=None,
    help="Keep searches under a name, and be told of what they find.",
    epilog="Examples: evnews searches; evnews searches add sodium '\"sodium ion\"' --notify mailto://user:pass@example.org",
)
token_app = typer.Typer(
    rich_markup_mode=None,
    help="Who may ask a server that others can reach.",
    epilog="Example: evnews token add phone",
)
app.add_typer(token_app, name="token")
app.add_typer(sources_app, name="sources")
app.add_typer(searches_app, name="searches")
app.add_typer(export_app, name="export")
app.add_typer(import_app, name="import")
app.add_typer(db_app, name="db")

WORDS_MAY_BEGIN_WITH_A_DASH = {"ignore_unknown_options": True, "help_option_names": ["-h", "--help"]}

Json = Annotated[bool, typer.Option("--json", help="One JSON object a line, on stdout.")]
SourcesFile = Annotated[Path | None, typer.Option("--sources", metavar="FILE", help="Use this catalogue alone.")]
Words = Annotated[list[str] | None, typer.Argument(metavar="WORDS", help="Only articles with all these words.")]
Output = Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The file to write; - for stdout.")]
Since = Annotated[
    str | None, typer.Option("--since", metavar="DATE", help="Published on or after, e.g. 2026-01-31 or 7d.")
]
Until = Annotated[str | None, typer.Option("--until", metavar="DATE", help="Published before.")]
FromSource = Annotated[
    list[str] | None, typer.Option("--source", metavar="NAME", help="Only this source; may be repeated.")
]
AboutTopic = Annotated[
    list[str] | None, typer.Option("--topic", metavar="NAME", help="Only what names this topic; may be repeated.")
]
SavedName = Annotated[str, typer.Option("--saved", metavar="NAME", help="What a saved search finds.")]
Host = Annotated[str, typer.Option("--host", help="Where to listen; others than this machine need a token.")]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="0 for any that is free.")]
Named = Annotated[str, typer.Argument(metavar="NAME")]


@dataclass(frozen=True, slots=True)
class Settings:
    """The options before the command."""

    home: Path | None
    db: str | None

    def load(self) -> Config:
        """The checked configuration; raises ConfigError."""
        from aggregator.config import load_config

        return load_config(self.home, self.db)


@app.callback(invoke_without_command=True)
def _start(
    context: typer.Context,
    home: Annotated[Path | None, typer.Option(metavar="DIR", help="Where the archive lives (EVNEWS_HOME).")] = None,
    db: Annotated[
        str | None, typer.Option(metavar="URL", help="Another database, e.g. postgresql://... (EVNEWS_DB).")
    ] = None,
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    if version:
        typer.echo(f"evnews {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit
    context.obj = Settings(home, db)


@app.command(epilog="Examples: evnews crawl; evnews crawl electrek insideevs; evnews crawl --watch")
def crawl(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="SOURCE", help="Sources to poll; all by default.")
    ] = None,
    sources: SourcesFile = None,
    due: Annotated[bool, typer.Option("--due", help="Only sources whose time has come.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Keep running and poll each source when it is due.")] = False,
    revisit: Annotated[
        bool, typer.Option("--revisit", help="Then ask again for every kept article: was it edited, is it gone?")
    ] = False,
    confirm_now: Annotated[
        bool,
        typer.Option("--confirm-now", help="With --revisit: a missing page is asked for twice at once."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Poll the sources, fetch and keep their new articles."""
    from aggregator.console.crawl import How, run_crawl

    how = How(due=due, watch=watch, revisit=revisit, confirm_now=confirm_now, as_json=as_json)
    raise typer.Exit(run_crawl(context.obj.load(), names or [], sources, how))


@app.command(epilog="Examples: evnews up; evnews up --port 8081; evnews up --sources mine.toml --log json")
def up(
    context: typer.Context,
    sources: SourcesFile = None,
    host: Host = "127.0.0.1",
    port: Port = 8080,
    open_page: Annotated[bool, typer.Option("--open", help="Open its address in the browser.")] = False,
    log: Annotated[str, typer.Option("--log", metavar="text|json", help="How the log on stderr is written.")] = "text",
) -> None:
    """Poll each source when it is time, and serve: everything in one process, until Ctrl-C."""
    from aggregator.console.up import How, run_up

    raise typer.Exit(run_up(context.obj.load(), sources, How(host=host, port=port, open=open_page, log=log)))


@app.command(epilog="Examples: evnews health; evnews health electrek; evnews health --json")
def health(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="SOURCE", help="Sources to tell of; all by default.")
    ] = None,
    sources: SourcesFile = None,
    as_json: Json = False,
) -> None:
    """Which sources went silent, block, fail or yield too little, since when, and what to do; 1 where one does."""
    from aggregator.console.health import show_health

    raise typer.Exit(show_health(context.obj.load(), sources, names or [], as_json=as_json))


@app.command(epilog="Examples: evnews doctor; evnews doctor --json")
def doctor(
    context: typer.Context,
    sources: SourcesFile = None,
    port: Port = 8080,
    as_json: Json = False,
) -> None:
    """Look whether all that evnews stands on is in order, and say what to do where it is not: exit status 1."""
    from aggregator.console.doctor import run_doctor

    raise typer.Exit(run_doctor(context.obj.load(), sources, port, as_json=as_json))


@sources_app.callback(invoke_without_command=True)
def sources_table(context: typer.Context, sources: SourcesFile = None, as_json: Json = False) -> None:
    """Show and change the catalogue of sources; alone, prints it as a table."""
    if context.invoked_subcommand is None:
        from aggregator.console.sources import list_sources

        raise typer.Exit(list_sources(context.obj.load(), sources, as_json=as_json))


@sources_app.command("add", epilog="Example: evnews sources add https://electrek.co/ --name electrek")
def sources_add(
    context: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="A feed, or a site's home page.")],
    name: Annotated[str, typer.Option(metavar="NAME", help="The source's name; made from the host by default.")] = "",
    every: Annotated[str, typer.Option(metavar="TIME", help='How often to poll, e.g. "30 min".')] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what was found and write nothing.")] = False,
) -> None:
    """Find a site's feeds and sitemaps, show them, and write the source into your own catalogue."""
    from aggregator.console.sources import add

    raise typer.Exit(add(context.obj.load(), url, name=name, every=every, dry_run=dry_run))


@sources_app.command("check", epilog="Example: evnews sources check electrek")
def sources_check(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Sources to check; all by default.")] = None,
    sources: SourcesFile = None,
    as_json: Json = False,
) -> None:
    """Fetch a source's indexes, extract three articles, and print what was seen; no article is stored."""
    from aggregator.console.sources import check

    raise typer.Exit(check(context.obj.load(), names or [], sources, as_json=as_json))


@sources_app.command("remove", epilog="Example: evnews sources remove electrek")
def sources_remove(context: typer.Context, name: Annotated[str, typer.Argument(metavar="NAME")]) -> None:
    """Take a source out of your catalogue; a shipped one is switched off."""
    from aggregator.console.sources import remove

    raise typer.Exit(remove(context.obj.load(), name))


@sources_app.command("import", epilog="Example: evnews sources import subscriptions.opml")
def sources_import(
    context: typer.Context, file: Annotated[Path, typer.Argument(metavar="FILE.opml", exists=True, dir_okay=False)]
) -> None:
    """Add the feeds of an OPML file to your catalogue."""
    from aggregator.console.sources import import_opml

    raise typer.Exit(import_opml(context.obj.load(), file))


@sources_app.command("export", epilog="Example: evnews sources export -o evnews.opml")
def sources_export(context: typer.Context, output: Output, sources: SourcesFile = None) -> None:
    """Write the catalogue as OPML."""
    from aggregator.console.sources import export_opml

    raise typer.Exit(export_opml(context.obj.load(), output, sources))


@app.command(
    context_settings=WORDS_MAY_BEGIN_WITH_A_DASH,
    epilog="Examples: evnews search '\"solid state\" -toyota after:2025'; evnews search 小米 --since 30d --json",
)
def search(
    context: typer.Context,
    words: Words = None,
    source: FromSource = None,
    topic: AboutTopic = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many.")] = 20,
    best: Annotated[bool, typer.Option("--best", help="Best match first instead of newest first.")] = False,
    cursor: Annotated[str, typer.Option("--cursor", metavar="CURSOR", help="The next page, as the last told.")] = "",
    by: Annotated[
        str, typer.Option("--by", metavar="UNIT", help="How many of each day, week or month, instead of a page.")
    ] = "",
    facets: Annotated[
        bool, typer.Option("--facets", help="Their sources, languages and topics, instead of a page.")
    ] = False,
    saved: SavedName = "",
    unmuted: Annotated[bool, typer.Option("--all", help="Also what evnews.toml mutes.")] = False,
    as_json: Json = False,
) -> None:
    """Find articles; exit status 1 when there are none. The grammar: docs/searching.md."""
    from aggregator.console.search import run_search

    order = "best" if best else "new"
    query = _query(context, words, source, since, until, topic, limit=limit, order=order, cursor=cursor, saved=saved)
    if by or facets:
        from aggregator.console.overview import show_facets, show_timeline

        show = show_facets(context.obj.load(), query, as_json=as_json) if facets else None
        raise typer.Exit(show if show is not None else show_timeline(context.obj.load(), query, by, as_json=as_json))
    raise typer.Exit(run_search(context.obj.load(), query, as_json=as_json, unmuted=unmuted))


@searches_app.callback(invoke_without_command=True)
def searches_table(context: typer.Context, as_json: Json = False) -> None:
    """Keep searches under a name, and be told of what they find; alone, prints them as a table."""
    if context.invoked_subcommand is None:
        from aggregator.console.searches import list_searches

        raise typer.Exit(list_searches(context.obj.load(), as_json=as_json))


@searches_app.command(
    "add",
    epilog="Examples: evnews searches add sodium '\"sodium ion\" -toyota'; "
    "evnews searches add recalls title:recall --notify json://localhost:9000/hook",
)
def searches_add(
    context: typer.Context,
    name: Named,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="In the grammar of docs/searching.md, in quotes.")],
    notify: Annotated[
        list[str] | None,
        typer.Option(
            "--notify", metavar="ADDRESS", help="Who is told of new matches, as apprise spells it; repeatable."
        ),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="In place of the one that has this name.")] = False,
) -> None:
    """Save a search in searches.toml; with --notify it tells of what arrives from now on."""
    from aggregator.console.searches import add

    raise typer.Exit(add(context.obj.load(), name, query, notify or [], replace=replace))


@searches_app.command("remove", epilog="Example: evnews searches remove sodium")
def searches_remove(context: typer.Context, name: Named) -> None:
    """Forget a search and what it still had to tell."""
    from aggregator.console.searches import remove

    raise typer.Exit(remove(context.obj.load(), name))


@searches_app.command("notify", epilog="Examples: evnews searches notify --dry-run; evnews searches notify")
def searches_notify(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what is new; tell nobody.")] = False,
) -> None:
    """Tell of what is new; `evnews crawl` does it by itself. Exit status 1 where a message could not be sent."""
    from aggregator.console.searches import notify

    raise typer.Exit(notify(context.obj.load(), dry_run=dry_run))


@searches_app.command("retry", epilog="Example: evnews searches retry sodium")
def searches_retry(context: typer.Context, name: Named) -> None:
    """Send again what may not have arrived, and at once what waits to be tried again."""
    from aggregator.console.searches import retry

    raise typer.Exit(retry(context.obj.load(), name))


@app.command(epilog="Examples: evnews serve; evnews serve --host 0.0.0.0 --port 8080")
def serve(
    context: typer.Context,
    host: Host = "127.0.0.1",
    port: Port = 8080,
) -> None:
    """Serve feeds of everything, a source, a topic, a saved search or any query: /opml lists them."""
    from aggregator.console.serve import serve as run

    raise typer.Exit(run(context.obj.load(), host, port))


@token_app.callback(invoke_without_command=True)
def token_list(context: typer.Context) -> None:
    """Who may ask a server that others can reach; alone, prints the tokens' names."""
    if context.invoked_subcommand is None:
        from aggregator.console.tokens import list_tokens

        raise typer.Exit(list_tokens(context.obj.load()))


@token_app.command("add", epilog="Examples: evnews token add phone; evnews token add dashboard --read-only")
def token_add(
    context: typer.Context,
    name: Named,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="With it nothing can be marked as read or starred.")
    ] = False,
) -> None:
    """Make a token and print its secret, this once."""
    from aggregator.console.tokens import add

    raise typer.Exit(add(context.obj.load(), name, read_only=read_only))


@token_app.command("remove", epilog="Example: evnews token remove phone")
def token_remove(context: typer.Context, name: Named) -> None:
    """Take a token away: it opens nothing any more."""
    from aggregator.console.tokens import remove

    raise typer.Exit(remove(context.obj.load(), name))


@app.command(epilog="Examples: evnews show 42; evnews show 42 --revisions; evnews show 42 --diff 1 3")
def show(
    context: typer.Context,
    article: Annotated[int, typer.Argument(metavar="ID")],
    numbers: Annotated[
        list[int] | None, typer.Argument(metavar="[A B]", help="With --diff: from which revision to which.")
    ] = None,
    revisions: Annotated[bool, typer.Option("--revisions", help="Every revision and what was edited.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="The words that were edited last, or from A to B.")] = False,
    as_json: Json = False,
) -> None:
    """Print one article: title, facts and text; or how it was edited."""
    if revisions or diff or numbers:
        from aggregator.console.revisions import show_diff, show_revisions

        if diff or numbers:
            raise typer.Exit(show_diff(context.obj.load(), article, numbers or [], diff=diff, as_json=as_json))
        raise typer.Exit(show_revisions(context.obj.load(), article, as_json=as_json))
    from aggregator.console.search import show_article

    raise typer.Exit(show_article(context.obj.load(), article, as_json=as_json))


@app.command(epilog="Examples: evnews why 42; evnews why electrek; evnews why https://electrek.co/2026/01/31/a-story/")
def why(
    context: typer.Context,
    asked: Annotated[str, typer.Argument(metavar="WHAT", help="An article's number, an address, or a source.")],
    as_json: Json = False,
) -> None:
    """Every decision about an article or an address, or when a source is polled, in words; 1 if nothing is known."""
    from aggregator.console.why import tell_why

    raise typer.Exit(tell_why(context.obj.load(), asked, as_json=as_json))


@app.command(epilog="Examples: evnews changes --since 7d; evnews changes --kind headline --source electrek --json")
def changes(
    context: typer.Context,
    since: Annotated[str | None, typer.Option("--since", metavar="DATE", help="Seen on or after, e.g. 7d.")] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--kind", metavar="KIND", help="withdrawn restored rewrite headline numbers typo body; repeatable."
        ),
    ] = None,
    source: FromSource = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="At most so many; 20 by default, no limit with --json.")
    ] = None,
    as_json: Json = False,
) -> None:
    """What was edited, withdrawn or restored after it was kept, newest first; exit status 1 when nothing was."""
    from aggregator.console.changes import show_changes

    raise typer.Exit(
        show_changes(context.obj.load(), since, tuple(kind or ()), tuple(source or ()), limit=limit, as_json=as_json)
    )


@import_app.command(
    "jsonl", epilog="Examples: evnews import jsonl articles.jsonl; evnews --home restored import jsonl articles.jsonl"
)
def import_jsonl(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.jsonl", exists=True, dir_okay=False)],
) -> None:
    """Bring back what `evnews export jsonl` wrote: numbers, revisions, copies, stories; not the captured pages."""
    from aggregator.console.importing import import_jsonl as run

    raise typer.Exit(run(context.obj.load(), file))


@app.command(epilog="Examples: evnews topics --since 30d --kind model; evnews search topic:xiaomi")
def topics(
    context: typer.Context,
    since: Since = None,
    kind: Annotated[str, typer.Option("--kind", metavar="KIND", help="Only maker, model, battery, ...")] = "",
    refresh: Annotated[bool, typer.Option("--refresh", help="Read older articles with the present catalogue.")] = False,
    as_json: Json = False,
) -> None:
    """What articles are about: topics of the catalogue with their articles and sources."""
    from aggregator.console.topics import refresh_topics, show_topics

    if refresh:
        raise typer.Exit(refresh_topics(context.obj.load()))
    from aggregator.console.search import moment

    raise typer.Exit(show_topics(context.obj.load(), moment("--since", since), kind, as_json=as_json))


@app.command(epilog="Examples: evnews stories --since 7d --min-sources 3; evnews stories 42; evnews stories --json")
def stories(
    context: typer.Context,
    story: Annotated[
        int | None, typer.Argument(metavar="[ID]", help="Who tells this one, the first first; any article's number.")
    ] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="DATE", help="Told on or after, e.g. 7d.")] = None,
    min_sources: Annotated[int, typer.Option("--min-sources", min=1, help="Told by so many sources at least.")] = 2,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="At most so many; 20 by default, no limit with --json.")
    ] = None,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Find the stories of articles that have none yet.")
    ] = False,
    as_json: Json = False,
) -> None:
    """The news that several articles tell, that which was told last first; exit status 1 when there is none."""
    from aggregator.console import stories as answers

    if refresh:
        raise typer.Exit(answers.refresh_stories(context.obj.load()))
    if story is not None:
        raise typer.Exit(answers.show_story(context.obj.load(), story, as_json=as_json))
    raise typer.Exit(answers.show_stories(context.obj.load(), since, min_sources, limit=limit, as_json=as_json))


@app.command(epilog="Example: evnews stats --json")
def stats(context: typer.Context, as_json: Json = False) -> None:
    """How much the archive holds, source by source."""
    from aggregator.console.stats import show_stats

    raise typer.Exit(show_stats(context.obj.load(), as_json=as_json))


@db_app.command("backup", epilog="Examples: evnews db backup copy.db; evnews db backup /mnt/backups/ --keep 7")
def db_backup(
    context: typer.Context,
    target: Annotated[
        str, typer.Argument(metavar="FILE-OR-FOLDER/", help="A file that is not there yet, or a folder.")
    ],
    keep: Annotated[int, typer.Option("--keep", min=0, metavar="N", help="In a folder: only the newest N stay.")] = 0,
) -> None:
    """Copy the archive as it is at this moment, whole or not at all; others may read and write meanwhile."""
    from aggregator.console.db import run_backup

    raise typer.Exit(run_backup(context.obj.load(), target, keep=keep))


@db_app.command("prune", epilog="Examples: evnews db prune --dry-run; evnews db prune --even starred")
def db_prune(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would go, and take nothing.")] = False,
    even: Annotated[
        list[str] | None,
        typer.Option("--even", metavar="KIND", help="Remove what else stays: starred, withdrawn; may be repeated."),
    ] = None,
    sources: SourcesFile = None,
) -> None:
    """Remove articles older than `keep` says, and the oldest captured pages until they take what `keep_pages` says."""
    from aggregator.console.db import run_prune

    raise typer.Exit(run_prune(context.obj.load(), sources, even or (), is_dry=dry_run))


@db_app.command("upgrade", epilog="Examples: evnews db upgrade; evnews db upgrade --no-backup")
def db_upgrade(
    context: typer.Context,
    no_backup: Annotated[bool, typer.Option("--no-backup", help="Without a copy beside the archive first.")] = False,
) -> None:
    """Bring the archive of an older evnews up to date, after a backup; other commands do so without one."""
    from aggregator.console.db import run_upgrade

    raise typer.Exit(run_upgrade(context.obj.load(), is_backed_up=no_backup))


@db_app.command("restore", epilog="Example: evnews db restore /mnt/backups/evnews-20260131T120000Z.db")
def db_restore(context: typer.Context, file: Annotated[Path, typer.Argument(metavar="FILE")]) -> None:
    """Put a backup in the archive's place; the one that was there is kept beside it."""
    from aggregator.console.db import run_restore

    raise typer.Exit(run_restore(context.obj.load(), file))


@db_app.command("check", epilog="Examples: evnews db check; evnews db check --all")
def db_check(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Read every capture, not only a thousand of them.")] = False,
) -> None:
    """Prove the archive whole: database, search index, captures; exit status 1 when it is not."""
    from aggregator.console.db import run_check

    raise typer.Exit(run_check(context.obj.load(), every=every))


@db_app.command("optimize", epilog="Example: evnews db optimize")
def db_optimize(context: typer.Context) -> None:
    """Make searches fast again after much was added; nobody else writes meanwhile."""
    from aggregator.console.db import run_optimize

    raise typer.Exit(run_optimize(context.obj.load()))


@db_app.command("reindex", epilog="Example: evnews db reindex")
def db_reindex(context: typer.Context) -> None:
    """Build the search index anew beside the one that answers; goes on where it was left."""
    from aggregator.console.db import run_reindex

    raise typer.Exit(run_reindex(context.obj.load()))


def _data_command(form: str, what: str) -> None:
    """`evnews export` of articles for work with data: the formats differ in nothing but what is written."""

    @export_app.command(
        form,
        context_settings=WORDS_MAY_BEGIN_WITH_A_DASH,
        epilog=f"Example: evnews export {form} battery -o battery.{form}",
        help=f"{what}: every matching article, copies included.",
    )
    def export(
        context: typer.Context,
        output: Output,
        words: Words = None,
        source: FromSource = None,
        topic: AboutTopic = None,
        since: Since = None,
        until: Until = None,
        saved: SavedName = "",
    ) -> None:
        from aggregator.console.export import export_data

        query = _query(context, words, source, since, until, topic, saved=saved)
        raise typer.Exit(export_data(context.obj.load(), form, query, output))


for _form, _what in (("jsonl", "One JSON object a line"), ("parquet", "Apache Parquet, with types")):
    _data_command(_form, _what)


@export_app.command(
    "csv",
    context_settings=WORDS_MAY_BEGIN_WITH_A_DASH,
    epilog="Examples: evnews export csv battery -o battery.csv; evnews export csv --raw -o all.csv",
)
def export_csv(
    context: typer.Context,
    output: Output,
    words: Words = None,
    source: FromSource = None,
    topic: AboutTopic = None,
    since: Since = None,
    until: Until = None,
    saved: SavedName = "",
    raw: Annotated[
        bool, typer.Option("--raw", help="For programs: cells that a spreadsheet takes for formulas stay as they are.")
    ] = False,
) -> None:
    """CSV for spreadsheets: every matching article, copies included."""
    from aggregator.console.export import export_data

    query = _query(context, words, source, since, until, topic, saved=saved)
    raise typer.Exit(export_data(context.obj.load(), "csv-raw" if raw else "csv", query, output))


@export_app.command("opml", epilog="Example: evnews export opml -o evnews.opml")
def export_opml(context: typer.Context, output: Output) -> None:
    """The list of every feed that `evnews serve` has, for a reader to import."""
    from aggregator.console.export import export_opml as run

    raise typer.Exit(run(context.obj.load(), output))


def _feed_command(form: str, what: str) -> None:
    """`evnews export` of a kind of feed: they differ in nothing but what is written."""

    @export_app.command(
        form,
        context_settings=WORDS_MAY_BEGIN_WITH_A_DASH,
        epilog=f'Examples: evnews export {form} "fast charging" -o charging.{form}; '
        f"evnews export {form} --all-searches -o public",
        help=f"{what} of the newest matching articles.",
    )
    def export(
        context: typer.Context,
        output: Output,
        words: Words = None,
        source: FromSource = None,
        topic: AboutTopic = None,
        since: Since = None,
        until: Until = None,
        limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many entries.")] = 50,
        saved: SavedName = "",
        full: Annotated[bool, typer.Option("--full", help="With the whole texts, not only summaries.")] = False,
        all_searches: Annotated[
            bool,
            typer.Option(
                "--all-searches", help="Into the folder -o: a feed of everything and one of each saved search."
            ),
        ] = False,
    ) -> None:
        from aggregator.console.export import export_feed, export_folder

        if all_searches:
            raise typer.Exit(export_folder(context.obj.load(), form, output, full=full, limit=limit))
        query = _query(context, words, source, since, until, topic, limit=limit, saved=saved)
        raise typer.Exit(export_feed(context.obj.load(), form, query, output, full=full))


for _form, _what in (("rss", "An RSS 2.0 feed"), ("atom", "An Atom 1.0 feed"), ("json", "A JSON Feed 1.1")):
    _feed_command(_form, _what)


def _query(
    context: typer.Context,
    words: list[str] | None,
    source: list[str] | None,
    since: str | None,
    until: str | None,
    topic: list[str] | None = None,
    *,
    limit: int | None = None,
    order: str = "new",
    cursor: str = "",
    saved: str = "",
) -> Query:
    from aggregator.console.search import query_of

    asked = " ".join(words or [])
    if saved:
        from aggregator.console.alerting import with_saved

        asked = with_saved(context.obj.load(), saved, asked)
    return query_of(
        asked, tuple(source or ()), since, until, tuple(topic or ()), limit=limit, order=order, cursor=cursor
    )


def main() -> None:
    """Run the command line."""
    from aggregator.console.answer import answered

    sys.exit(answered(app))
