"""Why a record stands where it stands, and what a held night leaves alone."""

import json
from datetime import date, timedelta

import pytest

from reconcilers.identity import resolve
from reconcilers.identity.model import load_model
from reconcilers.identity.scorer import SplinkScorer
from tests.comparison_tables import DAY
from tests.identity_records import NO_HISTORY, account, billed, identities, ledgered, remembered
from tests.unit.reconcilers.test_identity import ON_SITE, TAX, Guess, Night, history

SPLINK = SplinkScorer(load_model())
ALIKE = [
    account("A1", legal_name="Nordwind Logistik GmbH", website="nordwind.de", country_code="DE"),
    billed("B1", legal_name="Nordwind Logistic", email="ap@nordwind.de", country_code="DE"),
]


def evidence(night, source_id):
    return json.loads(night.of(source_id)["evidence"])


def test_a_link_of_equal_values_names_the_keys_that_match_and_not_their_values():
    night = Night(account("A1", **TAX, postal_code="10115"), billed("B1", **TAX))
    assert evidence(night, "B1") == {
        "linked_to": "salesforce A1",
        "rule": "R2 tax id and country",
        "keys": ["tax id", "country"],
        "first_seen": "2026-06-30",
        "last_seen": "2026-06-30",
    }
    assert "DE811" not in night.of("B1")["evidence"]


def test_a_reference_is_a_key_beside_what_bears_it_out():
    night = Night(account("A1", **TAX), billed("B1", **TAX, xref_crm_id="A1"))
    told = evidence(night, "A1")
    assert (told["rule"], told["keys"]) == (
        "R1 explicit cross-reference",
        ["reference", "tax id", "country"],
    )


def test_a_record_that_stands_alone_has_no_evidence():
    assert Night(account("A1")).of("A1")["evidence"] is None


@pytest.mark.parametrize("before", [NO_HISTORY, history(A1="cus_x", B1="cus_x")])
@pytest.mark.parametrize("named", [{}, {"xref_crm_id": "A1", "country_code": None}])
def test_the_weights_of_a_scored_link_add_up_to_its_bits(before, named):
    rows = [ALIKE[0], ALIKE[1] | named]
    told = evidence(Night(*rows, scorer=SPLINK, registry=before), "B1")
    weights = told["weights"]
    parts = [weights[name] for name in ("prior", "reference", "joined before")]
    levels = [part["bits"] for part in weights.values() if isinstance(part, dict)]
    assert sum(parts) + sum(levels) == pytest.approx(told["bits"], abs=0.01)
    assert weights["site"]["level"] == "same"
    assert bool(weights["reference"]) is bool(named)
    assert bool(weights["joined before"]) is (before is not NO_HISTORY)
    assert 0.7 < told["probability"] < 1


def test_the_evidence_has_the_day_of_a_decision_and_only_the_crosswalk_the_steward(tmp_path):
    night = Night(
        account("A1"), account("A2"), path=tmp_path / "overrides.csv",
        overrides=["link,salesforce,A2,salesforce,A1,merged in May,kim,2026-05-02,"],
    )  # fmt: skip
    assert evidence(night, "A1")["override"] == {"decided_on": "2026-05-02"}
    assert night.of("A1")["decided_by"] == "kim"
    assert "kim" not in night.of("A1")["evidence"]


def test_the_crosswalk_is_the_same_however_many_records_are_written_at_a_time(monkeypatch):
    rows = [account("A1", **TAX), account("A2"), *(billed(f"B{n}", **TAX) for n in range(4))]
    whole = Night(*rows).con.sql("from identity.crosswalk").fetchall()
    monkeypatch.setattr("reconcilers.identity.tables._AT_ONCE", 2)
    assert Night(*rows).con.sql("from identity.crosswalk").fetchall() == whole
    assert len(whole) == len(rows)


def test_a_link_is_as_old_as_the_record_has_been_with_its_customer():
    rows = [account("A1", **TAX), billed("B1", **TAX), billed("B2", **TAX)]
    night = Night(*rows, registry=history(A1="cus_x", B1="cus_x", B2="cus_y"))
    assert [evidence(night, key)["first_seen"] for key in ("A1", "B1", "B2")] == [
        "2026-02-01", "2026-02-01", "2026-06-30",
    ]  # fmt: skip


def test_a_question_shows_what_speaks_for_it():
    rows = [account("A1", **ON_SITE), billed("B1", **ON_SITE)]
    night = Night(*rows, scorer=Guess(A1_B1=0.6))
    ((told,),) = night.con.sql("select evidence from identity.review_queue").fetchall()
    assert json.loads(told)["keys"] == ["domain", "country"]
    assert json.loads(told)["weights"]["country"] == {"level": "same", "bits": 1.297}


def tables(con):
    names = ("crosswalk", "customer_groups", "review_queue")
    return [con.sql(f"from identity.{name} order by all").fetchall() for name in names]


def test_a_held_night_leaves_what_was_accepted_and_tells_what_it_would_have_moved():
    con = identities([account("A1", **TAX), billed("B1", **TAX), ledgered("E1", xref_crm_id="A1")])
    first = resolve(con, "none.csv", NO_HISTORY, DAY, scorer=Guess())
    accepted = tables(con)
    con.execute(
        "update identity.identity_records set tax_id = 'DE9' where source_id = 'B1';"
        "update raw.build set snapshot_date = snapshot_date + 1"
    )
    registry, day = remembered(NO_HISTORY, first), DAY + timedelta(days=1)
    night = resolve(con, "none.csv", registry, day, scorer=Guess(), holds=lambda _: True)
    assert night.is_held
    assert night.summary.changed_records == 1
    assert tables(con) == accepted
    ((system, source_id, before, proposed, seen),) = con.sql(
        "select system, source_id, canonical_customer_id, proposed_customer_id, snapshot_date "
        "from identity.held_changes"
    ).fetchall()
    assert (system, source_id, seen) == ("stripe", "B1", date(2026, 7, 1))
    assert before != proposed

    released = resolve(con, "none.csv", registry, day, scorer=Guess())
    assert not released.is_held
    assert tables(con) != accepted
    assert con.sql("from identity.held_changes").fetchall() == []


def unused(night):
    return night.con.sql(
        "select reason, what, value, uses, most, example_id from identity.unused_evidence"
    ).fetchall()


def test_values_of_too_many_names_are_listed_with_how_many_and_an_example():
    rows = [billed(f"B{n}", **TAX, legal_name=f"name{n}") for n in range(5)]
    assert unused(Night(*rows)) == [("too many names", "tax id", "811", 5, 4, "B0")]


def test_blocking_keys_of_too_many_records_are_listed_as_they_read():
    rows = [billed(f"B{n:02}", legal_name="Acme GmbH", country_code="DE") for n in range(51)]
    told = unused(Night(*rows))
    assert ("too many records", "name", "acme", 51, 50, "B00") in told
    assert {row[0] for row in told} == {"too many records"}


def test_references_to_nobody_are_listed_by_whom_they_name():
    night = Night(billed("B1", xref_crm_id="gone"), billed("B2", xref_crm_id="gone"))
    assert unused(night) == [("names nobody", "crm reference", "gone", 2, None, "B1")]


def test_parents_in_a_ring_and_two_parents_are_listed_by_customer():
    night = Night(
        account("A1", parent_id="A2"), account("A2", parent_id="A1"),
        account("A3", xref_erp_id="E3", parent_id="A1"),
        ledgered("E3", parent_id="E4"), ledgered("E4"),
    )  # fmt: skip
    assert unused(night) == [
        ("ring of parents", "parent", night.id_of("A1"), 3, None, "A1"),
        ("two parents", "parent", night.id_of("A3"), None, 1, "A3"),
    ]
