"""Findings as the archive keeps them: JSON, read back by whoever shows them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from aggregator.health.findings import Finding, State


def packed(findings: Sequence[Finding]) -> str:
    """A list of objects."""
    return json.dumps(
        [
            {"state": one.state, "since": one.since.isoformat(), "words": one.words, "advice": one.advice}
            for one in findings
        ],
        ensure_ascii=False,
    )


def unpacked(text: str) -> list[Finding]:
    """The findings that were packed."""
    return [
        Finding(
            state=State(one["state"]),
            since=datetime.fromisoformat(one["since"]),
            words=one["words"],
            advice=one["advice"],
        )
        for one in json.loads(text)
    ]
