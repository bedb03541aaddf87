"""Figures that dbt counts from canonical data, put into one currency and summed. Pure."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from reconcilers.backlog import gross
from reconcilers.kpis.figures import Figure, summed, where_rated
from reconcilers.kpis.sources import Sources

# Exceptions that make a receivable look open, or open at another time, than it is.
FALSE_RECEIVABLES = ("INV-DATE-", "INV-STAT-", "PAY-APPL-", "PAY-OOB-", "CRN-APPL-")
DAYS_SOLD = 90
# code: frame, numerator, denominator; amounts of an entity in a currency
IN_MONEY = {
    "lineage_coverage": ("lineage", "key_minor", "posted_minor"),
    "lineage_inferred": ("lineage", "inferred_minor", "posted_minor"),
    "lineage_self_serve": ("lineage", "self_serve_minor", "posted_minor"),
    "coverage_money": ("coverage", "tied_minor", "moved_minor"),
    "dso": ("receivables", "open_days_minor", "sold_minor"),
}
Row = Mapping[str, Any]


def ledgers(sources: Sources) -> Iterator[Figure]:
    """Lineage, receivables, disputes, latencies and events of the night."""
    entity = {"entity": lambda row: row["legal_entity"]}
    for code, (frame, top, bottom) in IN_MONEY.items():
        figures = summed(
            code,
            _rows(sources, frame),
            entity,
            _worth(sources, top),
            _worth(sources, bottom),
            currency=sources.policy.reporting_currency,
        )
        yield from where_rated(code, figures)
    yield from where_rated("dso_impact", _made_by_exceptions(sources))
    yield from summed(
        "card_dispute_rate",
        _rows(sources, "disputes"),
        entity,
        lambda row: int(row["disputed_count"]),
        lambda row: int(row["payment_count"]),
    )
    for row in _rows(sources, "latencies"):
        yield Figure(row["code"], row["dimension"], row["member"], row["value"])
    yield from _events(sources)


def _rows(sources: Sources, frame: str) -> list[Row]:
    return list(sources.frames[frame].iter_rows(named=True))


def _worth(sources: Sources, column: str) -> Callable[[Row], int]:
    return lambda row: sources.rates.reporting_minor(row[column], row["currency"])


def _made_by_exceptions(sources: Sources) -> Iterator[Figure]:
    """Entity by entity: (entity, false receivables times days, sold)."""
    sold = _worth(sources, "sold_minor")
    parts = [(row["legal_entity"], 0, sold(row)) for row in _rows(sources, "receivables")]
    parts += [
        (view.legal_entity or "unknown", gross(view) * DAYS_SOLD, 0)
        for view in sources.now.values()
        if view.resolved_on is None
        and not view.explained_by
        and view.code.startswith(FALSE_RECEIVABLES)
    ]
    yield from summed(
        "dso_impact",
        parts,
        {"entity": lambda part: part[0]},
        lambda part: part[1],
        lambda part: part[2],
        currency=sources.policy.reporting_currency,
    )


def _events(sources: Sources) -> Iterator[Figure]:
    rows = _rows(sources, "events")
    hours = max((int(row["hours"]) for row in rows), default=0)
    total = sum(int(row["event_count"]) for row in rows)
    yield Figure("event_throughput", "total", "", total, hours)
    for row in rows:
        if row["event_count"]:
            yield Figure("event_throughput", "event", row["event_type"], row["event_count"], hours)
