"""The commercial thread behind a record: contract, subscription, invoices, payments, postings.

Records belong to one thread when they carry the same correlation id. Records that carry none
(self-serve business before its first invoice, loose ERP documents) are shown alone.
"""

import datetime as dt
from dataclasses import dataclass

from orchestration.settings import Settings
from reconcilers.engine import open_warehouse

# Every kind of record of a thread, in the order of the business. `alias` is the record's id in the
# other system, so that either id finds the thread.
_HOPS = """
select 1 as rank, 'contract' as entity, contract_id as record_id, opportunity_id as alias, correlation_id,
    signed_at as happened_at, recurring_mrr_minor as amount_minor, currency, status || ', monthly' as note
from canonical.contracts
union all
select 2, 'subscription', subscription_id, crm_subscription_id, correlation_id,
    started_at, mrr_minor, currency, status || ', monthly'
from canonical.subscriptions
union all
select 3, 'invoice', coalesce(invoice_id, erp_internal_id), erp_internal_id, correlation_id,
    issued_at, total_minor, currency,
    status || coalesce(', ERP ' || erp_internal_id, ', not in the ERP') || coalesce(', ' || number, '')
from canonical.invoices
union all
select 4, 'payment', coalesce(payment_id, erp_internal_id), erp_internal_id, correlation_id,
    paid_at, amount_minor, currency, status || coalesce(', ERP ' || erp_internal_id, ', not in the ERP')
from canonical.payments
union all
select 5, 'journal entry', journal_id, number, correlation_id,
    posted_at, debit_minor, currency, journal_type || ', period ' || coalesce(period, 'unknown')
from canonical.journal_entries
union all
select 6, 'revenue', revenue_event_id, journal_id, correlation_id,
    cast(period || '-01' as timestamp), amount_minor, currency,
    case when is_recognized then 'recognized' else 'deferred' end
from canonical.revenue_events
"""  # noqa: E501


_COLUMNS = ("entity", "record_id", "at", "amount_minor", "currency", "note")


@dataclass(frozen=True)
class Hop:
    """One record of a thread. `amount_minor` is in minor units of `currency`; `at` is UTC."""

    entity: str
    record_id: str
    at: dt.datetime | None
    amount_minor: int | None
    currency: str | None
    note: str
    asked: bool


@dataclass(frozen=True)
class Thread:
    """All records of one thread, in the order of the business, then of time."""

    correlation_id: str
    hops: tuple[Hop, ...]


def find_thread(settings: Settings, identifier: str) -> Thread | None:
    """The thread of any record's id, of a CRM account's or of a correlation id; None if unknown."""
    with open_warehouse(settings.warehouse_path) as con:
        asked = con.sql(
            f"select entity, record_id, correlation_id from ({_HOPS}) "
            "where ? in (record_id, alias, correlation_id) order by rank, record_id",
            params=[identifier],
        ).fetchall()
        if not asked:
            return None
        correlation_id = next((row[2] for row in asked if row[2]), None)
        rows = con.sql(
            "select entity, record_id, happened_at, amount_minor, currency, note, alias "
            f"from ({_HOPS}) "
            "where correlation_id = ? or (? is null and record_id = ?) "
            "order by rank, happened_at, record_id",
            params=[correlation_id, correlation_id, asked[0][1]],
        ).fetchall()
    hops = (
        Hop(asked=identifier in (row[1], row[6]), **dict(zip(_COLUMNS, row, strict=False)))
        for row in rows
    )
    return Thread(correlation_id or f"no thread ({asked[0][0]} {asked[0][1]})", tuple(hops))
