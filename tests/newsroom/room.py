"""The Newsroom: what is public, changed, withdrawn or at fault, and the truth about all of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from tests.newsroom.desk import Desk, first_public
from tests.newsroom.faults import KINDS
from tests.newsroom.manuscripts import Manuscript, plain
from tests.newsroom.pages import has_redesign
from tests.newsroom.publishers import PUBLISHERS, Publisher
from tests.newsroom.syndication import reprinted
from tests.newsroom.truth import Hit, Truth


class Newsroom:
    """The news web's state, safe to steer from any thread while a server answers from it.

    `public` is how many articles (oldest first) are public at the start: of each publisher,
    or by publisher's name; None means all. A server sets `port`; until then no address is
    known. Unknown names, URLs and kinds raise KeyError or ValueError. `watch` is called with every
    request as it arrives, before it is answered, from the server's thread.
    """

    def __init__(self, *, public: int | Mapping[str, int] | None = None) -> None:
        self.port = 0
        self.log: list[Hit] = []
        self.lock = threading.RLock()
        self.watch: Callable[[Hit], None] = lambda hit: None
        started = datetime.now(UTC).replace(microsecond=0)
        self._desks = {at.name: Desk(at, first_public(public, at.name), started) for at in PUBLISHERS}

    # -- addresses

    @property
    def proxy_url(self) -> str:
        """Where the proxy answers; a publisher's direct address answers as a proxy too."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def canary_url(self) -> str:
        """An address that no crawl should ever ask: see `canary_hits`."""
        return f"{self.proxy_url}/canary"

    @property
    def canary_hits(self) -> list[Hit]:
        """The requests that reached an address which belongs to no publisher."""
        return [hit for hit in list(self.log) if not hit.publisher]

    def home(self, publisher: str, *, proxy: bool = False) -> str:
        """A publisher's home page, without the closing slash."""
        at = self._desks[publisher].publisher
        return f"http://{at.host}" if proxy else f"http://{at.address}:{self.port}"

    def index_url(self, publisher: str, *, proxy: bool = False) -> str:
        """A publisher's main index."""
        return self.home(publisher, proxy=proxy) + self._desks[publisher].publisher.index_path

    def addresses(self) -> dict[str, object]:
        """The address map as plain values, for printing."""
        return {
            "port": self.port,
            "proxy": self.proxy_url,
            "canary": self.canary_url,
            "publishers": {
                name: {
                    "direct": self.home(name),
                    "proxy": self.home(name, proxy=True),
                    "index": self.index_url(name),
                    "kind": desk.publisher.index,
                    "articles": len(desk.articles),
                    "public": desk.public,
                }
                for name, desk in self._desks.items()
            },
        }

    # -- the truth

    def articles(self, publisher: str = "") -> list[Truth]:
        """What a polite crawl should end up with now, oldest first by publisher."""
        return [truth for truth in self.every(publisher) if truth.readable]

    def every(self, publisher: str = "") -> list[Truth]:
        """All articles: not yet public, withdrawn, private and thin ones too."""
        names = [publisher] if publisher else list(self._desks)
        with self.lock:
            return [self._truth(self._desks[name], one) for name in names for one in self._desks[name].articles]

    def listed(self, publisher: str) -> list[Truth]:
        """What a publisher's indexes name now, newest first: private and thin pages too."""
        with self.lock:
            unlisted = self._desks[publisher].unlisted
            named = [truth for truth in self.every(publisher) if truth.public and truth.slug not in unlisted]
        return named[::-1]

    def find(self, url: str) -> Truth:
        """The article at an address of either kind; tracking parameters and the AMP twin are understood."""
        desk, article = self._find(url)
        return self._truth(desk, article)

    def blocks(self, truth: Truth) -> tuple[str, ...]:
        """An article's blocks as they read now."""
        desk = self._desks[truth.publisher]
        return desk.reads(desk.find(truth.slug)).blocks

    def changed(self, publisher: str) -> datetime:
        """When a publisher last changed anything."""
        return self._desks[publisher].changed

    def is_redesigned(self, publisher: str) -> bool:
        """Whether a publisher's pages have another design now."""
        return self._desks[publisher].is_redesigned

    def roundup(self, publisher: str) -> tuple[tuple[str, str], ...]:
        """The (address, title)s of the articles that a publisher points to."""
        return self._desks[publisher].roundup

    # -- steering

    def publish(self, n: int = 1, publisher: str | None = None) -> list[Truth]:
        """Make the next `n` articles of one publisher, or of each, public; returns them."""
        with self.lock:
            desks = [self._desks[publisher]] if publisher else list(self._desks.values())
            return [self._truth(desk, one) for desk in desks for one in desk.publish(n)]

    def syndicate(self, url: str, publisher: str, how: str = "exact", later: float = 24.0) -> Truth:
        """Let another publisher have an article as it reads now, dated so many hours later; `how`: see syndication.py.

        The original need not be public yet.
        """
        with self.lock:
            source, article = self._find(url)
            desk, published = self._desks[publisher], article.published + timedelta(hours=later)
            copy = reprinted(source.reads(article), source.publisher, desk.publisher, how, published)
            desk.reprints.append(copy)
            desk.touch()
            return self._truth(desk, copy)

    def edit(self, url: str, kind: str = "body") -> Truth:
        """Change an article; for the kinds of edit see edits.py."""
        with self.lock:
            desk, article = self._find(url)
            edits = desk.edits.setdefault(article.slug, [])
            edits.append(kind)
            try:
                edited = self._truth(desk, article)
            except (KeyError, ValueError):
                edits.pop()
                raise
            desk.touch()
            return edited

    def point(self, publisher: str, urls: Sequence[str]) -> str:
        """Let a publisher point to articles, of others too, in a feed of its own; returns the feed's address."""
        with self.lock:
            named = tuple((url, self.find(url).title) for url in urls)
            self._desks[publisher].roundup = named
        return f"{self.home(publisher)}/roundup.xml"

    def correct(self, url: str, old: str, new: str) -> Truth:
        """Put other words for some in an article's title, summary and text: a typo, a number, the headline."""
        with self.lock:
            desk, article = self._find(url)
            desk.corrections.setdefault(article.slug, []).append((old, new))
            desk.touch()
            return self._truth(desk, article)

    def redesign(self, publisher: str, box: str, *, template: bool = False) -> None:
        """Put a box of text among the paragraphs of every article of a publisher, in place of the one before.

        With `template` the pages have another template too; only kerbside has one.
        """
        with self.lock:
            desk = self._desks[publisher]
            if template and not has_redesign(desk.publisher):
                raise ValueError(f"{publisher} has no other template")
            desk.box, desk.is_redesigned = box, template
            desk.touch()

    def box(self, publisher: str) -> str:
        """The box that stands among the paragraphs of a publisher's articles, or nothing."""
        return self._desks[publisher].box

    def withdraw(self, url: str, status: int = 410, *, listed: bool = True) -> Truth:
        """Answer `status` for an article from now on; its indexes go on naming it unless `listed` is false."""
        with self.lock:
            desk, article = self._find(url)
            desk.withdrawn[article.slug] = status
            if not listed:
                desk.unlisted.add(article.slug)
                desk.touch()
            return self._truth(desk, article)

    def restore(self, url: str) -> Truth:
        """Answer with a withdrawn article again."""
        with self.lock:
            desk, article = self._find(url)
            del desk.withdrawn[article.slug]
            desk.touch()
            return self._truth(desk, article)

    def fault(self, publisher: str, kind: str, path: str = "/", arg: str = "") -> None:
        """Make every path that begins with `path` misbehave; the longest match wins, kind `none` heals.

        "/" is the whole publisher with its robots.txt. Healing "/" removes all its faults;
        healing a longer path exempts it (and what a shorter fault would do to it). Kinds and
        what `arg` means to each: see faults.py.
        """
        if kind not in KINDS:
            raise ValueError(f"unknown fault {kind!r}; known: {', '.join(sorted(KINDS))}")
        with self.lock:
            faults = self._desks[publisher].faults
            if kind == "none" and path == "/":
                faults.clear()
            else:
                faults[path] = (kind, arg)

    def fault_at(self, publisher: str, path: str) -> tuple[str, str]:
        """The kind and argument of the fault at a path; ("none", "") where there is none."""
        return self._desks[publisher].at_fault(path)

    def hits(self, publisher: str = "", path: str = "") -> list[Hit]:
        """The log, narrowed to a publisher and to paths that begin with `path`."""
        return [
            hit for hit in list(self.log) if (not publisher or hit.publisher == publisher) and hit.path.startswith(path)
        ]

    def write_sources(
        self,
        path: Path | str,
        delay: float = 0.01,
        *,
        proxy: bool = False,
        wide: bool = False,
        every: float | str = "",
    ) -> Path:
        """Write a catalogue of the publishers: their main indexes, or with `wide` their sitemaps too."""
        tables = [self._source(desk.publisher, delay, proxy, wide, every) for desk in self._desks.values()]
        target = Path(path)
        target.write_text("\n".join(tables), encoding="utf-8")
        return target

    # -- inside

    def _source(self, at: Publisher, delay: float, proxy: bool, wide: bool, every: float | str) -> str:
        home, index = self.home(at.name, proxy=proxy), self.index_url(at.name, proxy=proxy)
        feeds = [index] if at.index not in ("sitemap", "listing") else []
        sitemaps = [f"{home}/sitemap.xml"] if wide or at.index == "sitemap" else []
        listing = f'{{ url = "{index}", css = "a.teaser-link" }}' if at.index == "listing" else ""
        lines = [
            f"[{at.name}]",
            f"title = {json.dumps(at.title, ensure_ascii=False)}",
            f'home = "{home}/"',
            f'language = "{at.language}"',
            f'timezone = "{at.timezone}"',
            f"feeds = {json.dumps(feeds)}",
            f"sitemaps = {json.dumps(sitemaps)}",
            f"listings = [{listing}]",
            f"delay = {delay}",
        ]
        return "\n".join([*lines, *([f"every = {json.dumps(every)}"] if every else []), ""])

    def _find(self, url: str) -> tuple[Desk, Manuscript]:
        parts = urlsplit(url)
        path = parts.path.removeprefix("/amp") if parts.path.startswith("/amp/") else parts.path
        for desk in self._desks.values():
            if parts.hostname in (desk.publisher.host, desk.publisher.address):
                for article in desk.articles:
                    if desk.publisher.path(article) == path:
                        return desk, article
        raise KeyError(f"no article at {url}")

    def _truth(self, desk: Desk, article: Manuscript) -> Truth:
        at, edits, reads = desk.publisher, len(desk.edits.get(article.slug, ())), desk.reads(article)
        path, home = at.path(article), self.home(at.name)
        return Truth(
            publisher=at.name,
            slug=article.slug,
            url=home + path,
            proxy_url=f"http://{at.host}{path}",
            lead_url=home + path + at.track,
            amp_url=f"{home}/amp{path}" if at.amp else "",
            title=reads.title,
            authors=article.authors,
            published=article.published.astimezone(UTC),
            published_date=at.local(article.published).date().isoformat(),
            modified=article.published.astimezone(UTC) + timedelta(hours=edits) if edits else None,
            zone_known=at.zoned,
            language=article.language or at.language,
            summary=reads.summary,
            tags=article.tags,
            text=plain(reads.blocks),
            copy_of=self._url_of(*article.copy_of.split("/")) if article.copy_of else "",
            points_home=article.points_home,
            private=article.private,
            thin=article.thin,
            public=desk.is_public(article),
            withdrawn=desk.withdrawn.get(article.slug, 0),
        )

    def _url_of(self, publisher: str, slug: str) -> str:
        desk = self._desks[publisher]
        return self.home(publisher) + desk.publisher.path(desk.find(slug))
