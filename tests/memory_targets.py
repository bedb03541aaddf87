"""Target systems in memory, which hold what the samples of drift speak of."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from extractors.errors import SourceError
from extractors.protocol import WriteIntent, WriteReceipt
from tests.plan_facts import FACTS


class MemoryTarget:
    """A target system in memory: records by object and id, every write counted.

    `script` gives, call by call, an error to raise before ('before', error) or after ('after',
    error) the write takes effect.
    """

    def __init__(self, system: str, records: Mapping[tuple[str, str], Mapping[str, Any]]) -> None:
        self.system = system
        self.newest_at: datetime | None = None
        self.records = {key: dict(value) for key, value in records.items()}
        self.effects: list[tuple[str, str]] = []
        self.script: list[tuple[str, SourceError] | None] = []
        self.look_script: list[SourceError | None] = []

    async def log_in(self) -> None:
        """There are no sessions."""

    async def read(self, object: str, record_id: str) -> Mapping[str, Any] | None:  # noqa: A002
        self._look_fault()
        return self.records.get((object, record_id))

    async def find(self, object: str, external_id: str) -> Mapping[str, Any] | None:  # noqa: A002
        self._look_fault()
        return self.records.get((object, external_id))

    async def lookup(self, object: str, **equals: str) -> list[Mapping[str, Any]]:  # noqa: A002
        self._look_fault()
        return [
            record
            for (kind, _), record in sorted(self.records.items())
            if kind == object and all(record.get(n) == v for n, v in equals.items())
        ]

    async def write(self, intent: WriteIntent) -> WriteReceipt:
        fault = self.script.pop(0) if self.script else None
        if fault and fault[0] == "before":
            raise fault[1]
        key = (intent.object, intent.record_id)
        self.records[key] = {
            **self.records.get(key, {"id": f"new-{intent.record_id}"}),
            **intent.body,
        }
        self.effects.append(key)
        if fault:
            raise fault[1]
        return WriteReceipt(self.records[key].get("id"), "req_1", 204, "")

    def _look_fault(self) -> None:
        fault = self.look_script.pop(0) if self.look_script else None
        if fault:
            raise fault


def salesforce() -> MemoryTarget:
    """The CRM as the samples see it: one stale status, one lost link."""
    return MemoryTarget(
        "salesforce",
        {
            ("Subscription__c", "a0S1"): {
                "Id": "a0S1",
                "Status__c": "Active",
                "Status_Changed_At__c": "2026-01-31T10:00:00.000+0000",
            },
            ("Account", "001A"): {"Id": "001A", "Stripe_Customer_Id__c": None},
        },
    )


def netsuite() -> MemoryTarget:
    """The ERP as the samples see it: an open period, what is in use, and the journals."""
    return MemoryTarget(
        "netsuite",
        {
            **{
                ("accountingperiod", month): {
                    "id": month,
                    "periodname": f"20{month[:2]}-{month[2:]}",
                    "startdate": f"20{month[:2]}-{month[2:]}-01",
                    "enddate": f"20{month[:2]}-{month[2:]}-30",
                    "isquarter": "F",
                    "isyear": "F",
                    "closed": "F",
                    "arlocked": "F",
                }
                for month in ("2606", "2607")
            },
            ("customer", "501"): {"id": "501", "isinactive": "F"},
            **{
                ("account", row["account_id"]): {"id": row["account_id"], "isinactive": "F"}
                for row in FACTS["erp_accounts"]
            },
            **{
                ("transaction", row["journal_id"]): {
                    "id": row["journal_id"],
                    "voided": "F",
                    "posting": "T",
                    "foreigntotal": row["total"],
                }
                for row in FACTS["erp_journals"]
            },
            **{
                ("transaction", row["transaction_id"]): {
                    "id": row["transaction_id"],
                    "voided": "F",
                    "foreigntotal": row["total"],
                    "foreignamountunpaid": row["unpaid"],
                }
                for row in FACTS["erp_copies"]
            },
            ("transaction", "7002"): {
                "id": "7002",
                "voided": "F",
                "foreignamountunpaid": "120",
            },
            ("transactionaccountingline", "7000-1"): {
                "transaction": "7000",
                "transactionline": "1",
                "account": "400",
            },
        },
    )


def stripe() -> MemoryTarget:
    """Billing as the samples see it: what the ERP misses, as it was planned."""
    invoice = {"id": "in_1", "status": "open", "total": 12000, "currency": "gbp"}
    dispute = {"id": "du_1", "status": "needs_response", "amount": 12000}
    return MemoryTarget(
        "stripe",
        {
            ("invoice", "in_1"): invoice,
            ("dispute", "du_1"): dispute,
            ("credit_note", "cn_1"): {"id": "cn_1", "status": "issued", "total": 3000},
            ("charge", "ch_1"): {"id": "ch_1", "status": "succeeded", "amount": 9000},
        },
    )
