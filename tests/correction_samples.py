"""Drift rows, plan facts and targets for tests of what happens after detection."""

import os
import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
from sqlalchemy import create_engine, text

from extractors.errors import SourceError
from extractors.protocol import WriteIntent, WriteReceipt
from extractors.sandbox.ids import salesforce_id
from reconcilers.corrections.outbox import store_plan
from reconcilers.corrections.plan import plan
from reconcilers.corrections.plan_context import PlanContext, empty_context
from reconcilers.corrections.policy import Policy, load_policy
from reconcilers.findings import DRIFT, empty
from reconcilers.life import NightFact, Sighting, fold
from reconcilers.sealing import Seals
from reconcilers.state import State, open_state
from reconcilers.state.tieouts import SCHEMA as TIEOUTS
from reconcilers.state.tieouts import record_tieouts

DAY = date(2026, 6, 30)
SEALS = Seals(["c2VhbHMgb2YgdGhlIHNhbXBsZXMsIGZvciB0ZXN0cy4="])


@cache
def _empty_store() -> bytes:
    """A SQLite file with its tables: making them takes as long as many a test."""
    with TemporaryDirectory() as folder:
        open_state(f"sqlite:///{folder}/state.db").close()
        return Path(folder, "state.db").read_bytes()


def fresh_state(folder: Path) -> State:
    """An empty state store: SQLite in the folder, or, where TIEOUT_TEST_DATABASE names a PostgreSQL
    database, a schema of its own there."""
    url = os.environ.get("TIEOUT_TEST_DATABASE")
    if url is None:
        file = folder / "state.db"
        if not file.exists():
            file.write_bytes(_empty_store())
        return open_state(str(file))
    schema = f"test_{secrets.token_hex(8)}"
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    engine.dispose()
    return open_state(f"{url}?options=-csearch_path%3D{schema}")


def night(number: int) -> date:
    return DAY + timedelta(days=number)


def at(number: int, hour: int = 2) -> datetime:
    """The instant at which the night `number` days after DAY is read."""
    return datetime(2026, 7, 1, hour, tzinfo=UTC) + timedelta(days=number)


def plan_into(
    state: State,
    found: pl.DataFrame,
    facts: PlanContext,
    moment: datetime | None = None,
    *,
    policy: Policy | None = None,
    on: date = DAY,
) -> None:
    """Plan drift that opened on a night, under the policy that is shipped, and store the plan."""
    life = fold([NightFact(on)], [Sighting(on, "exception", "cmp")])
    lives = dict.fromkeys(found["exception_key"].cast(pl.String), life)
    planned = plan(found, (), lives, facts, policy or load_policy(), seals=SEALS)
    store_plan(state, planned, lives, on, moment)


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


def held_field(
    record: tuple[str, str], entity: str, attribute: str, value: str | None = None, **values: Any
) -> dict[str, Any]:
    """What a record (system and id) holds of an attribute of the matrix."""
    system, record_id = record
    return {
        "system": system, "entity": entity, "record_id": record_id, "attribute": attribute,
        "value": value, "version": "v1", "period_id": None, **values,
    }  # fmt: skip


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


def posted_as(*lines: tuple[str, int, int], **values: Any) -> dict[str, list[dict[str, Any]]]:
    """Facts of ERP invoice 7001: lines of (billing line, net, tax), and what else it shows."""
    total = sum(net + tax for _, net, tax in lines)
    copy = FACTS["erp_copies"][1] | {
        "total_minor": total,
        "total": f"{total / 100}",
        "unpaid_minor": total,
        "unpaid": f"{total / 100}",
    }
    line = FACTS["erp_copy_lines"][0] | {
        "transaction_id": "7001",
        "code_tax_minor": sum(tax for *_, tax in lines),
    }
    return {
        "erp_copies": [copy | values],
        "erp_copy_lines": [line | {"stripe_line_id": n, "net_minor": net} for n, net, _ in lines],
    }


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


def tie_out(state: State, on: date, *, holds: bool = True) -> None:
    """Record one tie-out of a night, which holds or breaks by one row."""
    left, right = ("stripe.invoice", 2), ("landed", 2 if holds else 1)
    row = {
        "code": "TO-EXT",
        "scope": "stripe.invoice",
        "left_label": left[0],
        "left_rows": left[1],
        "right_label": right[0],
        "right_rows": right[1],
        "unexplained_rows": left[1] - right[1],
        "holds": holds,
    }
    record_tieouts(state, on, pl.DataFrame([row], schema=TIEOUTS))


FACTS: dict[str, list[dict[str, Any]]] = {
    "crm_accounts": [
        {"account_id": "001A", "stripe_customer_id": None, "system_modstamp": "v1"},
        {"account_id": "001B", "stripe_customer_id": "cus_B", "system_modstamp": "v1"},
    ],
    "crm_subscriptions": [
        {
            "subscription_id": "a0S1",
            "stripe_subscription_id": "sub_1",
            "status": "Active",
            "status_changed_at": "2026-01-31T10:00:00.000+0000",
            "system_modstamp": "v1",
        }
    ],
    "billing_subscriptions": [
        {
            "subscription_id": "sub_1",
            "status": "cancelled",
            "status_changed_at": datetime(2026, 6, 20, 9, 30),  # noqa: DTZ001
        }
    ],
    "billing_invoices": [
        {
            "invoice_id": "in_1",
            "number": "UK-0001",
            "billing_customer_id": "cus_A",
            "canonical_customer_id": "cus_1",
            "erp_customer_ref": None,
            "legal_entity": "UK",
            "currency": "GBP",
            "invoice_date": date(2026, 6, 12),
            "due_date": date(2026, 7, 12),
            "subtotal_minor": 10000,
            "tax_minor": 2000,
            "total_minor": 12000,
            "correlation_id": "q2c_006A",
        }
    ],
    "billing_invoice_lines": [
        {
            "invoice_id": "in_1",
            "line_id": f"il_{n}",
            "product_code": "PLAT",
            "quantity": 1,
            "net_minor": net,
            "tax_minor": net // 5,
            "service_start": date(2026, 6, 12),
            "service_end": date(2026, 7, 11),
        }
        for n, net in enumerate((7500, 2500))
    ]
    + [
        {
            "invoice_id": "in_2",
            "line_id": f"il_{n}",
            "product_code": "PLAT",
            "quantity": 3,
            "net_minor": net,
            "tax_minor": net // 5,
            "service_start": date(2026, 6, 1),
            "service_end": date(2026, 8, 31),
        }
        for n, net in ((8, 7000), (9, 3000))
    ],
    "erp_customers": [
        {
            "canonical_customer_id": "cus_1",
            "customer_id": "501",
            "subsidiary_id": "2",
            "stripe_customer_id": "cus_A",
            "is_inactive": "F",
        }
    ],
    "erp_items": [
        {
            "item_id": "201",
            "sku": "PLAT",
            "name": "Platform",
            "income_account_id": "400",
            "deferred_account_id": "210",
            "is_inactive": "F",
            "family": "Platform",
        }
    ],
    "erp_accounts": [
        {"account_id": i, "number": n, "account_type": t, "is_inactive": "F"}
        for i, n, t in (
            ("110", "1100", "AcctRec"),
            ("210", "2100", "DeferRevenue"),
            ("220", "2200", "OthCurrLiab"),
            ("400", "4000", "Income"),
            ("105", "1050", "Bank"),
            ("120", "1200", "OthCurrAsset"),
        )
    ],
    "erp_tax_codes": [{"tax_code_id": "2", "name": "VAT", "rate": "20", "country": "GB"}],
    "erp_currencies": [
        {"currency_id": "2", "currency": "GBP", "exponent": 2},
        {"currency_id": "3", "currency": "EUR", "exponent": 2},
        {"currency_id": "4", "currency": "JPY", "exponent": 0},
    ],
    "erp_subsidiaries": [{"subsidiary_id": "2", "legal_entity": "UK", "country": "GB"}],
    "erp_periods": [
        {
            "period_id": i,
            "name": name,
            "start_date": date(2026, 4 if quarter == "T" else 6, 1),
            "end_date": date(2026, 6, 30),
            "is_closed": "F",
            "is_ar_locked": "F",
            "is_quarter": quarter,
            "is_year": "F",
        }
        for i, name, quarter in (("2622", "Q2 2026", "T"), ("2606", "Jun 2026", "F"))
    ],
    "erp_invoice_numbers": [],
    "legal_entities": [{"legal_entity": "UK", "currency": "GBP", "tax_rate": "20.0000"}],
    "ledger_accounts": [
        {"product_family": f, "legal_entity": "UK", "event_type": e, "number": n}
        for f, e, n in (
            ("*", "receivable", "1100"),
            ("*", "tax_payable", "2200"),
            ("*", "payment_clearing", "1050"),
            ("*", "payment_disputed", "1200"),
            ("Platform", "revenue_deferred", "2100"),
            ("Platform", "revenue_recognised", "4000"),
        )
    ],
    "erp_journals": [
        {
            "journal_id": journal,
            "external_id": None,
            "entry_date": date(2026, 6, 12),
            "legal_entity": "UK",
            "currency": "GBP",
            "exchange_rate": "1",
            "total": "120",
            "voided": "F",
            "posting": "T",
            "copy_of": copy_of,
        }
        for journal, copy_of in (("8884", None), ("8885", "8884"), ("7000", None))
    ],
    "erp_journal_lines": [
        {
            "journal_id": journal,
            "line_id": line,
            "account_id": account,
            "number": f"{account}0",
            "amount_minor": minor,
            "base_minor": minor,
            "department_id": "7",
            "class_id": None,
        }
        for journal, line, account, minor in (
            ("8885", "0", "210", 12000),
            ("8885", "1", "400", -12000),
            ("7000", "1", "400", -10000),
        )
    ],
    "billing_disputes": [
        {
            "row_key": f"stripe:du_1:{phase}",
            "dispute_id": "du_1",
            "stage": stage,
            "stripe_status": status,
            "stage_date": date(2026, 6, 20),
            "legal_entity": "UK",
            "currency": "GBP",
            "exchange_rate": "1",
            "amount_minor": 12000,
            "reinstated_minor": reinstated,
            "opening_id": opening,
        }
        for phase, stage, status, reinstated, opening in (
            ("withdrawn", "opened", "needs_response", 0, None),
            ("closed", "won", "won", 12000, "9001"),
        )
    ],
    "billing_credit_notes": [
        {
            "credit_note_id": "cn_1",
            "number": "UK-0002-CN-01",
            "invoice_id": "in_2",
            "billing_customer_id": "cus_A",
            "canonical_customer_id": "cus_1",
            "erp_customer_ref": None,
            "legal_entity": "UK",
            "currency": "GBP",
            "credit_date": date(2026, 6, 20),
            "tax_minor": 500,
            "total_minor": 3000,
            "applied_minor": 3000,
        }
    ],
    "billing_credit_note_lines": [
        {"credit_note_id": "cn_1", "invoice_line_id": None, "quantity": 1, "net_minor": 2500}
    ],
    "billing_payments": [
        {
            "payment_id": "ch_1",
            "invoice_id": "in_2",
            "currency": "GBP",
            "paid_date": date(2026, 6, 25),
            "amount_minor": 9000,
        }
    ],
    "erp_invoices": [
        {
            "invoice_id": "in_2",
            "transaction_id": "7002",
            "customer_id": "501",
            "is_customer_inactive": "F",
            "currency": "GBP",
            "unpaid": "120",
            "unpaid_minor": 12000,
        }
    ],
    "erp_memo_numbers": [],
    "unsigned_edits": [
        {
            "row_key": "salesforce:800A:PLAT",
            "lines": 1,
            "line_id": salesforce_id("Contract_Line__c", 1),
            "is_signed": False,
            "changes_term": False,
            "mrr_before_minor": 9900,
            "quantity_now": "10",
            "quantity_before": None,
            "unit_price_now": "10.59",
            "unit_price_before": "9.900000",
            "discount_percent_now": "0",
            "discount_percent_before": None,
            "effective_at": "2026-01-10T08:00:00.000+0000",
            "version": "v1",
        }
    ],
    "unpapered": [
        {
            "row_key": row_key,
            "subscription_id": "sub_N",
            "status": "active",
            "name": name,
            "key": name[0].lower() + name[1:].replace(" ", "_"),
            "monthly_minor": monthly,
            "currency": "GBP",
            "period_end": date(2026, 7, 14),
            "account_id": salesforce_id("Account", 1),
            "accounts": 1,
        }
        for row_key, name, monthly in (
            ("stripe:sub_N", "Unpapered sub_N", 9900),
            ("salesforce:800A:PLAT", "Amendment 800A PLAT", -850),
            ("salesforce:800R", "Renewal 800R", 9900),
        )
    ],
    "missing_customers": [
        {
            "customer_id": "cus_N",
            "canonical_id": "cus_1",
            "name": "Acme Ltd",
            "email": "ap@acme.example",
            "street": "1 Station Road",
            "city": "London",
            "postal_code": "EC1A 1BB",
            "country": "GB",
            "tax_id": "GB123456789",
            "legal_entity": "UK",
            "currency": "GBP",
            "document_entities": 1,
            "document_currencies": 1,
            "account_id": None,
            "accounts": 0,
            "erp_id": None,
            "erp_records": 0,
            "terms": None,
            "term_id": "3",
            "crm_rival": None,
            "erp_rival": None,
        }
    ],
    "erp_copies": [
        {
            "transaction_id": transaction,
            "copy_of": copy_of,
            "customer_id": "501",
            "is_customer_inactive": "F",
            "subsidiary_id": "2",
            "currency": "GBP",
            "exchange_rate": "1.250",
            "invoice_date": date(2026, 6, 12),
            "voided": "F",
            "total": "120",
            "total_minor": 12000,
            "unpaid": unpaid,
            "unpaid_minor": 12000,
            "invoice_id": "in_1",
            "period_id": "2606",
            "version": "v1",
        }
        for transaction, copy_of, unpaid in (("7100", "7001", "120"), ("7001", None, "0"))
    ],
    "erp_wrong_lines": [],
    "erp_copy_lines": [
        {
            "transaction_id": "7100",
            "item_id": "201",
            "quantity": "1",
            "net_minor": net,
            "tax_code_id": "2",
            "tax_rate": "20",
            "code_tax_minor": 2000,
            "stripe_line_id": f"il_{n}",
            "rev_start": "2026-06-12",
            "rev_end": "2026-07-11",
        }
        for n, net in ((1, 7500), (2, 2500))
    ],
}


def context(**changes: Iterable[Mapping[str, Any]]) -> PlanContext:
    """Facts under which every sample can be corrected; named frames replace them."""
    rows = FACTS | {name: list(value) for name, value in changes.items()}
    return empty_context(
        **{
            name: pl.DataFrame([dict(r) for r in given], schema=PlanContext.SCHEMAS[name])
            for name, given in rows.items()
        }
    )


def changed(frame: str, position: int = 0, **values: Any) -> dict[str, list[dict[str, Any]]]:
    """The facts of one frame with some values of one row changed."""
    rows = [dict(row) for row in FACTS[frame]]
    rows[position] |= values
    return {frame: rows}


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
