"""What a plan knows of the systems, so that each sample of drift can be corrected."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

import polars as pl

from extractors.sandbox.ids import salesforce_id
from reconcilers.corrections.plan_context import PlanContext, empty_context

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


def held_field(
    record: tuple[str, str], entity: str, attribute: str, value: str | None = None, **values: Any
) -> dict[str, Any]:
    """What a record (system and id) holds of an attribute of the matrix."""
    system, record_id = record
    return {
        "system": system, "entity": entity, "record_id": record_id, "attribute": attribute,
        "value": value, "version": "v1", "period_id": None, **values,
    }  # fmt: skip


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
