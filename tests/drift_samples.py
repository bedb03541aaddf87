"""Drift rows as detection gives them, one of each kind that tests correct."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import polars as pl

from reconcilers.findings import DRIFT, empty

DAY = date(2026, 6, 30)


def key_of(name: str) -> str:
    return name.encode().hex().ljust(32, "0")[:32]


def drift(*rows: Mapping[str, Any]) -> pl.DataFrame:
    """A drift frame in the shape that detection gives."""
    frame = pl.DataFrame([dict(row) for row in rows], schema=empty(DRIFT).schema)
    return DRIFT.validate(frame)


def drift_row(name: str, code: str, **values: Any) -> dict[str, Any]:
    return {
        "snapshot_date": DAY,
        "code": code,
        "entity": "thing",
        "canonical_id": "cus_1",
        "correlation_id": "q2c_006A",
        "comparison": "cmp_invoice__billing_vs_erp",
        "row_key": f"stripe:{name}",
        "owner_role": "billing",
        "owner_system": "stripe",
        "owner_id": name,
        "replica_role": "erp",
        "replica_system": "netsuite",
        "replica_id": None,
        "attribute": "",
        "expected": None,
        "observed": None,
        "cause": None,
        "impact_minor": 12000,
        "currency": "GBP",
        "impact_reporting_minor": 15240,
        "severity": "S4",
        "disposition": "exception",
        "event_at": datetime(2026, 6, 29, 10),  # noqa: DTZ001  (the warehouse keeps naive UTC)
        "exception_key": key_of(f"{code}{name}"),
        "legal_entity": "UK",
        "period": "2026-06",
        **values,
    }


def missing_invoice(invoice_id: str = "in_1", **values: Any) -> dict[str, Any]:
    return drift_row(invoice_id, "INV-MISS-01", **values)


def stale_status(
    subscription_id: str = "sub_1", record_id: str = "a0S1", **values: Any
) -> dict[str, Any]:
    return drift_row(
        subscription_id,
        "SUB-STAT-01",
        comparison="cmp_subscription__crm_vs_billing",
        replica_role="crm",
        replica_system="salesforce",
        replica_id=record_id,
        attribute="status",
        expected="cancelled",
        observed="active",
        **{"cause": "crm_copy_stale", **values},
    )


def lost_link(
    customer_id: str = "cus_A", account_id: str = "001A", **values: Any
) -> dict[str, Any]:
    return drift_row(
        customer_id,
        "CUS-MISS-01",
        comparison="cmp_customer__crm_vs_billing",
        replica_role="crm",
        replica_system="salesforce",
        **{"replica_id": account_id, "cause": "link_lost", **values},
    )


def unsigned_edit(**values: Any) -> dict[str, Any]:
    """A contract line that the CRM changed, nobody signed, and billing did not follow."""
    return drift_row(
        "sub_1",
        "CON-AMD-01",
        comparison="cmp_contract_change__crm_vs_billing",
        row_key="salesforce:800A:PLAT",
        replica_system="salesforce",
        replica_id="800A",
        attribute="mrr:PLAT",
        **{"expected": "9900", "cause": "unsigned", **values},
    )


def unpapered(**values: Any) -> dict[str, Any]:
    """A subscription that no contract covers."""
    return drift_row(
        "sub_N",
        "CON-MISS-02",
        comparison="cmp_contract__crm_vs_billing",
        **{"replica_system": None, "replica_id": None, "cause": "no_contract", **values},
    )


def unpapered_change(**values: Any) -> dict[str, Any]:
    """An item that billing changed, and no contract says so."""
    return drift_row(
        "800A",
        "CON-AMD-02",
        comparison="cmp_contract_change__crm_vs_billing",
        row_key="salesforce:800A:PLAT",
        attribute="mrr:PLAT",
        **{"replica_system": "stripe", "replica_id": "sub_N", "cause": "price", **values},
    )


def missing_customer(code: str, **values: Any) -> dict[str, Any]:
    """A billing customer that another system lacks: CUS-MISS-01 the CRM, CUS-MISS-02 the ERP."""
    cause = "account_missing" if code == "CUS-MISS-01" else None
    return drift_row(
        "cus_N",
        code,
        comparison="cmp_customer__billing_vs_erp",
        **{"replica_system": None, "replica_id": None, "cause": cause, **values},
    )


def copied_journal(journal_id: str = "8885", **values: Any) -> dict[str, Any]:
    """A journal of the ERP that books again what journal 8884 books."""
    return drift_row(
        journal_id,
        "JE-DUP-01",
        comparison="cmp_journal_entry__within_erp",
        row_key=f"netsuite:{journal_id}",
        owner_role="erp",
        owner_system="netsuite",
        replica_role=None,
        replica_system=None,
        expected="one journal",
        observed="copy of 8884",
        **{"cause": "signature", **values},
    )


def wrong_account(line_id: str = "7000-1", **values: Any) -> dict[str, Any]:
    """A line of an ERP invoice that stands on income before it is earned."""
    return drift_row(
        line_id,
        "JE-ACC-01",
        comparison="cmp_posting_line__mapping_vs_ledger",
        row_key=f"netsuite:{line_id}",
        owner_role="erp",
        owner_system="netsuite",
        replica_role=None,
        replica_system=None,
        attribute="account",
        observed="4000",
        **{"expected": "2100", "cause": "result_shifted", **values},
    )


def missing_stage(stage: str = "opened", **values: Any) -> dict[str, Any]:
    """A stage of dispute du_1 that the ERP does not follow."""
    phase = "withdrawn" if stage == "opened" else "closed"
    return drift_row(
        "du_1",
        "DSP-LIFE-01",
        comparison="cmp_dispute__billing_vs_erp",
        row_key=f"stripe:du_1:{phase}",
        attribute=f"stage:{phase}",
        expected=f"{stage} 12000",
        **{"cause": "not_posted", **values},
    )


def missing_note(note_id: str = "cn_1", **values: Any) -> dict[str, Any]:
    """A credit note of invoice in_2 that the ERP never got."""
    return drift_row(
        note_id,
        "CRN-MISS-01",
        comparison="cmp_credit_note__billing_vs_erp",
        impact_minor=-3000,
        **{"cause": "never_posted", **values},
    )


def missing_payment(payment_id: str = "ch_1", **values: Any) -> dict[str, Any]:
    """A charge for invoice in_2 that the ERP does not have."""
    return drift_row(
        payment_id,
        "PAY-MISS-01",
        comparison="cmp_payment__billing_vs_erp",
        impact_minor=-9000,
        **values,
    )


def copied_invoice(transaction_id: str = "7100", **values: Any) -> dict[str, Any]:
    """An ERP invoice that stands for the billing invoice of 7001 a second time."""
    return drift_row(
        transaction_id,
        "INV-DUP-01",
        owner_role="erp",
        owner_system="netsuite",
        replica_role=None,
        replica_system=None,
        impact_minor=-12000,
        **{"cause": "billing_id", **values},
    )


def other_total(transaction_id: str = "7001", **values: Any) -> dict[str, Any]:
    """Billing invoice in_1, of which the ERP has other lines (see `posted_as`)."""
    row = drift_row(
        "in_1",
        "INV-AMT-01",
        replica_id=transaction_id,
        attribute="total",
        expected="12000",
        observed="9000",
        impact_minor=3000,
        cause="net",
    )
    return row | values


def wrong_line(line_id: str = "il_0", **values: Any) -> dict[str, Any]:
    """A line of billing invoice in_1 that is another one in the ERP."""
    return drift_row(
        line_id,
        "INV-LINE-01",
        comparison="cmp_invoice_line__billing_vs_erp",
        replica_id="7001-1",
        attribute="quantity",
        **{"cause": "other_quantity", **values},
    )


def void_not_copied(invoice_id: str = "in_7", **values: Any) -> dict[str, Any]:
    """ERP invoice 7100, which billing voided."""
    return drift_row(
        invoice_id,
        "INV-STAT-01",
        attribute="status",
        expected="void",
        observed="open",
        impact_minor=-12000,
        **{"replica_id": "7100", "cause": "void_not_copied", **values},
    )
