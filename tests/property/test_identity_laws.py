"""Laws of the crosswalk: whatever the records say, in whatever order."""

import random

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcilers.identity import resolve
from tests.comparison_tables import DAY
from tests.effort import examples
from tests.identity_records import NO_HISTORY, account, billed, identities, ledgered, remembered

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
                "website": draw(maybe(("a.com",))),
                "legal_name": draw(maybe(("acme", "umbrella"))),
                "xref_crm_id": draw(maybe(CRM)) if make is not account else None,
                "xref_billing_id": draw(maybe(BILLING)) if make is not billed else None,
                "xref_erp_id": draw(maybe(ERP)) if make is not ledgered else None,
                "is_active": draw(st.booleans()),
            }
            rows.append(make(source_id, **values))
    return rows


class Alike:
    """A scorer for tiny worlds: who shares a name is probably one, more so in one country."""

    def score(self, work, pairs, out):
        work.run(
            f"create or replace table {out} as select a, b, "
            "case when l.core = r.core then case when l.country = r.country then 6.0 else 1.0 end "
            "else -9.0 end::double as bits, case when l.core = r.core then 0.9 else 0.01 end::double as p "
            f"from {pairs} join identity_node as l on a = l.node join identity_node as r on b = r.node"
        )


def night(rows, registry=NO_HISTORY, day=DAY):
    con = identities(rows, day)
    result = resolve(con, "none.csv", registry, day, scorer=Alike())
    return con.sql("from identity.crosswalk order by system, source_id").pl(), result


LAW = settings(max_examples=examples(14), deadline=None)


@given(rows=records(), seed=st.integers(0, 999))
@LAW
def test_the_order_of_rows_does_not_matter(rows, seed):
    shuffled = random.Random(seed).sample(rows, len(rows))
    first, again = night(rows), night(shuffled)
    assert first[0].equals(again[0])
    assert first[1].summary == again[1].summary


@given(rows=records())
@LAW
def test_every_record_belongs_to_one_customer_with_one_primary_of_each_role(rows):
    crosswalk, _ = night(rows)
    given = sorted((row["system"], row["source_id"]) for row in rows)
    assert crosswalk.select("system", "source_id").rows() == given
    roles = crosswalk.group_by("canonical_customer_id", "role").agg(pl.col("is_primary").sum())
    assert roles["is_primary"].to_list() == [1] * roles.height


@given(rows=records())
@LAW
def test_a_second_night_over_the_same_records_changes_no_id(rows):
    first, result = night(rows)
    again, repeated = night(rows, remembered(NO_HISTORY, result))
    same = ["system", "source_id", "canonical_customer_id"]
    assert first.select(same).equals(again.select(same))
    assert repeated.history.assignments.is_empty()
    assert repeated.history.aliases.is_empty()


@given(rows=records())
@LAW
def test_two_accounts_are_one_customer_only_by_a_reference_or_when_they_are_alike_in_all(rows):
    crosswalk, _ = night(rows)
    said = {(row["system"], row["source_id"]): row for row in rows}
    for _, group in crosswalk.filter(pl.col("role") == "crm").group_by("canonical_customer_id"):
        accounts = [said["salesforce", key] for key in group["source_id"]]
        names = {row["legal_name"] for row in accounts}
        assert group.height == 1 or set(group["method"]) <= {"xref"} or len(names) == 1
