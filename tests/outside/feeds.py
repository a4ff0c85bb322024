"""Check every feed of a running server with public schemas and with feed readers of other projects.

    python -m tests.outside.feeds SCHEMAS http://127.0.0.1:8080/ [--query WORDS]

SCHEMAS is a folder with `atom-rfc4287.rnc` (the RELAX NG of RFC 4287), `rss-2_0.xsd`, `jsonfeed-1.0.schema.json` and
`jsonfeed-1.1.schema.json`, which are not part of this project. sfeed and Newsboat are used if they are installed
(`make tools GROUPS=clients`). Prints a line for each feed; the exit status is 1 if a tool rejects a feed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

import fastfeedparser
import feedparser
import jsonschema
import listparser
import rnc2rng
from lxml import etree
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

FORMS = ("atom", "rss", "json")


class Rejected(Exception):
    """A tool rejects a feed; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A feed as a reader receives it."""

    url: str
    form: str
    body: bytes

    @property
    def count(self) -> int:
        """Return the number of entries, counted by their elements."""
        if self.form == "json":
            return len(json.loads(self.body)["items"])
        tag = {"atom": "{http://www.w3.org/2005/Atom}entry", "rss": "item"}[self.form]
        return sum(1 for _ in etree.fromstring(self.body).iter(tag))


Tool = Callable[[Fetched], None]


def main() -> int:
    """Check every feed with every tool; return 0 if none rejects a feed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("schemas", type=Path)
    parser.add_argument("server")
    parser.add_argument("--query", default="the")
    arguments = parser.parse_args()
    base = arguments.server.rstrip("/")
    tools = (
        schemas(arguments.schemas) | {"feedparser": by_feedparser, "fastfeedparser": by_fastfeedparser} | installed()
    )
    rejections = 0
    with urlopen(f"{base}/opml") as answer:
        outlines = listparser.parse(answer.read())
    print(f"/opml  listparser: {len(outlines.feeds)} feeds{', not well formed' if outlines.bozo else ''}")
    rejections += bool(outlines.bozo) or not outlines.feeds
    for feed in feeds(base, [feed.url for feed in outlines.feeds], arguments.query):
        results = [f"{name}: {_result(tool, feed)}" for name, tool in tools.items() if _is_for(name, feed.form)]
        bad = [result for result in results if not result.endswith(": ok")]
        rejections += len(bad)
        names = ", ".join(result.partition(":")[0] for result in results if result not in bad)
        print(
            f"{feed.url.removeprefix(base)}  {feed.count} entries  ok: {names}"
            + "".join(f"\n    {result}" for result in bad)
        )
    print(f"{rejections} feeds rejected")
    return 1 if rejections else 0


def feeds(base: str, listed: list[str], words: str) -> Iterator[Fetched]:
    """Yield each listed feed and that of a query, in every format, with summaries and with texts."""
    for url in [*listed, f"{base}/feeds/query.atom?q={quote(words)}"]:
        for form in FORMS:
            for full in ("", "full=1"):
                address = url.replace(".atom", f".{form}")
                address += full and f"{'&' if '?' in address else '?'}{full}"
                with urlopen(address) as answer:
                    yield Fetched(address, form, answer.read())


def schemas(folder: Path) -> dict[str, Tool]:
    """Return the tools that validate against public schemas."""
    # Only the compact syntax has a prefix for names without a namespace.
    grammar = rnc2rng.dumps(rnc2rng.load(str(folder / "atom-rfc4287.rnc"))).replace(' xmlns:local=""', "")
    relax = etree.RelaxNG(etree.fromstring(grammar.encode()))
    xsd = etree.XMLSchema(etree.parse(str(folder / "rss-2_0.xsd")))
    former = json.loads((folder / "jsonfeed-1.0.schema.json").read_text())
    described = json.loads((folder / "jsonfeed-1.1.schema.json").read_text())
    # The schema of 1.1 refers to that of 1.0 by this name.
    known = Registry().with_resource("feed-1", Resource(former, DRAFT4))
    validator = jsonschema.Draft4Validator(described, registry=known)

    def by_relax(feed: Fetched) -> None:
        if not relax.validate(etree.fromstring(feed.body)):
            raise Rejected(str(relax.error_log.last_error))

    def by_xsd(feed: Fetched) -> None:
        # The schema requires an item, which RSS 2.0 itself does not.
        if feed.count and not xsd.validate(etree.fromstring(feed.body)):
            raise Rejected(str(xsd.error_log.last_error))

    def by_json(feed: Fetched) -> None:
        for error in validator.iter_errors(json.loads(feed.body)):
            raise Rejected(error.message[:200])

    return {"RELAX NG": by_relax, "XSD": by_xsd, "JSON Schema": by_json}


def installed() -> dict[str, Tool]:
    """Return the feed readers on this machine."""
    readers: dict[str, Tool] = {}
    for name, tool in (("sfeed", by_sfeed), ("newsboat", by_newsboat)):
        if shutil.which(name):
            readers[name] = tool
        else:
            print(f"{name} is not installed: make tools GROUPS=clients")
    return readers


def by_feedparser(feed: Fetched) -> None:
    """Check with feedparser, which most Python readers use."""
    read = feedparser.parse(feed.body)
    if read.bozo:
        raise Rejected(str(read.bozo_exception))
    _counts(feed, len(read.entries))


def by_fastfeedparser(feed: Fetched) -> None:
    """Check with fastfeedparser, which is based on lxml."""
    if feed.count:  # fastfeedparser rejects a feed without entries
        _counts(feed, len(fastfeedparser.parse(feed.body).entries))


def by_sfeed(feed: Fetched) -> None:
    """Check with sfeed, which prints a line per entry."""
    done = subprocess.run(["sfeed"], input=feed.body, capture_output=True, check=False)
    if done.returncode or done.stderr:
        raise Rejected(done.stderr.decode("utf-8", "replace"))
    _counts(feed, len(done.stdout.splitlines()))


def by_newsboat(feed: Fetched) -> None:
    """Check with Newsboat, which fetches the feed and counts its unread entries."""
    with tempfile.TemporaryDirectory() as home:
        urls, cache, config = (Path(home) / name for name in ("urls", "cache.db", "config"))
        urls.write_text(f'"{feed.url}"\n')
        config.write_text("")
        command = ["newsboat", "-u", str(urls), "-c", str(cache), "-C", str(config), "-x", "reload", "print-unread"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        raise Rejected(done.stderr)
    _counts(feed, int(done.stdout.split()[0]))


def _counts(feed: Fetched, count: int) -> None:
    if count != feed.count:
        raise Rejected(f"finds {count} entries of {feed.count}")


def _result(tool: Tool, feed: Fetched) -> str:
    try:
        tool(feed)
    except Rejected as error:
        return str(error)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "ok"


def _is_for(tool: str, form: str) -> bool:
    """Tell whether a tool reads a format: feed readers read XML, each schema is for one format."""
    only = {"RELAX NG": "atom", "XSD": "rss", "JSON Schema": "json"}
    return only[tool] == form if tool in only else form != "json"


if __name__ == "__main__":
    sys.exit(main())
