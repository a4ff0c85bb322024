"""Every feed of a running server against public schemas and other people's readers.

    python -m tests.outside.feeds SCHEMAS http://127.0.0.1:8080/ [--query WORDS]

SCHEMAS is a folder with `atom-rfc4287.rnc` (the RELAX NG of RFC 4287), `rss-2_0.xsd`, `jsonfeed-1.0.schema.json` and
`jsonfeed-1.1.schema.json`; they are not ours to ship. sfeed and Newsboat are asked where they are installed (Debian:
`apt install sfeed newsboat`) and named as missing where not. A line for each feed and tool; the exit status is 1 where
one of them objects.
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


class Objection(Exception):
    """A tool does not take a feed; the message says why."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A feed as a reader gets it."""

    url: str
    form: str
    body: bytes

    @property
    def count(self) -> int:
        """How many entries it has, by our own count of its elements."""
        if self.form == "json":
            return len(json.loads(self.body)["items"])
        tag = {"atom": "{http://www.w3.org/2005/Atom}entry", "rss": "item"}[self.form]
        return sum(1 for _ in etree.fromstring(self.body).iter(tag))


Tool = Callable[[Fetched], None]


def main() -> int:
    """Ask every tool about every feed; 0 where none objects."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("schemas", type=Path)
    parser.add_argument("server")
    parser.add_argument("--query", default="the")
    asked = parser.parse_args()
    base = asked.server.rstrip("/")
    tools = schemas(asked.schemas) | {"feedparser": by_feedparser, "fastfeedparser": by_fastfeedparser} | installed()
    objections = 0
    with urlopen(f"{base}/opml") as answer:
        outlines = listparser.parse(answer.read())
    print(f"/opml  listparser: {len(outlines.feeds)} feeds{', not well formed' if outlines.bozo else ''}")
    objections += bool(outlines.bozo) or not outlines.feeds
    for feed in feeds(base, [feed.url for feed in outlines.feeds], asked.query):
        said = [f"{name}: {_said(tool, feed)}" for name, tool in tools.items() if _is_for(name, feed.form)]
        bad = [one for one in said if not one.endswith(": ok")]
        objections += len(bad)
        names = ", ".join(one.partition(":")[0] for one in said if one not in bad)
        print(
            f"{feed.url.removeprefix(base)}  {feed.count} entries  ok: {names}" + "".join(f"\n    {one}" for one in bad)
        )
    print(f"{objections} objections")
    return 1 if objections else 0


def feeds(base: str, listed: list[str], words: str) -> Iterator[Fetched]:
    """Each listed feed and that of a query, in every form, with summaries and with texts."""
    for url in [*listed, f"{base}/feeds/query.atom?q={quote(words)}"]:
        for form in FORMS:
            for full in ("", "full=1"):
                there = url.replace(".atom", f".{form}")
                there += full and f"{'&' if '?' in there else '?'}{full}"
                with urlopen(there) as answer:
                    yield Fetched(there, form, answer.read())


def schemas(folder: Path) -> dict[str, Tool]:
    """What public schemas say."""
    # The prefix for names of no namespace is one of the compact syntax alone.
    grammar = rnc2rng.dumps(rnc2rng.load(str(folder / "atom-rfc4287.rnc"))).replace(' xmlns:local=""', "")
    relax = etree.RelaxNG(etree.fromstring(grammar.encode()))
    xsd = etree.XMLSchema(etree.parse(str(folder / "rss-2_0.xsd")))
    former = json.loads((folder / "jsonfeed-1.0.schema.json").read_text())
    described = json.loads((folder / "jsonfeed-1.1.schema.json").read_text())
    # What is as it was in 1.0 is told by its schema, by this name.
    known = Registry().with_resource("feed-1", Resource(former, DRAFT4))
    validator = jsonschema.Draft4Validator(described, registry=known)

    def by_relax(feed: Fetched) -> None:
        if not relax.validate(etree.fromstring(feed.body)):
            raise Objection(str(relax.error_log.last_error))

    def by_xsd(feed: Fetched) -> None:
        # It asks for an item at least, which RSS 2.0 itself does not.
        if feed.count and not xsd.validate(etree.fromstring(feed.body)):
            raise Objection(str(xsd.error_log.last_error))

    def by_json(feed: Fetched) -> None:
        for error in validator.iter_errors(json.loads(feed.body)):
            raise Objection(error.message[:200])

    return {"RELAX NG": by_relax, "XSD": by_xsd, "JSON Schema": by_json}


def installed() -> dict[str, Tool]:
    """The readers that this machine has."""
    found: dict[str, Tool] = {}
    for name, tool in (("sfeed", by_sfeed), ("newsboat", by_newsboat)):
        if shutil.which(name):
            found[name] = tool
        else:
            print(f"{name} is not installed: not asked")
    return found


def by_feedparser(feed: Fetched) -> None:
    """Mark Pilgrim's, which most Python readers use."""
    read = feedparser.parse(feed.body)
    if read.bozo:
        raise Objection(str(read.bozo_exception))
    _counts(feed, len(read.entries))


def by_fastfeedparser(feed: Fetched) -> None:
    """Kagi's, made anew on lxml."""
    if feed.count:  # it takes a feed without entries for none
        _counts(feed, len(fastfeedparser.parse(feed.body).entries))


def by_sfeed(feed: Fetched) -> None:
    """A line an entry."""
    done = subprocess.run(["sfeed"], input=feed.body, capture_output=True, check=False)
    if done.returncode or done.stderr:
        raise Objection(done.stderr.decode("utf-8", "replace"))
    _counts(feed, len(done.stdout.splitlines()))


def by_newsboat(feed: Fetched) -> None:
    """What it counts as unread, from the server itself."""
    with tempfile.TemporaryDirectory() as home:
        urls, cache, config = (Path(home) / name for name in ("urls", "cache.db", "config"))
        urls.write_text(f'"{feed.url}"\n')
        config.write_text("")
        command = ["newsboat", "-u", str(urls), "-c", str(cache), "-C", str(config), "-x", "reload", "print-unread"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        raise Objection(done.stderr)
    _counts(feed, int(done.stdout.split()[0]))


def _counts(feed: Fetched, found: int) -> None:
    if found != feed.count:
        raise Objection(f"finds {found} entries of {feed.count}")


def _said(tool: Tool, feed: Fetched) -> str:
    try:
        tool(feed)
    except Objection as error:
        return str(error)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "ok"


def _is_for(tool: str, form: str) -> bool:
    """The readers read XML; each schema is of one form."""
    only = {"RELAX NG": "atom", "XSD": "rss", "JSON Schema": "json"}
    return only[tool] == form if tool in only else form != "json"


if __name__ == "__main__":
    sys.exit(main())
