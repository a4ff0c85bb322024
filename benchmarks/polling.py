"""Measure how soon new articles are found, and with how many requests, against polling every hour.

    python benchmarks/polling.py --seed N [--sources 500] [--days 28] [--history FILE.jsonl]

The sources are generated: the busiest has about a hundred articles per day, number k a hundred divided by k. They have
feeds of 10 to 100 entries, their own working hours, weekends and time zones, up to eight articles at a time, bursts,
weeks of silence, and outages; one in five has entries without dates. The learner starts without knowledge and gets only
what a poll shows. `--history` reads recorded times, as `evnews export jsonl` writes them.

The baseline in the same run polls every source every hour, from a minute of its own; missed articles are compared with
those of polling every five minutes. The last line is one JSON object; the exit status is 1 if a bar is missed: no more
requests than hourly polling, a median delay of at most 0.35 of its median, no source whose 95th percentile is above
three times that of hourly polling or above six hours, no missed article that polling every five minutes would find.
A delay does not include the outages of its source.
"""

from __future__ import annotations

import argparse
import heapq
import json
import sys
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from aggregator.schedule.budget import BudgetPlanner
from aggregator.schedule.interval import IntervalBounds, compute_wait
from aggregator.schedule.learn_profile import start_profile, update_profile
from aggregator.schedule.next_poll import compute_retry_wait
from storage.model.publishing_profile import PublishingProfile
from storage.timestamps import DAY, HOUR

MINUTE = 60.0
START = 20_454 * DAY  # a Thursday
PAST, TAIL = 60.0, 1.0
"""Days of history before the first poll, and days at the end that do not count, as their articles may not be found yet.
The first hour, in which every source is polled for the first time, does not count either."""
BUSIEST = 100.0
MEDIAN_SHARE, P95_TIMES, MOST_P95 = 0.35, 3.0, 360.0
REPRICED = HOUR
MOST_TOGETHER = 8


@dataclass(slots=True)
class Press:
    """One source: the sorted times of its articles (POSIX seconds), its window, outages, and whether it has dates."""

    times: np.ndarray
    window: int
    outages: list[tuple[float, float]]
    is_dated: bool = True

    def is_out(self, at: float) -> bool:
        """Tell whether the source has an outage."""
        return any(begin <= at < end for begin, end in self.outages)

    def known_at(self, at: float) -> int:
        """Return the number of articles up to then."""
        return int(np.searchsorted(self.times, at, side="right"))


@dataclass(slots=True)
class Outcome:
    """The result of a polling method: requests, delays in minutes by source, and missed articles."""

    requests: int
    delays: list[np.ndarray]
    missed: int

    @property
    def all(self) -> np.ndarray:
        """Return the delays of all sources."""
        return np.concatenate(self.delays) if self.delays else np.zeros(0)


def generated(rng: np.random.Generator, count: int, days: float) -> list[Press]:
    """Generate this number of sources."""
    return [_source(rng, BUSIEST / (k + 1), days) for k in range(count)]


def _source(rng: np.random.Generator, a_day: float, days: float) -> Press:
    begin, end = START - PAST * DAY, START + days * DAY
    step = 5 * MINUTE
    grid = np.arange(begin, end, step)
    shape = _rhythm(rng, grid) * _bursts(rng, grid) * _silence(rng, grid)
    shape *= a_day * step / DAY / max(shape.mean(), 1e-9)
    together = rng.choice([1.0, 1.0, 1.5, 2.5])  # mean number of articles at once
    events = np.repeat(grid, rng.poisson(shape / together))
    at = events + rng.uniform(0, step, len(events))
    size = np.minimum(rng.geometric(1 / together, len(at)), MOST_TOGETHER)
    times = np.repeat(at, size) + rng.uniform(0, 120, int(size.sum()))
    if rng.random() < 0.3:  # publishes on the hour and the half hour
        times = np.floor(times / 1800) * 1800 + rng.uniform(0, 90, len(times))
    return Press(
        times=np.sort(times[times < end]),
        window=int(rng.integers(10, 101)),
        outages=_outages(rng, days),
        is_dated=rng.random() > 0.2,
    )


def _rhythm(rng: np.random.Generator, grid: np.ndarray) -> np.ndarray:
    """Return the rate by working hours: by day, around the clock, or at fixed hours."""
    local = grid / HOUR + rng.choice([-8, -5, 0, 1, 1, 2, 5, 8, 8, 9])
    hour, weekday = local % 24, (local // 24 + 3) % 7
    kind = rng.choice(3, p=[0.6, 0.25, 0.15])
    if kind == 0:
        begin, length = rng.uniform(6, 10), rng.uniform(8, 13)
        busy = np.where((hour - begin) % 24 < length, 1.0, rng.uniform(0.02, 0.15))
    elif kind == 1:
        busy = 1 + 0.6 * np.cos((hour - rng.uniform(8, 16)) / 24 * 2 * np.pi)
    else:
        busy = np.full(len(grid), 0.05)
        for at in rng.uniform(6, 20, int(rng.integers(1, 4))):
            busy += np.exp(-(((hour - at + 12) % 24 - 12) ** 2) / 0.5)
    weekend = rng.choice([0.1, 0.3, 0.6, 1.0])
    return busy * np.where(weekday >= 5, weekend, 1.0)


def _bursts(rng: np.random.Generator, grid: np.ndarray) -> np.ndarray:
    factor = np.ones(len(grid))
    span = (grid[-1] - grid[0]) / DAY
    for _ in range(rng.poisson(span / 15)):
        begin = rng.uniform(grid[0], grid[-1])
        factor[(grid >= begin) & (grid < begin + rng.uniform(2, 12) * HOUR)] = rng.uniform(2, 5)
    return factor


def _silence(rng: np.random.Generator, grid: np.ndarray) -> np.ndarray:
    factor = np.ones(len(grid))
    if rng.random() < 0.15:
        begin = rng.uniform(grid[0], grid[-1])
        factor[(grid >= begin) & (grid < begin + rng.uniform(5, 16) * DAY)] = 0.0
    return factor


def _outages(rng: np.random.Generator, days: float) -> list[tuple[float, float]]:
    begins = START + rng.uniform(0, days, rng.poisson(days / 20)) * DAY
    return [(begin, begin + float(rng.exponential(2.5)) * HOUR) for begin in begins]


def recorded(path: Path, days: float) -> list[Press]:
    """Return the sources of an export, with times moved so that they end with the simulation."""
    by_source: dict[str, list[float]] = {}
    for line in path.open(encoding="utf-8"):
        row = json.loads(line)
        if row.get("published"):
            at = np.datetime64(row["published"].replace("Z", "").split("+")[0]).astype("datetime64[s]").astype(float)
            by_source.setdefault(row["source"], []).append(float(at))
    newest = max(max(times) for times in by_source.values())
    offset = START + days * DAY - newest
    return [Press(np.sort(np.array(times)) + offset, 30, []) for times in by_source.values()]


def every(press: list[Press], days: float, step: float, rng: np.random.Generator) -> Outcome:
    """Poll every source at a fixed interval, each from a random moment on."""
    requests, missed, delays = 0, 0, []
    for source in press:
        polls = np.arange(START + rng.uniform(0, step), START + days * DAY, step)
        requests += len(polls)
        for begin, end in source.outages:
            polls = polls[(polls < begin) | (polls >= end)]
        source_delays, lost = _found(source, polls, days)
        delays.append(source_delays)
        missed += lost
    return Outcome(requests, delays, missed)


def _found(source: Press, polls: np.ndarray, days: float) -> tuple[np.ndarray, int]:
    """Return the delays in minutes of found articles, and the number of articles that left the window unseen."""
    first, last = np.searchsorted(source.times, [START + HOUR, START + (days - TAIL) * DAY])
    judged = np.arange(first, last)
    place = np.searchsorted(polls, source.times[judged], side="left")
    is_asked = place < len(polls)
    seen_at = polls[np.minimum(place, len(polls) - 1)]
    behind = np.searchsorted(source.times, seen_at, side="right") - judged
    is_seen = is_asked & (behind <= source.window)
    waited = seen_at - source.times[judged]
    for begin, end in source.outages:  # an outage is no delay
        waited -= np.clip(np.minimum(seen_at, end) - np.maximum(source.times[judged], begin), 0, None)
    return waited[is_seen] / MINUTE, int(len(judged) - is_seen.sum())


def by_learning(press: list[Press], days: float, rng: np.random.Generator) -> Outcome:
    """Poll as the learner decides, without previous knowledge, on a budget of 24 requests per day and source."""
    bounds, planner = IntervalBounds(), BudgetPlanner(24.0)
    end = START + days * DAY
    queue = [(START + float(rng.uniform(0, HOUR)), number) for number in range(len(press))]
    heapq.heapify(queue)
    rhythms: list[PublishingProfile | None] = [None] * len(press)
    failures, seen = [0] * len(press), [0] * len(press)
    polls: list[list[float]] = [[] for _ in press]
    requests, priced_at = 0, 0.0
    spent: deque[float] = deque()
    while queue[0][0] < end:
        now, number = heapq.heappop(queue)
        if now - priced_at > REPRICED:
            while spent and spent[0] < now - DAY:
                spent.popleft()
            known = [known_rhythm for known_rhythm in rhythms if known_rhythm is not None]
            planner.reprice(known, now, sources=len(known), spent=len(spent), days=min(1.0, (now - START) / DAY))
            priced_at = now
        source, requests = press[number], requests + 1
        spent.append(now)
        rhythm = rhythms[number]
        if source.is_out(now):
            failures[number] += 1
        else:
            failures[number] = 0
            there = source.known_at(now)
            fresh = source.times[max(seen[number], there - source.window) : there]
            seen[number] = there
            held = min(there, source.window)
            polls[number].append(now)
            if rhythm is None:
                rhythm = start_profile(now, fresh.tolist() if source.is_dated else [], held)
            else:
                # Entries without dates count as published evenly since the last poll.
                came = fresh if source.is_dated else np.linspace(rhythm.at, now, len(fresh) + 2)[1:-1]
                rhythm = update_profile(rhythm, now, came.tolist(), held)
            rhythms[number] = rhythm
        usual = compute_wait(rhythm, now, planner.price, bounds) if rhythm else HOUR
        pause = compute_retry_wait(usual, failures[number] / 2, rhythm) if failures[number] else usual
        heapq.heappush(queue, (now + pause * float(rng.uniform(0.97, 1.03)), number))
    delays, missed = [], 0
    for source, poll_times in zip(press, polls, strict=True):
        source_delays, lost = _found(source, np.array(poll_times), days)
        delays.append(source_delays)
        missed += lost
    return Outcome(requests, delays, missed)


def starved(learner: Outcome, hourly: Outcome) -> list[int]:
    """Return the 95th percentiles, in minutes, of the sources above the limit."""
    limit = min(P95_TIMES * float(np.percentile(hourly.all, 95)), MOST_P95)
    p95s = (float(np.percentile(delays, 95)) for delays in learner.delays if len(delays))
    return sorted(round(p95) for p95 in p95s if p95 > limit)


def main() -> int:
    """Simulate and compare; return 0 if every bar holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sources", type=int, default=500)
    parser.add_argument("--days", type=float, default=28.0)
    parser.add_argument("--history", type=Path)
    arguments = parser.parse_args()
    began_at = time.monotonic()
    rng = np.random.default_rng(arguments.seed)
    press = (
        recorded(arguments.history, arguments.days)
        if arguments.history
        else generated(rng, arguments.sources, arguments.days)
    )
    hourly, often = every(press, arguments.days, HOUR, rng), every(press, arguments.days, 5 * MINUTE, rng)
    learner = by_learning(press, arguments.days, rng)
    over = starved(learner, hourly)
    figures = {
        "seed": arguments.seed, "requests": learner.requests, "hourly_requests": hourly.requests,
        "median_min": round(float(np.median(learner.all)), 1),
        "hourly_median_min": round(float(np.median(hourly.all)), 1),
        "p95_min": round(float(np.percentile(learner.all, 95)), 1),
        "avoidable_missed": max(0, learner.missed - often.missed),
        "mean_min": round(float(learner.all.mean()), 1), "hourly_mean_min": round(float(hourly.all.mean()), 1),
        "hourly_p95_min": round(float(np.percentile(hourly.all, 95)), 1), "starved_sources": len(over),
        "missed": learner.missed, "hourly_missed": hourly.missed, "five_minute_missed": often.missed,
        "articles": int(sum(len(delays) for delays in hourly.delays)), "seconds": round(time.monotonic() - began_at, 1),
    }  # fmt: skip
    if over:
        print(f"sources whose 95th percentile is above the limit, in minutes: {over}")
    print(json.dumps(figures))
    is_held = (
        figures["requests"] <= figures["hourly_requests"]
        and figures["median_min"] <= MEDIAN_SHARE * figures["hourly_median_min"]
        and not figures["avoidable_missed"]
        and not over
    )
    return 0 if is_held else 1


if __name__ == "__main__":
    raise SystemExit(main())
