"""A correction as dispatch has it in one transaction: its row, locked, and no more."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any


@dataclass
class OutboxRow:
    """What dispatch reads of a correction and may change of it. Money: minor units; times: UTC."""

    correction_id: str
    exception_key: str
    canonical_id: str | None
    impact_reporting_minor: int | None
    system: str
    object: str
    record_id: str
    operation: str
    action: str
    before: dict[str, Any] | None
    after: dict[str, Any]
    payload: dict[str, Any]
    expected_version: str
    idempotency_key: str
    correlation_id: str
    snapshot_date: date
    state: str
    state_reason: str | None
    changed_at: datetime
    claimed_by: str | None
    claimed_at: datetime | None
    writes: int
    refusals: list[dict[str, Any]]
    sent_at: datetime | None
    accepted_at: datetime | None
    target_record_id: str | None
