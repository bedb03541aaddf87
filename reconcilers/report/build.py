"""Gathers a night's report from the warehouse and the state store.

Reads only; what the numbers mean is in assemble.py, how they look in html.py and files.py.
"""

from dataclasses import replace
from datetime import date
from typing import Any, Protocol

import polars as pl

from reconcilers.corrections.policy import Policy, load_policy
from reconcilers.exceptions import exceptions_as_of, lives_as_of
from reconcilers.kpis.definitions import load_definitions
from reconcilers.report.assemble import Sources, assemble
from reconcilers.report.data import ReportData
from reconcilers.report.identity import IDENTITY_QUERY
from reconcilers.report.kpis import HISTORY_NIGHTS
from reconcilers.report.latency import LATENCY_QUERY, SLOWEST_QUERY
from reconcilers.report.process import HOPS_QUERY, STUCK_QUERY
from reconcilers.state.kpis import load_kpis
from reconcilers.state.store import State
from reconcilers.state.views import list_corrections, list_nights

QUERIES = {
    "drift": "select * from reconciliation.drift",
    "deltas": "select * from reconciliation.deltas",
    "dispositions": "select * from reconciliation.dispositions",
    "tieouts": "select * from reconciliation.tieouts",
    "snapshots": "select * from raw.snapshots order by system, object",
    "currencies": "select currency, exponent from seeds.currencies",
    "hops": HOPS_QUERY,
    "stuck": STUCK_QUERY,
    "identity": IDENTITY_QUERY,
    "latencies": LATENCY_QUERY,
    "slowest": SLOWEST_QUERY,
}


class Relation(Protocol):
    """What the warehouse answers."""

    def pl(self) -> pl.DataFrame: ...


class Warehouse(Protocol):
    """An open DuckDB connection, as far as a report needs one."""

    def sql(self, query: str) -> Any: ...


def build_report_data(
    con: Warehouse,
    state: State,
    snapshot_date: date,
    *,
    policy: Policy | None = None,
    review_url: str = "",
) -> ReportData:
    """The report of a recorded night from the warehouse that is built for it.

    Exceptions stand as of that night, corrections as they are now; names,
    e-mail addresses and tax ids are shown only in part. Raises LookupError when the night
    was not recorded.
    """
    nights = [night for night in list_nights(state) if night.snapshot_date <= snapshot_date]
    if not nights or nights[-1].snapshot_date != snapshot_date:
        raise LookupError(f"the night of {snapshot_date} was not recorded; run it first")
    frames = {name: con.sql(query).pl() for name, query in QUERIES.items()}
    sources = Sources(
        nights=tuple(nights),
        open_before=_open_after(state, nights[-2].snapshot_date) if nights[1:] else (),
        exceptions=tuple(exceptions_as_of(state, snapshot_date)),
        corrections=tuple(
            view for view in list_corrections(state) if view.snapshot_date <= snapshot_date
        ),
        policy=policy or load_policy(),
        kpis=load_kpis(state, snapshot_date, HISTORY_NIGHTS),
        kpi_definitions=load_definitions(),
        **frames,
    )
    return replace(assemble(sources), review_url=review_url)


def _open_after(state: State, night: date) -> frozenset[str]:
    """The keys of the exceptions that were open after a night."""
    return frozenset(key for key, life in lives_as_of(state, night).items() if life.is_open)
