"""Measure how soon silent and thin sources are reported, and how often false alarms occur.

    python benchmarks/health.py --seed N [--sources 50] [--days 1400]

Sources of 0.1, 1, 10 and 100 articles per day are generated, `--sources` of each. Each has its own working hours,
weekend and time zone, up to eight articles at a time, bursts, a rate that drifts over the months, and public holidays
that most sources share. The usual volume is learned anew every week, from the articles up to then.

Silence: each source stops at six random times. The alarm is due within two usual gaps and a day. The usual gap is the
99th percentile of the source's gaps in open days, by its true hours and weekdays: of all its gaps, or, if it has fewer
than 30 in 90 days, of random waits with the mean of the gaps up to then. A second share counts by the gaps of the
last 90 days alone. The baseline is the same rule by the clock: no weekdays, hours or holidays. False alarms are
counted over the time in which no source stopped.

Thin: each source has its own lengths and gaps of articles, some sources many short ones; then texts shrink to a tenth
or a third, or titles, dates or authors are lost from 97 of 100. The baseline reports three such articles in a row.

The last line is one JSON object; the exit status is 1 if a bar is missed: 95 of 100 silences reported in time, and 90
of 100 at each rate; one false alarm in 50 source-years; 95 of 100 thin sources within 10 articles, one false alarm in
5,000 articles.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from aggregator.health.extraction_quality import find_thin_extraction
from aggregator.health.publishing_volume import (
    PublishingVolume,
    build_open_clock,
    compute_baseline,
    count_open_days,
    learn_volume,
)
from storage.crawl.health import ExtractedArticle
from storage.timestamps import DAY, HOUR

STEP = HOUR / 4
START = 19_600 * DAY
WARM = 90.0
RATES = (0.1, 1.0, 10.0, 100.0)
STOPS = 6
WITHIN, WITHIN_EACH, YEARS, ARTICLES = 0.95, 0.9, 50.0, 5_000
FACTS = ("title", "date", "author")


@dataclass
class Press:
    """One source: the times of its articles, and the true open time of each moment, in days."""

    rate: float
    times: np.ndarray
    clock: Callable[[np.ndarray], np.ndarray]

    @cached_property
    def events(self) -> np.ndarray:
        """Return the first times of events; articles within an hour of the first one belong to its event."""
        firsts, until = [], -math.inf
        for at in self.times.tolist():
            if at > until:
                firsts.append(at)
                until = at + HOUR
        return np.array(firsts)


def holidays(rng: np.random.Generator, grid: np.ndarray) -> np.ndarray:
    """Return the holidays: eight times a year little is published for one to four days."""
    factor = np.ones(len(grid))
    for _ in range(int((grid[-1] - grid[0]) / DAY / 365 * 8)):
        begin = np.floor(rng.uniform(grid[0], grid[-1]) / DAY) * DAY
        factor[(grid >= begin) & (grid < begin + rng.integers(1, 5) * DAY)] = 0.25
    return factor


def source(rng: np.random.Generator, rate: float, grid: np.ndarray, closed: np.ndarray) -> Press:
    """Generate a source with this number of articles per day."""
    shape = _hours(rng, grid)
    open_shape = shape * (closed if rng.random() < 0.85 else 1.0)
    rates = open_shape * _bursts(rng, grid) * _drift(rng, grid)
    rates *= rate * STEP / DAY / rates.mean()
    together = rng.choice([1.0, 1.0, 1.5, 2.5])
    events = np.repeat(grid, rng.poisson(rates / together))
    at = events + rng.uniform(0, STEP, len(events))
    size = np.minimum(rng.geometric(1 / together, len(at)), 8)
    times = np.sort(np.repeat(at, size) + rng.uniform(0, 120, int(size.sum())))
    reached = np.concatenate(([0.0], np.cumsum(open_shape / shape.mean()))) * STEP / DAY
    marks = np.append(grid, grid[-1] + STEP)
    return Press(rate, times, lambda moments: np.interp(moments, marks, reached))


def _hours(rng: np.random.Generator, grid: np.ndarray) -> np.ndarray:
    local = grid / HOUR + rng.choice([-8, -5, 0, 1, 1, 2, 5, 8, 8, 9])
    hour, weekday = local % 24, (local // 24 + 3) % 7
    kind = rng.choice(3, p=[0.6, 0.25, 0.15])
    if kind == 0:  # by day
        begin, length = rng.uniform(6, 10), rng.uniform(8, 13)
        busy = np.where((hour - begin) % 24 < length, 1.0, rng.uniform(0.02, 0.15))
    elif kind == 1:  # around the clock
        busy = 1 + 0.6 * np.cos((hour - rng.uniform(8, 16)) / 24 * 2 * np.pi)
    else:  # at set hours
        busy = np.full(len(grid), 0.05)
        for at in rng.uniform(6, 20, int(rng.integers(1, 4))):
            busy += np.exp(-(((hour - at + 12) % 24 - 12) ** 2) / 0.5)
    return np.asarray(busy * np.where(weekday >= 5, rng.choice([0.1, 0.3, 0.6, 1.0]), 1.0))


def _bursts(rng: np.random.Generator, grid: np.ndarray) -> np.ndarray:
    factor = np.ones(len(grid))
    for _ in range(rng.poisson((grid[-1] - grid[0]) / DAY / 15)):
        begin = rng.uniform(grid[0], grid[-1])
        factor[(grid >= begin) & (grid < begin + rng.uniform(2, 12) * HOUR)] = rng.uniform(2, 5)
    return factor


def _drift(rng: np.random.Generator, grid: np.ndarray) -> np.ndarray:
    knots = np.arange(grid[0], grid[-1] + 120 * DAY, 60 * DAY)
    return np.exp(np.interp(grid, knots, rng.normal(0, 0.06, len(knots))))


# -- silence -----------------------------------------------------------------------------------------------------------


def wall(volume: PublishingVolume) -> PublishingVolume:
    """Return the volume of the baseline, in which every hour counts the same."""
    gaps = np.diff(volume.events) / DAY
    usual = float(np.quantile(gaps, 0.99)) if len(gaps) >= 30 else 4.6 * float(gaps.mean())
    return replace(volume, profile=np.ones(168), usual_gap=usual)


def false_alarms(press: list[Press], end: float) -> tuple[dict[float, int], dict[float, int], float]:
    """Return the false alarms by rate, of evnews and of the baseline, and the source-years of each rate."""
    ours, plain = dict.fromkeys(RATES, 0), dict.fromkeys(RATES, 0)
    week = START + WARM * DAY
    while week < end:
        until = min(week + 7 * DAY, end)
        known = [
            (member, volume) for member in press if (volume := learn_volume(member.times[member.times <= week], week))
        ]
        network = _NetworkVolumes([volume for _, volume in known], [member.times for member, _ in known])
        for member, volume in known:
            events = member.events
            coming = events[(events > week) & (events <= until)]
            ours[member.rate] += _alarms(volume, coming, week, until, network)
            plain[member.rate] += _alarms(wall(volume), coming, week, until, None)
        week = until
    return ours, plain, (end - START - WARM * DAY) / DAY / 365 * len(press) / len(RATES)


class _NetworkVolumes:
    """The network-wide volume at any moment, computed once per hour."""

    def __init__(self, volumes: list[PublishingVolume], times: list[np.ndarray]) -> None:
        self._volumes, self._times = volumes, times
        self._known: dict[int, list[float]] = {}

    def at(self, now: float) -> list[float]:
        """Return the network-wide volumes at a moment."""
        hour = int(now // (6 * HOUR))
        if hour not in self._known:
            moment = hour * 6 * HOUR
            seen = [
                replace(volume, times=times[: np.searchsorted(times, moment, side="right")])
                for volume, times in zip(self._volumes, self._times, strict=True)
            ]
            self._known[hour] = list(compute_baseline(seen, moment))
        return self._known[hour]


def _alarms(
    volume: PublishingVolume, coming: np.ndarray, begin: float, end: float, network: _NetworkVolumes | None
) -> int:
    """Count the new reports of silence within a week."""
    alarms, last = 0, float(volume.events[-1])
    for moment in [*coming, end]:
        if moment - last > 6 * HOUR and _is_silent(volume, last, moment, network):
            alarms += not _is_silent(volume, last, max(begin, last), network)
        last = moment
    return alarms


def _is_silent(volume: PublishingVolume, last: float, now: float, network: _NetworkVolumes | None) -> bool:
    if count_open_days(volume, last, now) <= volume.silence_threshold:
        return False
    return network is None or count_open_days(volume, last, now, network.at(now)) > volume.silence_threshold


def silences(rng: np.random.Generator, press: Press, end: float, *, plain: bool) -> list[tuple[bool, bool, float]]:
    """Return for some stops whether they were reported in time, in time by the last 90 days, and after how long."""
    events, outcomes = press.events, []
    true_gap = float(np.quantile(np.diff(press.clock(events)), 0.99))
    for stop in rng.uniform(START + (WARM + 10) * DAY, end - 5 * DAY, STOPS):
        past = events[events <= stop]
        volume = learn_volume(press.times[press.times <= stop], stop)
        if volume is None:
            outcomes.append((False, False, math.inf))
            continue
        recent = np.diff(press.clock(past[past > stop - 90 * DAY]))
        lately = (
            float(np.quantile(recent, 0.99)) if len(recent) >= 30 else 4.6 * float(np.diff(press.clock(past)).mean())
        )
        usual = true_gap if len(recent) >= 30 else lately
        reported_at = _reported_at(wall(volume) if plain else volume, stop)
        outcomes.append(
            (
                reported_at <= _limit(press, stop, usual),
                reported_at <= _limit(press, stop, lately),
                (reported_at - stop) / DAY,
            )
        )
    return outcomes


def _reported_at(volume: PublishingVolume, stop: float) -> float:
    last = float(volume.events[-1])
    moments = np.arange(stop, stop + (volume.silence_threshold * 5 + 10) * DAY, HOUR)
    clock = build_open_clock(volume.profile, last, float(moments[-1]))
    passed = clock(moments) - clock(np.array([last]))[0]
    late = int(np.searchsorted(passed, volume.silence_threshold, side="right"))
    return float(moments[min(late, len(moments) - 1)])


def _limit(press: Press, stop: float, usual: float) -> float:
    """Return the time limit of a report: two usual gaps by the source's true hours, and a day."""
    # After the end of the generated time the week repeats itself, without holidays.
    week = press.clock(np.arange(START, START + 7 * DAY + 1, HOUR))
    moments = np.arange(stop, stop + (usual * 10 + 15) * DAY, HOUR)
    place = (moments - START) % (7 * DAY)
    weeks = (moments - START) // (7 * DAY)
    passed = np.interp(place, np.arange(len(week)) * HOUR, week) + weeks * week[-1]
    late = int(np.searchsorted(passed - passed[0], 2 * usual))
    return float(moments[min(late, len(moments) - 1)]) + DAY


# -- thin --------------------------------------------------------------------------------------------------------------


class ReadingGenerator:
    """Generates the extractions of a source, before and after a fault."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._middle, self._spread = rng.uniform(5, 6.8), rng.choice([0.3, 0.45, 0.6, 0.9])
        self._short = rng.choice([0, 0, 0.1, 0.3])
        self._misses = {"title": 0.0} | {what: rng.choice([0, 0, 0.02, 0.1, 0.2]) for what in FACTS[1:]}

    def reading(self, number: int, broken: str = "") -> ExtractedArticle:
        """Return the extraction of an article; `broken` is the part that is lost."""
        rng = self._rng
        is_short = rng.random() < self._short
        length = rng.gauss(self._middle - 1.2, 0.4) if is_short else rng.gauss(self._middle, self._spread)
        if broken == "text":
            length += math.log(rng.uniform(0.1, 0.35))
        missed = {what: rng.random() < (0.97 if what == broken else share) for what, share in self._misses.items()}
        return ExtractedArticle(
            number, float(number), int(math.exp(length)), not missed["title"], not missed["date"], not missed["author"]
        )


def three_bare(readings: list[ExtractedArticle]) -> set[str]:
    """Return the faults by the baseline: parts that three articles in a row lack, or texts below 0.4 of the median."""
    earlier, latest = readings[:-3], readings[-3:]
    lost = {what for what in FACTS if not any(getattr(reading, f"has_{what}") for reading in latest)}
    middle = sorted(reading.words for reading in earlier)[len(earlier) // 2]
    return lost | ({"text"} if all(reading.words < 0.4 * middle for reading in latest) else set())


def ours(readings: list[ExtractedArticle]) -> set[str]:
    """Return the reported faults."""
    return {finding.field for finding in find_thin_extraction(readings)}


def thin(seed: int, sources: int) -> dict[str, dict[str, float]]:
    """Return the shares of faults reported within ten articles, and the false alarms per 5,000 articles, by method."""
    outcome = {}
    for name, tell in (("ours", ours), ("baseline", three_bare)):
        rng = random.Random(seed)
        false = articles = 0
        within: dict[str, list[bool]] = {what: [] for what in ("text", *FACTS)}
        for _ in range(sources):
            generator = ReadingGenerator(rng)
            past = [generator.reading(number) for number in range(400)]
            before: set[str] = set()
            for place in range(60, 400):
                now = tell(past[: place + 1])
                false, articles, before = false + len(now - before), articles + 1, now
            for what, judged in within.items():
                kept = past[: rng.randrange(60, 400)]
                for number in range(10):
                    kept = [*kept, generator.reading(1000 + number, what)]
                    if is_reported := what in tell(kept):
                        break
                judged.append(is_reported)
        shares = {what: sum(judged) / len(judged) for what, judged in within.items()}
        outcome[name] = shares | {"all": sum(shares.values()) / 4, "false": false / articles * ARTICLES}
    return outcome


# -- all ---------------------------------------------------------------------------------------------------------------


def main() -> int:
    """Print the figures; return 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--sources", type=int, default=50, help="number of sources of each rate")
    parser.add_argument("--days", type=float, default=1400)
    args = parser.parse_args()
    started = time.monotonic()
    grid = np.arange(START, START + args.days * DAY, STEP)
    closed = holidays(np.random.default_rng([args.seed, 1]), grid)
    press = [
        source(np.random.default_rng([args.seed, 2, place, number]), rate, grid, closed)
        for place, rate in enumerate(RATES)
        for number in range(args.sources)
    ]
    end = START + args.days * DAY
    false, plain_false, years = false_alarms(press, end)
    within: dict[str, float] = {}
    print(f"{'articles a day':<15}{'in time':>13}{'by 90 days':>11}{'after days':>11}{'false/50 y':>11}    baseline")
    for place, rate in enumerate(RATES):
        reports, plain = [], []
        for number, member in enumerate(press[place * args.sources : (place + 1) * args.sources]):
            reports += silences(np.random.default_rng([args.seed, 3, place, number]), member, end, plain=False)
            plain += silences(np.random.default_rng([args.seed, 3, place, number]), member, end, plain=True)
        within[f"{rate:g}"] = share = float(np.mean([report[0] for report in reports]))
        print(
            f"{rate:<15g}{share:>13.3f}{np.mean([report[1] for report in reports]):>11.3f}"
            f"{np.median([report[2] for report in reports]):>11.2f}{false[rate] / years * 50:>11.2f}"
            f"    {np.mean([report[0] for report in plain]):.3f}, {np.median([report[2] for report in plain]):.2f},"
            f" {plain_false[rate] / years * 50:.2f}"
        )
    broken = thin(args.seed, 3 * args.sources)
    for name, figures in broken.items():
        print(f"thin, {name}: " + ", ".join(f"{what} {figure:.3f}" for what, figure in figures.items()))
    alarms = sum(false.values()) / (years * len(RATES)) * YEARS
    is_well = (
        min(within.values()) >= WITHIN_EACH
        and sum(within.values()) / len(within) >= WITHIN
        and alarms <= 1
        and broken["ours"]["all"] >= WITHIN
        and broken["ours"]["false"] <= 1
    )
    print(
        json.dumps({
            "seed": args.seed, "silent_within": within, "false_per_50_years": round(alarms, 2),
            "source_years": round(years * len(RATES)), "thin_within_10": round(broken["ours"]["all"], 3),
            "thin_false_per_5000": round(broken["ours"]["false"], 2), "seconds": round(time.monotonic() - started),
            "bars_met": is_well,
        })
    )  # fmt: skip
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
