"""Leads: recorded when an index lists them, leased for their fetch, and finished."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, bindparam, case, func, select, update
from sqlalchemy.dialects.postgresql import insert as insert_postgres
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from storage.db.statements import batched
from storage.db.tables import EPOCH, leads
from storage.identity import key_digest, url_key
from storage.model.crawl import LeadState, LeasedLead
from storage.model.page import Lead
from storage.text.clean import clean

MAX_URL_LENGTH = 2083
RENEW_AFTER = timedelta(hours=1)
MAX_RENEWALS = 20
_BATCH_SIZE = 500
_EMPTY_URL_DIGEST = key_digest("")
_END_STATES = (LeadState.KEPT, LeadState.REFUSED, LeadState.EXPIRED)
_TIME_FIELDS = ("published", "updated")


def record_leads(tx: Connection, source: str, listed_leads: Sequence[Lead], now: datetime) -> list[datetime | None]:
    """Store the leads that an index lists; return the publication time of each new lead, or None where undated.

    Known leads get the index's current metadata and keep their state. A kept lead that is now dated after its fetch
    waits again, at most once per `RENEW_AFTER` and `MAX_RENEWALS` times. URLs that are too long or not http(s) are left
    out.
    """
    rows: dict[str, dict[str, Any]] = {}
    for lead in listed_leads:
        if len(lead.url) <= MAX_URL_LENGTH and lead.url[:8].lower().startswith(("http://", "https://")):
            key = key_digest(url_key(lead.url))
            rows.setdefault(
                key, {"url_digest": key, "url": lead.url, "lead_json": _encode_lead(lead), "published": lead.published}
            )
    rows.pop(_EMPTY_URL_DIGEST, None)
    known = {row.url_digest: row for row in _load_known(tx, source, sorted(rows))}
    new = [
        row
        | {
            "source": source,
            "state": LeadState.WAITING,
            "code": "",
            "reason": "",
            "attempts": 0,
            "due_at": EPOCH,
            "recorded_at": now,
            "renewals": 0,
        }
        for key, row in rows.items()
        if key not in known
    ]
    listed_again = [(known[key], row) for key, row in rows.items() if key in known]
    _update_known(tx, [{"b_id": old.id, **row} for old, row in listed_again if _is_changed(old, row)])
    for old, row in listed_again:
        if _is_dated_later(old, _decode_lead(row["url"], row["lead_json"]), now):
            tx.execute(_REOPEN_LEAD, {"b_id": old.id})
    return _insert(tx, new)


def _load_known(tx: Connection, source: str, keys: Sequence[str]) -> Iterator[Any]:
    for part in batched(keys, _BATCH_SIZE):
        yield from tx.execute(_SELECT_KNOWN, {"source": source, "keys": part})


def _is_changed(known: Any, row: dict[str, Any]) -> bool:
    """Return whether to update a known lead: never while it is leased; its URL only while it waits."""
    has_new_metadata = known.state != LeadState.LEASED and known.lead_json != row["lead_json"]
    return bool(has_new_metadata or (known.state == LeadState.WAITING and known.url != row["url"]))


def _is_dated_later(known: Any, lead: Lead, now: datetime) -> bool:
    """Return whether the lead of a stored article is dated after the article's last fetch."""
    if known.state != LeadState.KEPT or known.renewals >= MAX_RENEWALS or now - known.ended_at < RENEW_AFTER:
        return False
    dated = max(filter(None, (lead.updated, lead.published)), default=None)
    return dated is not None and known.ended_at < dated <= now


def _update_known(tx: Connection, rows: list[dict[str, Any]]) -> None:
    if rows:
        tx.execute(
            _UPDATE_KNOWN,
            [
                {"b_id": r["b_id"], "url": r["url"], "lead_json": r["lead_json"], "published": r["published"]}
                for r in rows
            ],
        )


def _insert(tx: Connection, rows: list[dict[str, Any]]) -> list[datetime | None]:
    """Insert leads in the order of the index, so that ids keep it. Leads that another process inserted are skipped."""
    if not rows:
        return []
    statement = _INSERT_LEADS[tx.dialect.name]
    return [row.published for part in batched(rows, _BATCH_SIZE) for row in tx.execute(statement, part)]


def next_lead_due_at(tx: Connection, source: str, after: datetime) -> datetime | None:
    """Return when the first lead of a source falls due after `after`, or None."""
    due_at: datetime | None = tx.execute(_SELECT_NEXT_DUE, {"source": source, "after": after}).scalar()
    return due_at


def has_fetchable_leads(tx: Connection, source: str, now: datetime) -> bool:
    return tx.execute(_SELECT_FETCHABLE_NOW, {"source": source, "now": now}).first() is not None


def lease_leads(
    tx: Connection, source: str, owner: str, now: datetime, until: datetime, limit: int
) -> list[LeasedLead]:
    """Lease up to `limit` leads until `until`: newest published first, then in the order of recording.

    Waiting leads, due retries and leads whose lease has ended can be leased.
    """
    rows = tx.execute(
        _LEASE_LEADS[tx.dialect.name], {"of_source": source, "now": now, "most": limit, "owner": owner, "until": until}
    ).all()
    # RETURNING guarantees no order. Undated leads come last.
    rows = sorted(rows, key=lambda row: (row.published is None, EPOCH - (row.published or EPOCH), row.id))
    return [
        LeasedLead(id=row.id, source=source, lead=_decode_lead(row.url, row.lead_json), attempts=row.attempts)
        for row in rows
    ]


def release_leads(tx: Connection, owner: str, ids: Sequence[int] | None = None) -> int:
    """Release leases without counting an attempt; return their number. Without `ids`, release all of the owner."""
    if ids is None:
        return tx.execute(_RELEASE_ALL, {"owned": owner}).rowcount
    return sum(tx.execute(_RELEASE_SOME, {"owned": owner, "ids": part}).rowcount for part in batched(ids, _BATCH_SIZE))


def finish_lead(
    tx: Connection,
    lead: LeasedLead,
    owner: str,
    state: LeadState,
    reason: str,
    now: datetime,
    next_at: datetime | None = None,
    *,
    code: str = "",
) -> bool:
    """Finish a leased lead; return False, and change nothing, if another owner holds the lease now.

    RETRY counts an attempt and needs `next_at`; KEPT, REFUSED and EXPIRED are final.
    """
    if state is LeadState.RETRY and next_at is None:
        raise ValueError("a retry needs a time")
    values = {
        "lead": lead.id,
        "owned": owner,
        "state": state,
        "code": code,
        "reason": clean(reason, 1000),
        "due_at": next_at if state is LeadState.RETRY else None,
        "ended_at": now if state in _END_STATES else None,
        "more": 1 if state is LeadState.RETRY else 0,
    }
    return tx.execute(_FINISH_LEAD, values).rowcount == 1


def _encode_lead(lead: Lead) -> str:
    """Encode a lead as JSON, without its URL and without default values."""
    values: dict[str, Any] = {}
    for name, default in _LEAD_DEFAULTS.items():
        value = getattr(lead, name)
        if value == default:
            continue
        if isinstance(value, datetime):
            value = value.isoformat()
        values[name] = (
            clean(value) if isinstance(value, str) else [clean(v) for v in value] if isinstance(value, tuple) else value
        )
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def lead_from_row(row: Any) -> Lead:
    """Return the lead of a row with `url` and `lead_json`."""
    return _decode_lead(row.url, row.lead_json)


def _decode_lead(url: str, lead_json: str) -> Lead:
    values: dict[str, Any] = json.loads(lead_json)
    values |= {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
    for name in _TIME_FIELDS:
        if name in values:
            values[name] = datetime.fromisoformat(values[name])
    return Lead(**{"url": url, **values})


def _select_fetchable() -> Select[int]:
    order = (case((leads.c.published.is_(None), 1), else_=0), leads.c.published.desc(), leads.c.id)
    return (
        select(leads.c.id)
        .where(
            leads.c.source == bindparam("of_source"), leads.c.due_at.is_not(None), leads.c.due_at <= bindparam("now")
        )
        .order_by(*order)
        .limit(bindparam("most"))
    )


_LEAD_DEFAULTS = {field.name: field.default for field in fields(Lead) if field.name != "url"}
_SELECT_KNOWN = select(
    leads.c.id, leads.c.url_digest, leads.c.state, leads.c.url, leads.c.lead_json, leads.c.ended_at, leads.c.renewals
).where(leads.c.source == bindparam("source"), leads.c.url_digest.in_(bindparam("keys", expanding=True)))
_UPDATE_KNOWN = (
    update(leads)
    .where(leads.c.id == bindparam("b_id"))
    .values(url=bindparam("url"), lead_json=bindparam("lead_json"), published=bindparam("published"))
)
_REOPEN_LEAD = (
    update(leads)
    .where(leads.c.id == bindparam("b_id"))
    .values(state=LeadState.WAITING, due_at=EPOCH, attempts=0, ended_at=None, renewals=leads.c.renewals + 1)
)
_INSERT_LEADS = {
    "sqlite": insert_sqlite(leads).on_conflict_do_nothing().returning(leads.c.published),
    "postgresql": insert_postgres(leads).on_conflict_do_nothing().returning(leads.c.published),
}
_IS_OPEN = leads.c.state.in_((LeadState.WAITING, LeadState.RETRY))
_SELECT_NEXT_DUE = select(func.min(leads.c.due_at)).where(
    leads.c.source == bindparam("source"), _IS_OPEN, leads.c.due_at > bindparam("after")
)
_SELECT_FETCHABLE_NOW = (
    select(leads.c.id)
    .where(leads.c.source == bindparam("source"), _IS_OPEN, leads.c.due_at <= bindparam("now"))
    .limit(1)
)
_UPDATE_TO_LEASED = update(leads).values(state=LeadState.LEASED, owner=bindparam("owner"), due_at=bindparam("until"))
_LEASED_COLUMNS = (leads.c.id, leads.c.url, leads.c.lead_json, leads.c.published, leads.c.attempts)
_LEASE_LEADS = {
    "sqlite": _UPDATE_TO_LEASED.where(leads.c.id.in_(_select_fetchable())).returning(*_LEASED_COLUMNS),
    "postgresql": _UPDATE_TO_LEASED.where(
        leads.c.id.in_(_select_fetchable().with_for_update(skip_locked=True))
    ).returning(*_LEASED_COLUMNS),
}
_RELEASE_ALL = (
    update(leads)
    .where(leads.c.owner == bindparam("owned"))
    .values(state=case((leads.c.attempts > 0, LeadState.RETRY), else_=LeadState.WAITING), owner=None, due_at=EPOCH)
)
_RELEASE_SOME = _RELEASE_ALL.where(leads.c.id.in_(bindparam("ids", expanding=True)))
_FINISH_LEAD = (
    update(leads)
    .where(leads.c.id == bindparam("lead"), leads.c.owner == bindparam("owned"), leads.c.state == LeadState.LEASED)
    .values(
        state=bindparam("state"),
        code=bindparam("code"),
        reason=bindparam("reason"),
        due_at=bindparam("due_at"),
        ended_at=bindparam("ended_at"),
        attempts=leads.c.attempts + bindparam("more"),
        owner=None,
    )
)
