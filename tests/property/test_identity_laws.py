"""Laws of the crosswalk: whatever the records say, in whatever order."""

import random

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcilers.identity import resolve
from tests.comparison_tables import DAY
from tests.identity_records import NO_HISTORY, account, billed, identities, ledgered

CRM, BILLING, ERP = (tuple(f"{letter}{n}" for n in range(4)) for letter in "ABE")


def maybe(values):
    return st.none() | st.sampled_from(values)


@st.composite
def records(draw):
    """A few records of each system with colliding tax ids, names, domains and references."""
    makers = {CRM: account, BILLING: billed, ERP: ledgered}
    rows = []
    for ids, make in makers.items():
        for source_id in draw(st.sets(st.sampled_from(ids))):
            values = {
                "tax_id": draw(maybe(("T1", "T2"))),
                "country_code": draw(maybe(("DE", "US"))),
                "domain": draw(maybe(("a.com",))),
                "name_key": draw(maybe(("acme", "umbrella"))),
                "xref_crm_id": draw(maybe(CRM)) if make is not account else None,
                "xref_billing_id": draw(maybe(BILLING)) if make is not billed else None,
                "xref_erp_id": draw(maybe(ERP)) if make is not ledgered else None,
                "is_active": draw(st.booleans()),
            }
            rows.append(make(source_id, **values))
    return rows


def night(rows, registry=NO_HISTORY):
    con = identities(rows)
    result = resolve(con, "none.csv", registry, DAY)
    return con.sql("from identity.crosswalk order by system, source_id").pl(), result


@given(rows=records(), seed=st.integers(0, 999))
@settings(max_examples=20, deadline=None)
def test_the_order_of_rows_does_not_matter(rows, seed):
    shuffled = random.Random(seed).sample(rows, len(rows))
    first, again = night(rows), night(shuffled)
    assert first[0].equals(again[0])
    assert first[1].summary == again[1].summary


@given(rows=records())
@settings(max_examples=20, deadline=None)
def test_every_record_belongs_to_one_customer_with_one_primary_of_each_role(rows):
    crosswalk, _ = night(rows)
    given = sorted((row["system"], row["source_id"]) for row in rows)
    assert crosswalk.select("system", "source_id").rows() == given
    roles = crosswalk.group_by("canonical_customer_id", "role").agg(pl.col("is_primary").sum())
    assert roles["is_primary"].to_list() == [1] * roles.height


@given(rows=records())
@settings(max_examples=20, deadline=None)
def test_a_second_night_over_the_same_records_changes_no_id(rows):
    first, result = night(rows)
    again, repeated = night(rows, result.new_assignments)
    assert first.equals(again)
    assert repeated.new_assignments.is_empty()
    assert repeated.summary.changed_records == 0


@given(before=records(), after=records())
@settings(max_examples=20, deadline=None)
def test_ids_stay_within_one_customer_and_a_replay_repeats_the_night(before, after):
    """Whatever changes, each id names one customer, and the registry of both nights gives the second again."""
    _, first = night(before)
    second, result = night(after, first.new_assignments)
    both = pl.concat([first.new_assignments, result.new_assignments])
    assert both.select("system", "source_id").is_unique().all()
    replayed, _ = night(after, both)
    assert second.equals(replayed)


@given(rows=records())
@settings(max_examples=20, deadline=None)
def test_two_accounts_are_one_customer_only_by_an_explicit_reference(rows):
    crosswalk, _ = night(rows)
    explicit = {"xref", "override"}
    for _, group in crosswalk.filter(pl.col("role") == "crm").group_by("canonical_customer_id"):
        if group.height > 1:
            assert set(group["method"]) <= explicit
