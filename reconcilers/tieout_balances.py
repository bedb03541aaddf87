"""Roll-forwards: opening + movements = closing, month by month, of two sides of one balance.

TO-AR   receivables: the ERP's documents against the control account; what billing still asks for
        against what the ERP does.
TO-TAX  sales tax of the ERP's documents against its account.
TO-DEF  deferred revenue of the ERP's plans against its accounts.
TO-UNB  use that is not billed yet: as the meter counts it against what billing charged for it.
TO-MRR  monthly recurring revenue: movements against what billing charges and, today, sells.
TO-PSP  the processor's balance against its clearing account.

A gap is told by object: one that a finding names (itself, or a document that it was settled with),
that has a stated reason, or that evens out in another month. What is left is unexplained.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import duckdb
import polars as pl

from reconcilers.evaluate import ROUNDING_MINOR
from reconcilers.findings import UNEXPLAINED, Findings
from reconcilers.report.amounts import amount
from reconcilers.tieout_bridges import TOLERATED

Line = Mapping[str, Any]
_Key = tuple[str | None, str | None, str | None]  # legal entity, currency, period

# Entities whose ids are those of documents; elsewhere the ERP uses the same numbers again.
_DOCUMENTS = (
    "invoice", "invoice_line", "invoice_tax_line", "credit_note", "credit_note_application",
    "payment", "payment_application", "refund", "dispute", "payout", "posting", "posting_line",
    "journal_entry", "usage",
)  # fmt: skip


@dataclass(frozen=True)
class Balance:
    """A tie-out over a model of entries: `left` and `right` are values of its column `side`."""

    code: str
    model: str
    control: str
    left: str
    right: str
    noun: str


BALANCES = (
    Balance("TO-AR", "control_account_entries", "receivable", "documents", "ledger", "receivables"),
    Balance("TO-AR", "open_receivable_entries", "open_receivable", "billing", "ledger", "open"),
    Balance("TO-TAX", "control_account_entries", "tax_payable", "documents", "ledger", "payable"),
    Balance(
        "TO-DEF", "deferred_revenue_entries", "revenue_deferred", "plans", "ledger", "deferred"
    ),
    Balance(
        "TO-MRR", "recurring_revenue_entries", "recurring_revenue", "movements", "billing", "MRR"
    ),
    Balance("TO-UNB", "unbilled_usage_entries", "unbilled_usage", "metered", "billing", "unbilled"),
    Balance(
        "TO-PSP", "processor_balance_entries", "payment_clearing", "processor", "ledger", "clearing"
    ),
)

# Of a document, and yet they move no amount.
_MOVE_NOTHING = ("INV-DATE-01", "INV-SCHD-01", "JE-PER-01", "TAX-CODE-01")
# Tells why an entity has a document too few or too many, and of a document no amount.
_OTHER_BOOKS = "JE-ENT-01"

# By month: what moved on each side by kind, and what became of the objects that moved. A finding
# explains a gap up to its own impact; all of it where a side lacks a document or has one too many.
# All entries are gone through to find the gaps, few to find what explains them.
_MOVED = """
    with moved as (
        select object_key, legal_entity, currency, period, side, movement,
            sum(amount_minor) as amount_minor
        from balance.{model} where control = '{control}' and amount_minor <> 0 group by all
    ),
    gaps as (
        select object_key, legal_entity, currency,
            sum(case when side = '{left}' then amount_minor else -amount_minor end) as gap_minor
        from moved group by all having gap_minor <> 0
    ),
    entries as (
        select * from balance.{model}
        where control = '{control}' and object_key in (select object_key from gaps)
    ),
    named as (
        select object_key, min(label) as label, sum(impact_minor) as named_minor
        from (
            select distinct entries.object_key, findings.exception_key, label, impact_minor
            from entries inner join told_documents as findings using (document_id)
        ) as findings group by all
    ),
    documents as (
        select object_key, legal_entity, currency, max(excluded_reason) as reason,
            count(distinct document_id) filter (side = '{left}' and movement <> 'settled_with')
            <> count(distinct document_id) filter (side = '{right}' and movement <> 'settled_with')
                as is_document_apart
        from entries group by all
    ),
    apart as (
        select gaps.*, case
            when reason is not null then reason
            when is_document_apart or abs(gap_minor) <= named_minor + {rounding}
                then coalesce(named.label, '{unexplained}')
            when abs(gap_minor) <= {rounding} then '{tolerated}'
            else '{unexplained}' end as told
        from gaps
        inner join documents on gaps.object_key = documents.object_key
            and gaps.legal_entity is not distinct from documents.legal_entity
            and gaps.currency is not distinct from documents.currency
        left join named on gaps.object_key = named.object_key
    )
    select moved.legal_entity, moved.currency, period, side, movement,
        coalesce(apart.told, 'matched'), count(*), sum(amount_minor)::bigint
    from moved
    left join apart on moved.object_key = apart.object_key
        and moved.legal_entity is not distinct from apart.legal_entity
        and moved.currency is not distinct from apart.currency
    group by all order by all
"""


@dataclass
class _Month:
    """What moved in one month, by side; and since the beginning, what is still apart and why."""

    rows: dict[str, int] = field(default_factory=dict)
    movements: dict[tuple[str, str], int] = field(default_factory=dict)
    gaps: dict[str, int] = field(default_factory=dict)
    unexplained: int = 0  # entries; their money could cancel out


def balance_lines(
    con: duckdb.DuckDBPyConnection,
    findings: Findings,
    exponents: Mapping[str, int],
    balances: Sequence[Balance] = BALANCES,
) -> Iterator[Line]:
    """A line per balance, entity, currency and month; amounts are the closing balances."""
    con.register("told_documents", _told_documents(findings.drift))
    try:
        for balance in balances:
            yield from _lines(con, balance, exponents)
    finally:
        con.unregister("told_documents")


def _told_documents(drift: pl.DataFrame) -> pl.DataFrame:
    """Each document that a finding names, with what it says; of a line of it, the document."""
    code = pl.col("code")
    named = drift.filter(pl.col("entity").is_in(_DOCUMENTS), code.is_in(_MOVE_NOTHING).not_())
    parts = pl.col("document_id").str.replace(r"^(\d+)-.*$", "$1").str.split("/")
    return (
        named.select(
            "exception_key",
            pl.concat_str("disposition", "code", separator=" ").alias("label"),
            pl.when(code == _OTHER_BOOKS)
            .then(0)
            .otherwise(pl.col("impact_minor").abs())
            .alias("impact_minor"),
            pl.concat_list("owner_id", "replica_id").alias("document_id"),
        )
        .explode("document_id")
        .drop_nulls()
        .with_columns(parts)
        .explode("document_id")
        .unique()
    )


def _lines(
    con: duckdb.DuckDBPyConnection, balance: Balance, exponents: Mapping[str, int]
) -> Iterator[Line]:
    months = _months(con, balance)
    for owner in sorted({key[:2] for key in months}, key=str):
        open_: dict[str, int] = {}
        closing = {balance.left: 0, balance.right: 0}
        unexplained = 0
        for key in sorted((key for key in months if key[:2] == owner), key=str):
            month = months[key]
            opening = dict(closing)
            for (side, _), minor in month.movements.items():
                closing[side] += minor
            for told, minor in month.gaps.items():
                open_[told] = open_.get(told, 0) + minor
            unexplained += month.unexplained
            ends = opening[balance.left], closing[balance.left]
            written = partial(amount, currency=key[1] or "", exponents=exponents)
            detail = _detail(balance, month, ends, open_, written)
            line = _line(balance, key, month, closing, open_.get(UNEXPLAINED, 0))
            yield line | {
                "unexplained_rows": unexplained,
                "holds": unexplained == 0,
                "detail": detail,
            }


def _months(con: duckdb.DuckDBPyConnection, balance: Balance) -> dict[_Key, _Month]:
    query = _MOVED.format(
        **vars(balance), rounding=ROUNDING_MINOR, tolerated=TOLERATED, unexplained=UNEXPLAINED
    )
    months: dict[_Key, _Month] = {}
    for entity, currency, period, side, movement, told, rows, minor in con.sql(query).fetchall():
        month = months.setdefault((entity, currency, period), _Month())
        month.rows[side] = month.rows.get(side, 0) + rows
        kind = (side, movement)
        month.movements[kind] = month.movements.get(kind, 0) + minor
        signed = minor if side == balance.left else -minor
        month.gaps[told] = month.gaps.get(told, 0) + signed
        month.unexplained += rows if told == UNEXPLAINED else 0
    return months


def _line(
    balance: Balance,
    key: _Key,
    month: _Month,
    closing: Mapping[str, int],
    unexplained_minor: int,
) -> dict[str, Any]:
    entity, currency, period = key
    gap = closing[balance.left] - closing[balance.right]
    return {
        "code": balance.code,
        "scope": " ".join(filter(None, (entity, balance.noun))),
        "currency": currency,
        "period": period,
        "left_label": balance.left,
        "left_rows": month.rows.get(balance.left, 0),
        "left_minor": closing[balance.left],
        "right_label": balance.right,
        "right_rows": month.rows.get(balance.right, 0),
        "right_minor": closing[balance.right],
        "matched_minor": closing[balance.right],
        "explained_minor": gap - unexplained_minor,
        "unexplained_minor": unexplained_minor,
    }


def _detail(
    balance: Balance,
    month: _Month,
    ends: tuple[int, int],
    open_: Mapping[str, int],
    written: Callable[[int], str],
) -> str:
    """'opening 5.00 EUR + invoice 2.00 EUR = 7.00 EUR; exception JE-MISS-01 2.00 EUR'."""
    moved = [
        f"{'+' if minor >= 0 else '-'} {movement} {written(abs(minor))}"
        for (side, movement), minor in sorted(month.movements.items())
        if side == balance.left
    ]
    apart = [
        f"{'in another month' if told == 'matched' else told} {written(minor)}"
        for told, minor in sorted(open_.items())
        if minor
    ]
    opening, closing = map(written, ends)
    return "; ".join([" ".join([f"opening {opening}", *moved, f"= {closing}"]), *apart])
