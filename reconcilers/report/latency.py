"""How long documents take from billing to the ledger, as a report says it. Pure."""

from dataclasses import dataclass, fields

import polars as pl

SLOWEST = 10  # documents listed of each kind
# Document, canonical table, its key of billing, the id in billing, when it happened there.
_DOCUMENTS = (
    ("invoice", "invoices", "invoice_key", "invoice_id", "issued_at"),
    ("credit_note", "credit_notes", "credit_note_key", "credit_note_id", "issued_at"),
    ("payment", "payments", "payment_key", "payment_id", "paid_at"),
    ("refund", "refunds", "refund_key", "refund_id", "paid_at"),
)
_POSTINGS = "\nunion all\n".join(
    f"""
    select
        '{document}' as document,
        billing.{billing_id} as record_id,
        erp.erp_internal_id as erp_id,
        coalesce(billing.legal_entity, '') as legal_entity,
        billing.{happened_at} as happened_at,
        erp.created_at as posted_at,
        greatest(date_diff('second', billing.{happened_at}, erp.created_at), 0) as seconds
    from canonical.{table} as documents
    inner join conformed.{document}__billing as billing on documents.{key} = billing.{billing_id}
    inner join conformed.{document}__erp as erp
        on documents.erp_internal_id = erp.erp_internal_id
    where billing.{happened_at} is not null
        and erp.created_at >= (select snapshot_date from staging.stg_control__build) - 29
    """
    for document, table, key, billing_id, happened_at in _DOCUMENTS
)
# The key figures' own numbers: the page says the same in both places.
LATENCY_QUERY = """
    select
        member as document,
        max(value) filter (code = 'documents_posted') as posted,
        max(value) filter (code = 'posting_latency_p50') as p50_seconds,
        max(value) filter (code = 'posting_latency_p95') as p95_seconds,
        max(value) filter (code = 'posting_latency_p99') as p99_seconds
    from reporting.rpt_kpi_latencies
    where dimension = 'document'
    group by member
    order by member
"""
SLOWEST_QUERY = f"""
    select document, record_id, erp_id, legal_entity, happened_at, posted_at, seconds
    from ({_POSTINGS}) as postings
    qualify row_number() over (partition by document order by seconds desc, record_id) <= {SLOWEST}
    order by document, seconds desc, record_id
"""


@dataclass(frozen=True)
class LatencyLine:
    """Documents of one kind that the ERP recorded in the last 30 days.

    Seconds from the event in billing (finalized, paid) to when the ERP made its record, not to its
    accounting date; what billing dates after the record counts as 0.
    """

    document: str
    posted: int
    p50_seconds: int
    p95_seconds: int
    p99_seconds: int


@dataclass(frozen=True)
class PostingLine:
    """One of the slowest of them; times are UTC, ISO 8601."""

    document: str
    record_id: str
    erp_id: str
    legal_entity: str
    happened_at: str
    posted_at: str
    seconds: int


def latency_lines(frame: pl.DataFrame) -> tuple[LatencyLine, ...]:
    names = [item.name for item in fields(LatencyLine)]
    return tuple(LatencyLine(**row) for row in frame.select(names).to_dicts())


def posting_lines(frame: pl.DataFrame) -> tuple[PostingLine, ...]:
    written = frame.with_columns(
        pl.col("happened_at", "posted_at").dt.strftime("%Y-%m-%d %H:%M:%S")
    )
    names = [item.name for item in fields(PostingLine)]
    return tuple(PostingLine(**row) for row in written.select(names).to_dicts())
