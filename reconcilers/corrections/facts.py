"""The plan context, indexed: each fact by the key under which a correction asks for it. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from reconcilers.corrections.plan_context import PlanContext

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Facts:
    """One dictionary per question; a missing key means that the system does not have it."""

    accounts: Mapping[str, Row]
    account_by_link: Mapping[str, Row]
    held: Mapping[tuple[str, str, str, str], Row]
    holders: Mapping[tuple[str, str, str, str], Sequence[Row]]
    crm_subscriptions: Mapping[str, Row]
    billing_subscriptions: Mapping[str, Row]
    billed_items: Mapping[tuple[str, str], Sequence[Row]]
    schedules: Mapping[str, Sequence[Row]]
    ends: Mapping[str, Row]
    coupons: Sequence[Row]
    billed_twice: Mapping[str, Row]
    unbilled: Mapping[str, Row]
    unbilled_lines: Mapping[str, Sequence[Row]]
    prices: Mapping[str, Row]
    list_prices: Mapping[str, Row]
    used_periods: Mapping[str, Row]
    overcharges: Mapping[str, Row]
    signed_steps: Mapping[str, Row]
    signed_lines: Mapping[str, Row]
    signed_terms: Mapping[str, Row]
    invoices: Mapping[str, Row]
    invoice_lines: Mapping[str, Sequence[Row]]
    customers: Mapping[str, Sequence[Row]]
    erp_customers: Mapping[str, Row]
    items: Mapping[str, Row]
    ledger: Mapping[str, Row]
    ledger_by_number: Mapping[str, Row]
    tax_codes: Sequence[Row]
    currencies: Mapping[str, Row]
    subsidiaries: Mapping[str, Row]
    periods: Mapping[str, Row]
    months: Sequence[Row]
    numbers: Mapping[str, Row]
    legal_entities: Mapping[str, Row]
    chart: Mapping[tuple[str, str, str], str]
    journals: Mapping[str, Row]
    journal_ids: Mapping[str, Row]
    journal_lines: Mapping[str, Sequence[Row]]
    disputes: Mapping[str, Row]
    credit_notes: Mapping[str, Row]
    credit_note_lines: Mapping[str, Sequence[Row]]
    payments: Mapping[str, Row]
    erp_invoices: Mapping[str, Row]
    memo_numbers: Mapping[str, Row]
    erp_copies: Mapping[str, Row]
    erp_copy_lines: Mapping[str, Sequence[Row]]
    bank_receipts: Mapping[str, Row]
    stale_drafts: Mapping[str, Row]
    uncredited: Mapping[str, Row]
    settlements: Mapping[str, Row]
    refunds: Mapping[str, Row]
    payouts: Mapping[str, Row]
    payout_members: Mapping[str, Sequence[Row]]
    applications: Mapping[str, Sequence[Row]]
    wrong_lines: Mapping[str, Row]
    revenue_months: Mapping[str, Sequence[Row]]
    revenue_lines: Mapping[str, Sequence[Row]]
    missing_customers: Mapping[str, Row]
    unpapered: Mapping[str, Row]
    unsigned_edits: Mapping[str, Row]
    co_terms: Mapping[str, Row]
    add_ons: Mapping[str, Row]

    def month_of(self, day: date) -> Row | None:
        """The monthly accounting period that holds a date."""
        return next((m for m in self.months if m["start_date"] <= day <= m["end_date"]), None)

    def ledger_number(self, family: str, legal_entity: str, event_type: str) -> str | None:
        """The account number that our chart names for an event; '*' stands for every family."""
        names = ((family, legal_entity, event_type), ("*", legal_entity, event_type))
        return next((self.chart[name] for name in names if name in self.chart), None)


def index(context: PlanContext) -> Facts:
    """Every frame of the context as the dictionaries that the writers ask."""
    return Facts(
        accounts=_by(context.crm_accounts, "account_id"),
        account_by_link=_by(context.crm_accounts, "stripe_customer_id"),
        held=_held(context.held_fields),
        holders=_holders(context.held_fields),
        crm_subscriptions=_by(context.crm_subscriptions, "subscription_id"),
        billing_subscriptions=_by(context.billing_subscriptions, "subscription_id"),
        billed_items=_of_products(context.billing_items),
        schedules=_grouped(context.billing_schedules, "subscription_id"),
        ends=_by(context.billing_ends, "subscription_id"),
        unbilled=_by(context.unbilled, "row_key"),
        unbilled_lines=_grouped(context.unbilled_lines, "contract_id"),
        billed_twice=_by(context.billed_twice, "row_key"),
        prices=_by(context.billing_prices, "price_id"),
        overcharges=_by(context.overcharges, "payment_id"),
        list_prices=_by(context.list_prices, "row_key"),
        used_periods=_by(context.used_periods, "row_key"),
        signed_steps=_by(context.signed_steps, "row_key"),
        coupons=context.billing_coupons.rows(named=True),
        signed_lines=_by(context.signed_lines, "row_key"),
        signed_terms=_by(context.signed_terms, "row_key"),
        invoices=_by(context.billing_invoices, "invoice_id"),
        invoice_lines=_grouped(context.billing_invoice_lines, "invoice_id"),
        customers=_grouped(context.erp_customers, "canonical_customer_id"),
        erp_customers=_by(context.erp_customers, "customer_id"),
        items=_by(context.erp_items, "sku"),
        ledger=_by(context.erp_accounts, "account_id"),
        ledger_by_number=_by(context.erp_accounts, "number"),
        tax_codes=context.erp_tax_codes.sort("tax_code_id").to_dicts(),
        currencies=_by(context.erp_currencies, "currency"),
        subsidiaries=_by(context.erp_subsidiaries, "legal_entity"),
        periods=_by(context.erp_periods, "period_id"),
        months=[
            row
            for row in context.erp_periods.sort("start_date").iter_rows(named=True)
            if row["is_quarter"] != "T" and row["is_year"] != "T"
        ],
        numbers=_by(context.erp_invoice_numbers, "number"),
        legal_entities=_by(context.legal_entities, "legal_entity"),
        chart={
            (row["product_family"], row["legal_entity"], row["event_type"]): row["number"]
            for row in context.ledger_accounts.iter_rows(named=True)
        },
        journals=_by(context.erp_journals, "journal_id"),
        journal_ids=_by(context.erp_journals, "external_id"),
        journal_lines=_grouped(context.erp_journal_lines, "journal_id"),
        disputes=_by(context.billing_disputes, "row_key"),
        credit_notes=_by(context.billing_credit_notes, "credit_note_id"),
        credit_note_lines=_grouped(context.billing_credit_note_lines, "credit_note_id"),
        payments=_by(context.billing_payments, "payment_id"),
        erp_invoices=_by(context.erp_invoices, "invoice_id"),
        memo_numbers=_by(context.erp_memo_numbers, "number"),
        erp_copies=_by(context.erp_copies, "transaction_id"),
        erp_copy_lines=_grouped(context.erp_copy_lines, "transaction_id"),
        bank_receipts=_by(context.bank_receipts, "row_key"),
        refunds=_by(context.billing_refunds, "refund_id"),
        stale_drafts=_by(context.stale_drafts, "invoice_id"),
        uncredited=_by(context.uncredited_refunds, "refund_id"),
        payouts=_by(context.billing_payouts, "payout_id"),
        payout_members=_grouped(context.payout_members, "payout_id"),
        settlements=_by(context.erp_settlements, "row_key"),
        applications=_grouped(context.erp_applications, "document_id"),
        wrong_lines=_by(context.erp_wrong_lines, "exception_key"),
        revenue_months=_grouped(context.revenue_months, "plan_id"),
        revenue_lines=_grouped(context.revenue_lines, "plan_id"),
        missing_customers=_by(context.missing_customers, "customer_id"),
        unpapered=_by(context.unpapered, "row_key"),
        unsigned_edits=_by(context.unsigned_edits, "row_key"),
        co_terms=_by(context.co_terms, "row_key"),
        add_ons=_by(context.add_ons, "row_key"),
    )


def _held(frame: pl.DataFrame) -> dict[tuple[str, str, str, str], Row]:
    """Fields by system, entity, record and attribute."""
    return {
        (row["system"], row["entity"], row["record_id"], row["attribute"]): row
        for row in frame.iter_rows(named=True)
    }


def _holders(frame: pl.DataFrame) -> Mapping[tuple[str, str, str, str], Sequence[Row]]:
    """Fields by system, entity, attribute and the value that they hold."""
    groups: dict[tuple[str, str, str, str], list[Row]] = defaultdict(list)
    for row in frame.drop_nulls("value").iter_rows(named=True):
        groups[row["system"], row["entity"], row["attribute"], row["value"]].append(row)
    return groups


def _of_products(frame: pl.DataFrame) -> Mapping[tuple[str, str], Sequence[Row]]:
    """Items by subscription and product."""
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in frame.iter_rows(named=True):
        groups[row["subscription_id"], row["product_code"] or ""].append(row)
    return groups


def _by(frame: pl.DataFrame, key: str) -> dict[str, Row]:
    return {row[key]: row for row in frame.iter_rows(named=True) if row[key] is not None}


def _grouped(frame: pl.DataFrame, key: str) -> Mapping[str, Sequence[Row]]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in frame.iter_rows(named=True):
        groups[row[key]].append(row)
    return groups
