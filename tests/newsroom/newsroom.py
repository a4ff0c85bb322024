"""The newsroom: the state of all publishers, methods that change it, and the truth about every article."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from tests.newsroom.faults import KINDS
from tests.newsroom.pages import has_redesign
from tests.newsroom.publisher_articles import PublisherArticle, plain
from tests.newsroom.publisher_state import PublisherState, initially_public
from tests.newsroom.publishers import PUBLISHERS, Publisher
from tests.newsroom.syndication import republish
from tests.newsroom.truth import Hit, Truth


class Newsroom:
    """The state of all publishers. Every thread may change it while a server uses it.

    `public` is the number of articles (the oldest) that are published at the start: of each publisher, or by
    publisher; None means all. The server sets `port`. Unknown names, URLs and kinds raise KeyError or ValueError.
    The server's thread calls `watch` with every request before it answers.
    """

    def __init__(self, *, public: int | Mapping[str, int] | None = None) -> None:
        self.port = 0
        self.log: list[Hit] = []
        self.lock = threading.RLock()
        self.watch: Callable[[Hit], None] = lambda hit: None
        started = datetime.now(UTC).replace(microsecond=0)
        self._states = {at.name: PublisherState(at, initially_public(public, at.name), started) for at in PUBLISHERS}

    # -- addresses

    @property
    def proxy_url(self) -> str:
        """Return the URL of the proxy; the direct addresses of the publishers are proxies too."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def canary_url(self) -> str:
        """Return a URL that no crawl may request: see `canary_hits`."""
        return f"{self.proxy_url}/canary"

    @property
    def canary_hits(self) -> list[Hit]:
        """Return the requests for hosts that belong to no publisher."""
        return [hit for hit in list(self.log) if not hit.publisher]

    def home(self, publisher: str, *, proxy: bool = False) -> str:
        """Return the URL of a publisher's home page, without the final slash."""
        at = self._states[publisher].publisher
        return f"http://{at.host}" if proxy else f"http://{at.address}:{self.port}"

    def index_url(self, publisher: str, *, proxy: bool = False) -> str:
        """Return the URL of a publisher's main index."""
        return self.home(publisher, proxy=proxy) + self._states[publisher].publisher.index_path

    def addresses(self) -> dict[str, object]:
        """Return the URLs and sizes of all publishers as plain values, for printing."""
        return {
            "port": self.port,
            "proxy": self.proxy_url,
            "canary": self.canary_url,
            "publishers": {
                name: {
                    "direct": self.home(name),
                    "proxy": self.home(name, proxy=True),
                    "index": self.index_url(name),
                    "kind": state.publisher.index,
                    "articles": len(state.articles),
                    "public": state.public,
                }
                for name, state in self._states.items()
            },
        }

    # -- the truth

    def articles(self, publisher: str = "") -> list[Truth]:
        """Return what a polite crawl stores now, by publisher and oldest first."""
        return [truth for truth in self.every(publisher) if truth.readable]

    def every(self, publisher: str = "") -> list[Truth]:
        """Return all articles, also unpublished, withdrawn, private and thin ones."""
        names = [publisher] if publisher else list(self._states)
        with self.lock:
            states = [self._states[name] for name in names]
            return [self._truth(state, article) for state in states for article in state.articles]

    def listed(self, publisher: str) -> list[Truth]:
        """Return what a publisher's indexes name now, newest first; private and thin pages too."""
        with self.lock:
            unlisted = self._states[publisher].unlisted
            listed = [truth for truth in self.every(publisher) if truth.public and truth.slug not in unlisted]
        return listed[::-1]

    def find(self, url: str) -> Truth:
        """Return the article at a direct, proxy or AMP URL, with or without tracking parameters."""
        state, article = self._find(url)
        return self._truth(state, article)

    def blocks(self, truth: Truth) -> tuple[str, ...]:
        """Return the blocks of an article after its edits."""
        state = self._states[truth.publisher]
        return state.current(state.find(truth.slug)).blocks

    def changed(self, publisher: str) -> datetime:
        """Return the time of a publisher's last change."""
        return self._states[publisher].changed

    def is_redesigned(self, publisher: str) -> bool:
        """Tell whether a publisher uses its second template."""
        return self._states[publisher].is_redesigned

    def roundup(self, publisher: str) -> tuple[tuple[str, str], ...]:
        """Return the (URL, title) pairs in a publisher's roundup feed."""
        return self._states[publisher].roundup

    # -- changes

    def publish(self, n: int = 1, publisher: str | None = None) -> list[Truth]:
        """Publish the next `n` articles of one publisher, or of each, and return them."""
        with self.lock:
            states = [self._states[publisher]] if publisher else list(self._states.values())
            return [self._truth(state, article) for state in states for article in state.publish(n)]

    def syndicate(self, url: str, publisher: str, method: str = "exact", later: float = 24.0) -> Truth:
        """Republish an article, as it is now, at another publisher, dated `later` hours after the original.

        `method` is one of syndication.py. The original may be unpublished.
        """
        with self.lock:
            source, article = self._find(url)
            state, published = self._states[publisher], article.published + timedelta(hours=later)
            copy = republish(source.current(article), source.publisher, state.publisher, method, published)
            state.reprints.append(copy)
            state.touch()
            return self._truth(state, copy)

    def edit(self, url: str, kind: str = "body") -> Truth:
        """Edit an article; edits.py lists the kinds."""
        with self.lock:
            state, article = self._find(url)
            edits = state.edits.setdefault(article.slug, [])
            edits.append(kind)
            try:
                edited = self._truth(state, article)
            except (KeyError, ValueError):
                edits.pop()
                raise
            state.touch()
            return edited

    def point(self, publisher: str, urls: Sequence[str]) -> str:
        """Put articles, also of other publishers, into the roundup feed of a publisher; return the feed's URL."""
        with self.lock:
            entries = tuple((url, self.find(url).title) for url in urls)
            self._states[publisher].roundup = entries
        return f"{self.home(publisher)}/roundup.xml"

    def correct(self, url: str, old: str, new: str) -> Truth:
        """Replace words in the title, summary and text of an article."""
        with self.lock:
            state, article = self._find(url)
            state.corrections.setdefault(article.slug, []).append((old, new))
            state.touch()
            return self._truth(state, article)

    def redesign(self, publisher: str, box: str, *, template: bool = False) -> None:
        """Put a box of text into every article of a publisher, in place of an earlier box.

        With `template` the pages use the second template, which only kerbside has.
        """
        with self.lock:
            state = self._states[publisher]
            if template and not has_redesign(state.publisher):
                raise ValueError(f"{publisher} has no other template")
            state.box, state.is_redesigned = box, template
            state.touch()

    def box(self, publisher: str) -> str:
        """Return the box in the articles of a publisher, or an empty string."""
        return self._states[publisher].box

    def withdraw(self, url: str, status: int = 410, *, listed: bool = True) -> Truth:
        """Respond with `status` for an article from now on; remove it from the indexes if `listed` is false."""
        with self.lock:
            state, article = self._find(url)
            state.withdrawn[article.slug] = status
            if not listed:
                state.unlisted.add(article.slug)
                state.touch()
            return self._truth(state, article)

    def restore(self, url: str) -> Truth:
        """Serve a withdrawn article again."""
        with self.lock:
            state, article = self._find(url)
            del state.withdrawn[article.slug]
            state.touch()
            return self._truth(state, article)

    def fault(self, publisher: str, kind: str, path: str = "/", arg: str = "") -> None:
        """Apply a fault to every path that begins with `path`; the longest matching path decides.

        "/" stands for the whole publisher with its robots.txt. Kind `none` at "/" removes all faults, at a longer
        path it excludes that path. faults.py lists the kinds and their arguments.
        """
        if kind not in KINDS:
            raise ValueError(f"unknown fault {kind!r}; known: {', '.join(sorted(KINDS))}")
        with self.lock:
            faults = self._states[publisher].faults
            if kind == "none" and path == "/":
                faults.clear()
            else:
                faults[path] = (kind, arg)

    def fault_at(self, publisher: str, path: str) -> tuple[str, str]:
        """Return the kind and argument of the fault at a path, ("none", "") if there is none."""
        return self._states[publisher].at_fault(path)

    def hits(self, publisher: str = "", path: str = "") -> list[Hit]:
        """Return the logged requests to a publisher and to paths that begin with `path`."""
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
        """Write a catalogue of the publishers with their main indexes, with `wide` also with their sitemaps."""
        tables = [self._source(state.publisher, delay, proxy, wide, every) for state in self._states.values()]
        target = Path(path)
        target.write_text("\n".join(tables), encoding="utf-8")
        return target

    # -- internals

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

    def _find(self, url: str) -> tuple[PublisherState, PublisherArticle]:
        parts = urlsplit(url)
        path = parts.path.removeprefix("/amp") if parts.path.startswith("/amp/") else parts.path
        for state in self._states.values():
            if parts.hostname in (state.publisher.host, state.publisher.address):
                for article in state.articles:
                    if state.publisher.path(article) == path:
                        return state, article
        raise KeyError(f"no article at {url}")

    def _truth(self, state: PublisherState, article: PublisherArticle) -> Truth:
        at, edits, current = state.publisher, len(state.edits.get(article.slug, ())), state.current(article)
        path, home = at.path(article), self.home(at.name)
        return Truth(
            publisher=at.name,
            slug=article.slug,
            url=home + path,
            proxy_url=f"http://{at.host}{path}",
            lead_url=home + path + at.track,
            amp_url=f"{home}/amp{path}" if at.amp else "",
            title=current.title,
            authors=article.authors,
            published=article.published.astimezone(UTC),
            published_date=at.local(article.published).date().isoformat(),
            modified=article.published.astimezone(UTC) + timedelta(hours=edits) if edits else None,
            zone_known=at.zoned,
            language=article.language or at.language,
            summary=current.summary,
            tags=article.tags,
            text=plain(current.blocks),
            copy_of=self._url_of(*article.copy_of.split("/")) if article.copy_of else "",
            declares_original=article.declares_original,
            private=article.private,
            thin=article.thin,
            public=state.is_public(article),
            withdrawn=state.withdrawn.get(article.slug, 0),
        )

    def _url_of(self, publisher: str, slug: str) -> str:
        state = self._states[publisher]
        return self.home(publisher) + state.publisher.path(state.find(slug))
