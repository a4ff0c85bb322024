"""The six publishers: addresses, languages, URL patterns and indexes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from tests.newsroom.publisher_articles import PublisherArticle

_MONTHS_NO = (
    "januar",
    "februar",
    "mars",
    "april",
    "mai",
    "juni",
    "juli",
    "august",
    "september",
    "oktober",
    "november",
    "desember",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """One publisher.

    `index` is the kind of its main index (rss, atom, json, rdf, sitemap, listing) at `index_path`; `article_path` has
    the placeholders `slug` and `day`; `json_ld` is article, graph, list or empty; with `zoned` its pages and indexes
    print the time zone; `interlude` is HTML between the paragraphs.
    """

    number: int
    name: str
    title: str
    language: str
    lang: str
    timezone: str
    index: str
    index_path: str
    article_path: str
    json_ld: str = ""
    encoding: str = "utf-8"
    zoned: bool = True
    track: str = ""
    amp: bool = False
    update_note: str
    interlude: str = ""
    shown: Callable[[datetime], str]

    @property
    def host(self) -> str:
        """Return the host name in proxy URLs."""
        return f"{self.name}.example"

    @property
    def address(self) -> str:
        """Return the loopback address in direct URLs."""
        return f"127.1.0.{self.number}"

    def local(self, moment: datetime) -> datetime:
        """Convert a time to the publisher's time zone."""
        return moment.astimezone(ZoneInfo(self.timezone))

    def iso(self, moment: datetime) -> str:
        """Format a time as ISO 8601, without its zone if `zoned` is false."""
        local = self.local(moment)
        return local.isoformat() if self.zoned else local.replace(tzinfo=None).isoformat()

    def path(self, article: PublisherArticle) -> str:
        """Return the path of an article page."""
        if article.private:
            return f"/private/{article.slug}"
        return self.article_path.format(slug=article.slug, day=self.local(article.published))


def _english(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y}, {moment:%H:%M}"


def _american(moment: datetime) -> str:
    return f"{moment:%B} {moment.day}, {moment.year}"


def _norwegian(moment: datetime) -> str:
    return f"{moment.day}. {_MONTHS_NO[moment.month - 1]} {moment.year} kl. {moment:%H.%M}"


PUBLISHERS: tuple[Publisher, ...] = (
    Publisher(
        number=1,
        name="chargepost",
        title="Charge Post",
        language="en",
        lang="en-IE",
        timezone="Europe/Dublin",
        index="rss",
        index_path="/feed.xml",
        article_path="/news/{slug}",
        json_ld="article",
        track="?utm_source=feed&utm_medium=rss",
        amp=True,
        shown=_english,
        update_note="Update: this article was apply_corrections after publication (correction {number}).",
        interlude='<div class="ad-slot ad-slot--mid" data-slot="mid-1"><span>Advertisement</span>'
        '<a rel="sponsored" href="/go/4411">Home chargers from 499 euro, fitted within a week</a></div>',
    ),
    Publisher(
        number=2,
        name="ev-kurier",
        title="EV-Kurier",
        language="de",
        lang="de",
        timezone="Europe/Berlin",
        index="atom",
        index_path="/atom.xml",
        article_path="/artikel/{slug}.html",
        json_ld="graph",
        shown=lambda moment: f"{moment:%d.%m.%Y}, {moment:%H:%M} Uhr",
        update_note="Nachtrag: Dieser Artikel wurde nach der Veröffentlichung berichtigt (Fassung {number}).",
        interlude='<aside class="newsletter-box"><h3>Nichts mehr verpassen</h3><p>Der EV-Kurier-Newsletter, jeden '
        'Morgen kostenlos.</p><form><input type="email" placeholder="E-Mail"><button>Anmelden</button></form></aside>',
    ),
    Publisher(
        number=3,
        name="voltward",
        title="Voltward",
        language="en",
        lang="en-US",
        timezone="America/Denver",
        index="json",
        index_path="/feed.json",
        article_path="/{day:%Y/%m/%d}/{slug}/",
        shown=_american,
        update_note="Correction: an earlier version of this story has been amended (revision {number}).",
        interlude='<div class="sponsor-box" aria-label="sponsor"><p>Sponsored: Lease a wall box for $19 a month.</p>'
        "</div>",
    ),
    Publisher(
        number=4,
        name="dianche",
        title="电车日报",
        language="zh",
        lang="zh-CN",
        timezone="Asia/Shanghai",
        index="rdf",
        index_path="/rss.rdf",
        article_path="/article/{day:%Y%m%d}/{slug}.html",
        encoding="gb18030",
        zoned=False,
        shown=lambda moment: f"{moment:%Y-%m-%d %H:%M}",
        update_note="更正：本文发布后作过修改（第{number}次）。",
        interlude='<div class="gg-box"><a href="/go/88">广告：家用充电桩限时优惠</a></div>',
    ),
    Publisher(
        number=5,
        name="kerbside",
        title="The Kerbside",
        language="en",
        lang="en-GB",
        timezone="Europe/London",
        index="sitemap",
        index_path="/sitemap.xml",
        article_path="/stories/{slug}",
        json_ld="list",
        shown=_english,
        update_note="This article was amended after publication (amendment {number}).",
    ),
    Publisher(
        number=6,
        name="stromvei",
        title="Strømvei",
        language="no",
        lang="no",
        timezone="Europe/Oslo",
        index="listing",
        index_path="/nyheter/",
        article_path="/nyheter/{slug}",
        zoned=False,
        shown=_norwegian,
        update_note="Rettelse: Denne saken ble endret etter publisering (versjon {number}).",
        interlude='<div class="annonse"><small>Annonse</small><a href="/ut/12">Ladekabel på tilbud denne uka</a></div>',
    ),
)
