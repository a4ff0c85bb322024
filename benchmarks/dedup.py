"""How well copies are found among other articles, and what looking for them costs.

    python benchmarks/dedup.py CORPUS [--originals 1000] [--articles 100000] [--skip quality|speed]

CORPUS is a folder with extraction/<set>/gold.jsonl.gz and clustering/<set>/ (rows with text or text_1 and
text_2). Copies of every kind are planted among all texts of the corpus; all are kept through the same code
as in a crawl (signature as in the worker, look-ups in a SQLite file), in random order. A pair is found where
the two are linked or show the same words. Truth: an original and its copies, and texts of the corpus with
at least 0.6 of the shorter one's runs of four words in the other (eight characters where words are not set
apart), by brute force. The baseline in the same run is datasketch's MinHashLSH (threshold 0.5, 128
permutations) over the same shingles, deciding by its own estimate.

The part on speed fills the index of an archive with as many articles as asked and measures look-up and
insert of real ones, a commit each. Ends with one line of JSON; exit status 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import sys
import tempfile
import time
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from planted import KINDS, Planter, is_cjk, length, live_blog, price_lists

from aggregator.extraction.derived_fields import with_derived_fields
from aggregator.extraction.metadata.language import detect_language
from aggregator.ingest.keep import keep_article
from storage.archive import open_database
from storage.articles.boilerplate import load_boilerplate
from storage.db.database import Database
from storage.maintenance.check import check_archive
from storage.model.article import Article
from storage.model.page import Page

START = datetime(2026, 3, 1, tzinfo=UTC)
SHORTEST = 80
"""Words of the shortest text that copies are made of; 40 % of it are 32 words."""
CHINESE_PAIRS = 100
BARS = {"precision": 0.995, "recall": 0.97, "cut": 0.90, "cut_with_line": 0.80}
_WORDS = re.compile(r"\w+")

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Told:
    """One article of the run: its text, language and group (an original's number, or none), and how it was made."""

    text: str
    language: str
    group: int
    kind: str


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a gzipped JSON Lines file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def corpus_of(folder: Path) -> dict[str, list[str]]:
    """All texts of the corpus by set and id; rows of pairs give two."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(folder.glob("*/*/*.jsonl.gz")):
        for row in rows_of(path):
            found[path.parent.name] += [t for k in ("text", "text_1", "text_2") if isinstance(t := row.get(k), str)]
            if not row.get("text") and row.get("paragraphs"):
                found[path.parent.name].append("\n".join(map(str, row["paragraphs"])))
    for path in sorted(folder.glob("*/*/*.cor")):
        found[path.parent.name] += path.read_text("latin-1").splitlines()
    return {name: [text.strip() for text in texts if text.strip()] for name, texts in found.items()}


def shingles(text: str) -> frozenset[str]:
    """Runs of four words, or of eight characters; written apart from what is measured."""
    words = _WORDS.findall(unicodedata.normalize("NFKC", text).casefold())
    run = 4
    if is_cjk(text):
        words, run = list("".join(words)), 8
    if len(words) < run:
        return frozenset([" ".join(words)])
    return frozenset(" ".join(words[at : at + run]) for at in range(len(words) - run + 1))


def natural_pairs(texts: list[str], least: float = 0.6) -> set[Pair]:
    """Pairs of texts, by number, with at least this containment: every pair that shares a shingle is counted."""
    sets = [shingles(text) for text in texts]
    holders: dict[str, list[int]] = defaultdict(list)
    for number, found in enumerate(sets):
        for shingle in found:
            holders[shingle].append(number)
    counts: Counter[Pair] = Counter()
    for numbers in holders.values():
        counts.update(combinations(numbers, 2))
    return {pair for pair, many in counts.items() if many >= least * min(len(sets[pair[0]]), len(sets[pair[1]]))}


def planted(texts: list[str], languages: list[str], count: int, rng: random.Random) -> list[Told]:
    """The corpus's texts, the copies of as many of them, and what only looks like copies."""
    pools: dict[str, list[str]] = defaultdict(list)
    for text, spoken in zip(texts, languages, strict=True):
        if length(text) >= 200:
            pools[spoken].append(text)
    planter = Planter({spoken: pool for spoken, pool in pools.items() if len(pool) >= 5}, rng)
    fit = [n for n, text in enumerate(texts) if length(text) >= SHORTEST]
    chinese = [n for n in fit if languages[n] == "zh"]
    others = [n for n in fit if languages[n] != "zh"]
    originals = chinese + rng.sample(others, min(len(others), max(0, count - len(chinese))))
    times = -(-CHINESE_PAIRS // len(chinese)) if chinese else 1
    told = [Told(text, spoken, n, "corpus") for n, (text, spoken) in enumerate(zip(texts, languages, strict=True))]
    for number in originals:
        for kind in KINDS:
            for _ in range(times if languages[number] == "zh" and kind != "exact" else 1):
                copy = planter.copy(kind, texts[number], languages[number])
                told.append(Told(copy, languages[number], number, kind))
    for number in range(40):
        for name, pair in (("live_blog", live_blog(pools["en"], rng)), ("price_list", price_lists(rng))):
            told += [Told(text, "en", -1 - number, name) for text in pair]
    return told


def keep_all(database: Database, told: list[Told], rng: random.Random) -> list[int]:
    """Keep every article as a crawl does, in random order; returns their ids in the order of `told`."""
    ids = [0] * len(told)
    order = rng.sample(range(len(told)), len(told))
    for done, number in enumerate(order):
        one = told[number]
        published = START + timedelta(hours=rng.randrange(240) + (0 if one.kind == "corpus" else rng.randrange(72)))
        url = f"https://site{number % 97}.example/{number}"
        article = with_derived_fields(Article(url=url, title=f"Article {number}", text=one.text, published=published))
        with database.write() as tx:
            page = Page(url=url, status=200, fetched_at=published, source=f"site{number % 97}")
            ids[number] = keep_article(
                tx, article, page, None, load_boilerplate(tx, page.source), published
            ).decision.article_id
        if done % 1000 == 999:
            print(f"kept {done + 1} of {len(told)}", file=sys.stderr)
    return ids


def found_pairs(database: Database, ids: list[int]) -> tuple[set[Pair], dict[int, int]]:
    """Pairs of numbers that the archive links, or whose words it takes to be the same; and each copy's original."""
    numbers = {article_id: number for number, article_id in enumerate(ids)}
    with database.read() as connection:
        run = connection.exec_driver_sql
        linked = run(
            "SELECT a.id, b.id FROM articles a JOIN similarities l ON l.text_digest = a.text_digest"
            " JOIN articles b ON b.text_digest = l.other_text_digest UNION"
            " SELECT a.id, b.id FROM articles a JOIN articles b ON a.text_digest = b.text_digest WHERE a.id < b.id"
        ).all()
        copies = run("SELECT id, copy_of FROM articles WHERE copy_of IS NOT NULL").all()
    return _numbered(linked, numbers), {numbers[copy]: numbers[original] for copy, original in copies}


def _numbered(pairs: Iterable[Any], numbers: dict[int, int]) -> set[Pair]:
    mine = ((numbers[one], numbers[other]) for one, other in pairs)
    return {(min(pair), max(pair)) for pair in mine}


def baseline_pairs(told: list[Told]) -> set[Pair]:
    """What datasketch's index finds and its own estimate of the Jaccard similarity confirms."""
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=0.5, num_perm=128)
    made: list[Any] = []
    found: set[Pair] = set()
    for number, one in enumerate(told):
        minhash = MinHash(num_perm=128)
        minhash.update_batch([shingle.encode() for shingle in shingles(one.text)])
        for other in index.query(minhash):
            if minhash.jaccard(made[other]) >= 0.5:
                found.add((other, number))
        index.insert(number, minhash)
        made.append(minhash)
        if number % 2000 == 1999:
            print(f"baseline: {number + 1} of {len(told)}", file=sys.stderr)
    return found


class Truth:
    """Which pairs are copies: of one original, or of two that are naturally alike."""

    def __init__(self, told: list[Told], natural: set[Pair]) -> None:
        self.told, self.natural = told, natural

    def holds(self, pair: Pair) -> bool:
        """Whether a pair tells the same text."""
        one, other = (self.told[number] for number in pair)
        if one.group < 0 or other.group < 0:
            return False
        groups = min(one.group, other.group), max(one.group, other.group)
        return groups[0] == groups[1] or groups in self.natural

    def figures(self, found: set[Pair]) -> dict[str, Any]:
        """Precision over all pairs found, recall by kind and by language over originals and their copies."""
        good, every = Counter[str](), Counter[str]()
        for number, one in enumerate(self.told):
            if one.group >= 0 and one.kind != "corpus":
                for name in ("planted", one.kind, f"language {one.language}", f"{one.language} {one.kind}"):
                    every[name] += 1
                    good[name] += (one.group, number) in found
        natural = len(self.natural & found)
        right = sum(map(self.holds, found))
        rate = {name: round(good[name] / many, 4) for name, many in every.items()}
        return {
            "precision": round(right / max(1, len(found)), 5),
            "wrong_pairs": len(found) - right,
            "recall": round((good["planted"] + natural) / (every["planted"] + len(self.natural)), 4),
            "natural": f"{natural} of {len(self.natural)}",
            **{kind: rate[kind] for kind in KINDS},
            "by_language": {
                name.partition(" ")[2]: f"{rate[name]} of {many}"
                for name, many in every.most_common()
                if name.startswith("language ") and many >= 30
            },
            "chinese": {kind: f"{rate.get(f'zh {kind}', 0)} of {every[f'zh {kind}']}" for kind in KINDS},
        }


def hard_negatives(folder: Path, numbers: dict[str, int]) -> dict[str, set[Pair]]:
    """Pairs of texts of the corpus that tell of one event in words of their own, as their sets label them."""

    def pair(one: str, other: str) -> set[Pair]:
        known = [numbers[text.strip()] for text in (one, other) if text.strip() in numbers]
        return {(min(known), max(known))} if len(set(known)) == 2 else set()

    made: dict[str, set[Pair]] = {"same_event": set(), "scored_2_to_4": set(), "same_story": set()}
    events = defaultdict(list)
    for row in rows_of(folder / "clustering/g5w1h_gold_standard/docs.jsonl.gz"):
        events[row["event"]].append(row["text"])
    for texts in events.values():
        for one, other in combinations(texts, 2):
            made["same_event"] |= pair(one, other)
    for row in rows_of(folder / "clustering/semeval22_task8/pairs.jsonl.gz"):
        if row["overall"] >= 2:
            made["scored_2_to_4"] |= pair(row["text_1"], row["text_2"])
    for row in rows_of(folder / "clustering/tgcontest_pairs/pairs.jsonl.gz"):
        if row["label"] == "OK":
            made["same_story"] |= pair(row["text_1"], row["text_2"])
    return made


def given_pairs(folder: Path, numbers: dict[str, int]) -> dict[str, set[Pair]]:
    """Copies that two sets of the corpus name themselves; pairs of one and the same text are found by being one."""
    found: dict[str, set[Pair]] = {"minhash_planted": set(), "exact_groups": set()}
    for size in ("100", "1000"):
        home = folder / "clustering/minhash_planted"
        texts = {row["id"]: row["text"].strip() for row in rows_of(home / f"docs_{size}.jsonl.gz")}
        for one, other in json.loads((home / f"truth_{size}.json").read_text()):
            pair = sorted((numbers[texts[one]], numbers[texts[other]]))
            found["minhash_planted"].add((pair[0], pair[1]))
    return found


def quality(folder: Path, count: int, figures: dict[str, Any]) -> bool:
    """Plant, keep, compare; whether every bar of quality is held."""
    rng = random.Random(20261124)
    sets = corpus_of(folder)
    texts = list(dict.fromkeys(text for found in sets.values() for text in found))
    numbers = {text: number for number, text in enumerate(texts)}
    languages = [detect_language(text, "", "")[0] for text in texts]
    print(f"{len(texts)} distinct texts", file=sys.stderr)
    natural = natural_pairs(texts)
    told = planted(texts, languages, count, rng)
    exact = exact_groups(folder)
    told_too = [*told, *(Told(text, "en", numbers[text], "twin") for text in exact)]
    with tempfile.TemporaryDirectory(prefix="evnews-bench-") as home:
        database = open_database(f"sqlite:///{home}/archive.db")
        ids = keep_all(database, told_too, rng)
        found, concluded = found_pairs(database, ids)
        problems = check_archive(database, None)
        database.close()
    twins = {(numbers[text], len(told) + at) for at, text in enumerate(exact)}
    found_here = {pair for pair in found if pair[1] < len(told)}
    truth = Truth(told, natural)
    ours = truth.figures(found_here)
    grouped = [
        concluded.get(number, number) == concluded.get(one.group, one.group)
        for number, one in enumerate(told)
        if one.kind in KINDS
    ]
    theirs = baseline_pairs(told)
    negatives = {name: pairs - natural for name, pairs in hard_negatives(folder, numbers).items()}
    for name in ("live_blog", "price_list"):
        made = [number for number, one in enumerate(told) if one.kind == name]
        negatives[name] = set(zip(made[::2], made[1::2], strict=True))
    planted_pairs = given_pairs(folder, numbers)["minhash_planted"]
    linked = {name: f"{len(pairs & found)} of {len(pairs)}" for name, pairs in negatives.items()}
    figures |= {
        "texts": len(texts),
        "articles": len(told_too),
        "originals": len({one.group for one in told if one.kind in KINDS}),
        "chinese_originals": len({one.group for one in told if one.kind in KINDS and one.language == "zh"}),
        **ours,
        "copies_concluded": len(concluded),
        "concluded_wrong": sum(
            not Truth(told_too, natural).holds((min(pair), max(pair))) for pair in concluded.items()
        ),
        "under_one_original": round(sum(grouped) / len(grouped), 4),
        "linked_negatives": linked,
        "minhash_planted": f"{len(planted_pairs & found)} of {len(planted_pairs)}",
        "exact_groups": f"{len(twins & found)} of {len(twins)}",
        "problems": problems,
        "baseline": truth.figures(theirs)
        | {"linked_negatives": {name: f"{len(pairs & theirs)} of {len(pairs)}" for name, pairs in negatives.items()}},
    }
    return (
        all(ours[name] >= bar for name, bar in BARS.items())
        and not any(pairs & found for pairs in negatives.values())
        and planted_pairs <= found
        and twins <= found
        and not problems
    )


def exact_groups(folder: Path) -> list[str]:
    """The texts that one set holds more than once, as often as they come again."""
    texts = [row["text"].strip() for row in rows_of(folder / "clustering/bbc2225/docs.jsonl.gz")]
    return [text for text, many in Counter(texts).items() for _ in range(many - 1)]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--originals", type=int, default=1000)
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--skip", choices=("quality", "speed"), default="")
    given = parser.parse_args()
    figures: dict[str, Any] = {}
    good = True
    started = time.monotonic()
    if given.skip != "quality":
        good = quality(given.corpus, given.originals, figures)
        print(json.dumps(figures, ensure_ascii=False, indent=1), file=sys.stderr)
    if given.skip != "speed":
        from dedup_speed import speed

        texts = [text for found in corpus_of(given.corpus).values() for text in found]
        good = speed(texts, given.articles, figures) and good
    figures["seconds"] = round(time.monotonic() - started)
    print(json.dumps(figures, ensure_ascii=False))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
