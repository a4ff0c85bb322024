"""Measure how well copies are found among other articles, and the cost of the search for them.

    python benchmarks/dedup.py CORPUS [--originals 1000] [--articles 100000] [--skip quality|speed]

CORPUS is a folder with extraction/<set>/gold.jsonl.gz and clustering/<set>/ (rows with text or text_1 and
text_2). Copies of every kind are planted among all texts of the corpus. All are stored by the code of a crawl
(signature as in the worker, look-ups in a SQLite file), in random order. A pair is found if the two are linked
or have the same comparable text. The truth: an original and its copies, and texts of the corpus of which at
least 0.6 of the shorter text's runs of four words (eight characters in scripts without spaces) are in the other,
by brute force. The baseline in the same run is datasketch's MinHashLSH (threshold 0.5, 128 permutations) over
the same shingles, decided by its own estimate.

The speed part fills the index of an archive with the given number of articles and measures look-up and insert of
real articles. The last line is one JSON object; the exit status is 1 if a bar is missed.
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
from aggregator.topics.catalogue import shipped_matcher
from storage.archive import open_database
from storage.articles.boilerplate import load_boilerplate
from storage.db.database import Database
from storage.maintenance.check import check_archive
from storage.model.article import Article
from storage.model.page import Page

START = datetime(2026, 3, 1, tzinfo=UTC)
SHORTEST = 80
"""Number of words of the shortest text that is copied; 40 % of it are 32 words."""
CHINESE_PAIRS = 100
BARS = {"precision": 0.995, "recall": 0.97, "cut": 0.90, "cut_with_line": 0.80}
_WORDS = re.compile(r"\w+")

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Sample:
    """One article: its text, language, group (the number of an original, or none) and kind of copy."""

    text: str
    language: str
    group: int
    kind: str


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a gzipped JSON Lines file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def corpus_of(folder: Path) -> dict[str, list[str]]:
    """Return all texts of the corpus by set and id; a row with a pair has two."""
    texts_by_set: dict[str, list[str]] = defaultdict(list)
    for path in sorted(folder.glob("*/*/*.jsonl.gz")):
        for row in rows_of(path):
            texts_by_set[path.parent.name] += [
                t for k in ("text", "text_1", "text_2") if isinstance(t := row.get(k), str)
            ]
            if not row.get("text") and row.get("paragraphs"):
                texts_by_set[path.parent.name].append("\n".join(map(str, row["paragraphs"])))
    for path in sorted(folder.glob("*/*/*.cor")):
        texts_by_set[path.parent.name] += path.read_text("latin-1").splitlines()
    return {name: [text.strip() for text in texts if text.strip()] for name, texts in texts_by_set.items()}


def shingles(text: str) -> frozenset[str]:
    """Return the runs of four words, or of eight characters; independent of the measured code."""
    words = _WORDS.findall(unicodedata.normalize("NFKC", text).casefold())
    run = 4
    if is_cjk(text):
        words, run = list("".join(words)), 8
    if len(words) < run:
        return frozenset([" ".join(words)])
    return frozenset(" ".join(words[at : at + run]) for at in range(len(words) - run + 1))


def natural_pairs(texts: list[str], least: float = 0.6) -> set[Pair]:
    """Return the pairs of texts, by number, with at least this containment; every pair with a shared shingle counts."""
    sets = [shingles(text) for text in texts]
    holders: dict[str, list[int]] = defaultdict(list)
    for number, set_shingles in enumerate(sets):
        for shingle in set_shingles:
            holders[shingle].append(number)
    counts: Counter[Pair] = Counter()
    for numbers in holders.values():
        counts.update(combinations(numbers, 2))
    return {
        pair
        for pair, number_shared in counts.items()
        if number_shared >= least * min(len(sets[pair[0]]), len(sets[pair[1]]))
    }


def planted(texts: list[str], languages: list[str], count: int, rng: random.Random) -> list[Sample]:
    """Return the texts of the corpus, copies of `count` of them, and texts that only resemble copies."""
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
    samples = [Sample(text, spoken, n, "corpus") for n, (text, spoken) in enumerate(zip(texts, languages, strict=True))]
    for number in originals:
        for kind in KINDS:
            for _ in range(times if languages[number] == "zh" and kind != "exact" else 1):
                copy = planter.copy(kind, texts[number], languages[number])
                samples.append(Sample(copy, languages[number], number, kind))
    for number in range(40):
        for name, pair in (("live_blog", live_blog(pools["en"], rng)), ("price_list", price_lists(rng))):
            samples += [Sample(text, "en", -1 - number, name) for text in pair]
    return samples


def keep_all(database: Database, samples: list[Sample], rng: random.Random) -> list[int]:
    """Store every article as a crawl does, in random order; return their ids in the given order."""
    ids = [0] * len(samples)
    order = rng.sample(range(len(samples)), len(samples))
    for done, number in enumerate(order):
        sample = samples[number]
        published = START + timedelta(hours=rng.randrange(240) + (0 if sample.kind == "corpus" else rng.randrange(72)))
        url = f"https://site{number % 97}.example/{number}"
        article = with_derived_fields(
            Article(url=url, title=f"Article {number}", text=sample.text, published=published), shipped_matcher()
        )
        with database.write() as tx:
            page = Page(url=url, status=200, fetched_at=published, source=f"site{number % 97}")
            ids[number] = keep_article(
                tx, article, page, None, load_boilerplate(tx, page.source), shipped_matcher(), published
            ).decision.article_id
        if done % 1000 == 999:
            print(f"stored {done + 1} of {len(samples)}", file=sys.stderr)
    return ids


def found_pairs(database: Database, ids: list[int]) -> tuple[set[Pair], dict[int, int]]:
    """Return the pairs that the archive links or that have the same comparable text, and the original of each copy."""
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
    pairs_by_number = ((numbers[first], numbers[second]) for first, second in pairs)
    return {(min(pair), max(pair)) for pair in pairs_by_number}


def baseline_pairs(samples: list[Sample]) -> set[Pair]:
    """Return the pairs that datasketch finds and confirms by its estimate of the Jaccard similarity."""
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=0.5, num_perm=128)
    made: list[Any] = []
    confirmed: set[Pair] = set()
    for number, sample in enumerate(samples):
        minhash = MinHash(num_perm=128)
        minhash.update_batch([shingle.encode() for shingle in shingles(sample.text)])
        for other in index.query(minhash):
            if minhash.jaccard(made[other]) >= 0.5:
                confirmed.add((other, number))
        index.insert(number, minhash)
        made.append(minhash)
        if number % 2000 == 1999:
            print(f"baseline: {number + 1} of {len(samples)}", file=sys.stderr)
    return confirmed


class Truth:
    """The pairs that are copies: planted, or similar by nature."""

    def __init__(self, samples: list[Sample], natural: set[Pair]) -> None:
        self.samples, self.natural = samples, natural

    def holds(self, pair: Pair) -> bool:
        """Tell whether a pair is one of copies."""
        first, second = (self.samples[number] for number in pair)
        if first.group < 0 or second.group < 0:
            return False
        groups = min(first.group, second.group), max(first.group, second.group)
        return groups[0] == groups[1] or groups in self.natural

    def figures(self, detected: set[Pair]) -> dict[str, Any]:
        """Return precision over all found pairs, and recall by kind and by language over originals and copies."""
        good, every = Counter[str](), Counter[str]()
        for number, sample in enumerate(self.samples):
            if sample.group >= 0 and sample.kind != "corpus":
                for name in ("planted", sample.kind, f"language {sample.language}", f"{sample.language} {sample.kind}"):
                    every[name] += 1
                    good[name] += (sample.group, number) in detected
        natural = len(self.natural & detected)
        right = sum(map(self.holds, detected))
        rate = {name: round(good[name] / total, 4) for name, total in every.items()}
        return {
            "precision": round(right / max(1, len(detected)), 5),
            "wrong_pairs": len(detected) - right,
            "recall": round((good["planted"] + natural) / (every["planted"] + len(self.natural)), 4),
            "natural": f"{natural} of {len(self.natural)}",
            **{kind: rate[kind] for kind in KINDS},
            "by_language": {
                name.partition(" ")[2]: f"{rate[name]} of {total}"
                for name, total in every.most_common()
                if name.startswith("language ") and total >= 30
            },
            "chinese": {kind: f"{rate.get(f'zh {kind}', 0)} of {every[f'zh {kind}']}" for kind in KINDS},
        }


def hard_negatives(folder: Path, numbers: dict[str, int]) -> dict[str, set[Pair]]:
    """Return the pairs of texts about one event in different words, as their sets label them."""

    def pair(first: str, second: str) -> set[Pair]:
        known = [numbers[text.strip()] for text in (first, second) if text.strip() in numbers]
        return {(min(known), max(known))} if len(set(known)) == 2 else set()

    made: dict[str, set[Pair]] = {"same_event": set(), "scored_2_to_4": set(), "same_story": set()}
    events = defaultdict(list)
    for row in rows_of(folder / "clustering/g5w1h_gold_standard/docs.jsonl.gz"):
        events[row["event"]].append(row["text"])
    for texts in events.values():
        for first, second in combinations(texts, 2):
            made["same_event"] |= pair(first, second)
    for row in rows_of(folder / "clustering/semeval22_task8/pairs.jsonl.gz"):
        if row["overall"] >= 2:
            made["scored_2_to_4"] |= pair(row["text_1"], row["text_2"])
    for row in rows_of(folder / "clustering/tgcontest_pairs/pairs.jsonl.gz"):
        if row["label"] == "OK":
            made["same_story"] |= pair(row["text_1"], row["text_2"])
    return made


def given_pairs(folder: Path, numbers: dict[str, int]) -> dict[str, set[Pair]]:
    """Return the copies that two sets of the corpus label; identical texts count as found."""
    pairs: dict[str, set[Pair]] = {"minhash_planted": set(), "exact_groups": set()}
    for size in ("100", "1000"):
        home = folder / "clustering/minhash_planted"
        texts = {row["id"]: row["text"].strip() for row in rows_of(home / f"docs_{size}.jsonl.gz")}
        for first, second in json.loads((home / f"truth_{size}.json").read_text()):
            pair = sorted((numbers[texts[first]], numbers[texts[second]]))
            pairs["minhash_planted"].add((pair[0], pair[1]))
    return pairs


def quality(folder: Path, count: int, figures: dict[str, Any]) -> bool:
    """Plant, store and compare; return whether every quality bar holds."""
    rng = random.Random(20261124)
    sets = corpus_of(folder)
    texts = list(dict.fromkeys(text for detected in sets.values() for text in detected))
    numbers = {text: number for number, text in enumerate(texts)}
    languages = [detect_language(text, "", "")[0] for text in texts]
    print(f"{len(texts)} distinct texts", file=sys.stderr)
    natural = natural_pairs(texts)
    samples = planted(texts, languages, count, rng)
    exact = exact_groups(folder)
    samples_and_repetitions = [*samples, *(Sample(text, "en", numbers[text], "repetition") for text in exact)]
    with tempfile.TemporaryDirectory(prefix="evnews-bench-") as home:
        database = open_database(f"sqlite:///{home}/archive.db")
        ids = keep_all(database, samples_and_repetitions, rng)
        detected, concluded = found_pairs(database, ids)
        problems = check_archive(database, None)
        database.close()
    repetitions = {(numbers[text], len(samples) + at) for at, text in enumerate(exact)}
    found_among_samples = {pair for pair in detected if pair[1] < len(samples)}
    truth = Truth(samples, natural)
    ours = truth.figures(found_among_samples)
    grouped = [
        concluded.get(number, number) == concluded.get(sample.group, sample.group)
        for number, sample in enumerate(samples)
        if sample.kind in KINDS
    ]
    baseline_found = baseline_pairs(samples)
    negatives = {name: pairs - natural for name, pairs in hard_negatives(folder, numbers).items()}
    for name in ("live_blog", "price_list"):
        made = [number for number, sample in enumerate(samples) if sample.kind == name]
        negatives[name] = set(zip(made[::2], made[1::2], strict=True))
    planted_pairs = given_pairs(folder, numbers)["minhash_planted"]
    linked = {name: f"{len(pairs & detected)} of {len(pairs)}" for name, pairs in negatives.items()}
    figures |= {
        "texts": len(texts),
        "articles": len(samples_and_repetitions),
        "originals": len({sample.group for sample in samples if sample.kind in KINDS}),
        "chinese_originals": len(
            {sample.group for sample in samples if sample.kind in KINDS and sample.language == "zh"}
        ),
        **ours,
        "copies_concluded": len(concluded),
        "concluded_wrong": sum(
            not Truth(samples_and_repetitions, natural).holds((min(pair), max(pair))) for pair in concluded.items()
        ),
        "under_one_original": round(sum(grouped) / len(grouped), 4),
        "linked_negatives": linked,
        "minhash_planted": f"{len(planted_pairs & detected)} of {len(planted_pairs)}",
        "exact_groups": f"{len(repetitions & detected)} of {len(repetitions)}",
        "problems": problems,
        "baseline": truth.figures(baseline_found)
        | {
            "linked_negatives": {
                name: f"{len(pairs & baseline_found)} of {len(pairs)}" for name, pairs in negatives.items()
            }
        },
    }
    return (
        all(ours[name] >= bar for name, bar in BARS.items())
        and not any(pairs & detected for pairs in negatives.values())
        and planted_pairs <= detected
        and repetitions <= detected
        and not problems
    )


def exact_groups(folder: Path) -> list[str]:
    """Return the texts that one set contains repeatedly, once for each repetition."""
    texts = [row["text"].strip() for row in rows_of(folder / "clustering/bbc2225/docs.jsonl.gz")]
    return [text for text, count in Counter(texts).items() for _ in range(count - 1)]


def main() -> int:
    """Measure and print; return the exit status."""
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

        texts = [text for set_texts in corpus_of(given.corpus).values() for text in set_texts]
        good = speed(texts, given.articles, figures) and good
    figures["seconds"] = round(time.monotonic() - started)
    print(json.dumps(figures, ensure_ascii=False))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
