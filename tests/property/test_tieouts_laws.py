"""Laws of the tie-outs: they hold for any complete comparison, and break when anything is taken away."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcilers.evaluate import evaluate
from reconcilers.tieouts import build_tieouts
from tests.comparison_tables import (
    DAY,
    add,
    billing_invoice,
    erp_invoice,
    invoice,
    rules_over,
    warehouse,
)
from tests.effort import examples

OVER = "cmp_invoice__billing_vs_erp"
RULES = rules_over(OVER)
LAWS = settings(max_examples=examples(12), deadline=None)
PERIODS = ("2026-05", "2026-06")


@st.composite
def rows(draw, least=0):
    """Invoices of two months and currencies; each of them agrees, differs, or stands on one side."""
    made = []
    for number in range(draw(st.integers(least, 7))):
        make = draw(st.sampled_from([invoice, billing_invoice, erp_invoice]))
        currency = draw(st.sampled_from(["USD", "JPY"]))
        row = make(f"k{number}", currency=currency)
        for role in ("billing", "erp"):
            if row[f"has_{role}"]:
                total = draw(st.sampled_from([10_000, 10_001, 9_000, 1]))
                row |= {
                    f"{role}_total_minor": total,
                    f"{role}_amount_minor": total,
                    f"{role}_currency": currency,
                    f"{role}_period": draw(st.sampled_from(PERIODS)),
                }
        made.append(row)
    return made


def tied(made, lost=None):
    """The tie-outs over these rows; of the row `lost` the comparison does not know, the sources do."""
    con = warehouse({OVER: [row for row in made if row is not lost]}, views=[OVER])
    con.execute(
        "create table raw.snapshots (system varchar, object varchar, source_count_before bigint, source_count bigint, landed_count bigint, quarantined_count bigint, source_sum_minor_before varchar, source_sum_minor varchar)"
    )
    for role in ("billing", "erp"):
        table = f"conformed.invoice__{role}"
        con.execute(
            f"create table {table} (source_id varchar, legal_entity varchar, currency varchar, period varchar, total_minor bigint)"
        )
        for row in made:
            if row[f"has_{role}"]:
                add(con, table, _document(row, role))
    return build_tieouts(con, evaluate(con, RULES, DAY), DAY, sums=(), balances=())


def _document(row, role):
    names = {
        "source_id": "id",
        "currency": "currency",
        "period": "period",
        "total_minor": "total_minor",
    }
    return {"legal_entity": "US"} | {name: row[f"{role}_{of}"] for name, of in names.items()}


@given(made=rows())
@LAWS
def test_a_complete_comparison_ties_out_whatever_drifts(made):
    frame = tied(made)
    assert frame["holds"].all()
    of_invoices = frame.filter(pl.col("code") == "TO-INV")
    gap = of_invoices["left_minor"] - of_invoices["right_minor"]
    assert gap.to_list() == of_invoices["explained_minor"].to_list()


@given(made=rows(least=1), data=st.data())
@LAWS
def test_a_row_that_is_lost_breaks_every_proof_it_belongs_to(made, data):
    lost = data.draw(st.sampled_from(made))
    frame = tied(made, lost)
    broken = frame.filter(~pl.col("holds"))
    sides = [role for role in ("billing", "erp") if lost[f"has_{role}"]]
    assert {f"{OVER}/{side}/records" for side in sides} <= set(broken["scope"])
    months = {lost[f"{side}_period"] for side in sides}
    assert months <= set(broken.filter(pl.col("code") == "TO-INV")["period"])
