"""Which exceptions only follow from another one: the cause graph.

A child keeps its row and names its parent. It is not counted as money at risk, alerts nobody and is
not corrected: once the parent is put right it is gone, or stands on its own the next night.
"""

from dataclasses import asdict, dataclass

import duckdb
import polars as pl

_LINKS = "comparison.cause_links"


@dataclass(frozen=True)
class Edge:
    """A class whose open exception explains one of another class, where their rows are linked.

    With `is_whole` only if the child's impact is the sum of its parents' in one currency: where
    something is left over, the child is a drift of its own. With `is_unsigned` parents say how much
    they moved and not in which direction.
    """

    parent: str
    child: str
    is_whole: bool = False
    is_unsigned: bool = False


EDGES = (
    Edge("CUS-MISS-01", "CON-MISS-02"),
    Edge("SUB-DUP-01", "SUB-QTY-01"),
    Edge("PRD-BAS-01", "CON-AMT-01", is_whole=True),
    Edge("CON-AMD-01", "CON-AMT-01"),
    Edge("CON-AMD-01", "SUB-QTY-01"),
    Edge("CON-AMD-02", "CON-AMT-01"),
    Edge("CON-AMD-02", "SUB-QTY-01"),
    Edge("CON-DISC-01", "CON-AMT-01", is_whole=True),
    Edge("CON-REN-01", "CON-AMT-01"),
    Edge("CON-REN-01", "SUB-QTY-01"),
    Edge("CON-RAMP-01", "CON-AMT-01"),
    Edge("CON-RAMP-01", "SUB-QTY-01"),
    Edge("REV-MOD-01", "REV-SCH-01"),
    Edge("REV-MOD-01", "REV-AMT-01"),
    Edge("REV-MOD-01", "REV-PER-01"),
    Edge("CUS-STAT-01", "CUS-LINK-01"),
    Edge("CUS-MISS-02", "INV-MISS-01"),
    Edge("CUS-MISS-02", "PAY-MISS-01"),
    Edge("CUS-MISS-02", "CRN-MISS-01"),
    Edge("PAY-MISS-01", "INV-STAT-01", is_whole=True),
    Edge("CRN-MISS-01", "INV-STAT-01", is_whole=True),
    Edge("CRN-AMT-01", "INV-STAT-01", is_whole=True),
    Edge("CRN-APPL-01", "INV-STAT-01", is_whole=True),
    Edge("CUS-MISS-02", "RFD-MISS-01"),
    Edge("PAY-AMT-01", "INV-STAT-01", is_whole=True),
    Edge("PAY-APPL-01", "INV-STAT-01", is_whole=True),
    Edge("PAY-OOB-01", "INV-STAT-01", is_whole=True),
    Edge("PAY-RET-01", "INV-STAT-01", is_whole=True),
    Edge("TAX-AMT-01", "INV-AMT-01", is_whole=True),
    Edge("JE-DUP-01", "DSP-LIFE-01"),
    Edge("TAX-CODE-01", "TAX-AMT-01"),
    Edge("JE-EDIT-01", "INV-AMT-01", is_whole=True, is_unsigned=True),
    Edge("JE-EDIT-01", "JE-ACC-01"),
    Edge("JE-EDIT-01", "JE-PER-01"),
    Edge("JE-EDIT-01", "JE-CLS-01"),
)

_LINKED = f"""
select
    parent.exception_key as explained_by,
    child.exception_key,
    parent.code as parent,
    child.code as child,
    parent.impact_minor as parent_minor,
    child.impact_minor as child_minor,
    parent.currency is not distinct from child.currency as is_same_currency
from {_LINKS} as links
inner join _drift as parent
    on links.parent_comparison = parent.comparison and links.parent_key = parent.row_key
inner join _drift as child
    on links.child_comparison = child.comparison and links.child_key = child.row_key
where parent.disposition = 'exception' and child.disposition = 'exception'
"""


def name_causes(con: duckdb.DuckDBPyConnection, drift: pl.DataFrame) -> pl.DataFrame:
    """The drift with `explained_by`: the exception key of the parent, null where there is none."""
    parents = pl.concat([_on_linked_rows(con, drift), _on_the_same_row(drift)])
    first = parents.group_by("exception_key").agg(pl.col("explained_by").min())
    return drift.drop("explained_by").join(first, on="exception_key", how="left")


def _on_linked_rows(con: duckdb.DuckDBPyConnection, drift: pl.DataFrame) -> pl.DataFrame:
    """What follows along the edges of the graph."""
    con.register("_drift", drift)
    try:
        linked = con.sql(_LINKED).pl()
    finally:
        con.unregister("_drift")
    edges = pl.DataFrame([asdict(edge) for edge in EDGES])
    child = pl.col("child_minor")
    wanted = pl.when("is_unsigned").then(child.abs()).otherwise(child)
    is_sum = pl.col("parent_minor").sum() == wanted
    adds_up = (pl.col("is_same_currency").all() & is_sum).over("exception_key", "parent")
    explained = linked.join(edges, on=["parent", "child"]).filter(~pl.col("is_whole") | adds_up)
    return explained.select("exception_key", "explained_by")


def _on_the_same_row(drift: pl.DataFrame) -> pl.DataFrame:
    """What follows from another attribute of its row; its cause names it: `follows_<attribute>`."""
    row = ["comparison", "row_key", "code", "cause"]
    exceptions = drift.filter(pl.col("disposition") == "exception")
    parents = exceptions.with_columns(
        cause=pl.concat_str(pl.lit("follows_"), "attribute"), explained_by="exception_key"
    )
    children = exceptions.drop("explained_by").join(parents.select(*row, "explained_by"), on=row)
    return children.select("exception_key", "explained_by")
