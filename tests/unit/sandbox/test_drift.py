"""Planted drift: exactly the rows of the truth file disagree, for every code, alone or together."""

from collections import Counter
from random import Random

import pytest

from extractors.sandbox.drift import PLANTERS, Truth, plant, truth
from extractors.sandbox.drift.ground import Ground
from extractors.sandbox.store import Store
from extractors.sandbox.world import advance_world
from tests.unit.sandbox.disagreements import Row, disagreements

CONTROLS = {"CTL-CNT-01": 7, "CTL-STALE-01": 6, "PRD-MAP-01": 9, "PRD-GL-01": 9, "REV-MOD-01": 9}
MANY = ("INV-MISS-01", "INV-MISS-02", "INV-DUP-01", "INV-AMT-01", "INV-STAT-01", "PAY-MISS-01",
        "CUS-ATTR-01")  # fmt: skip
VARIANTS = {
    "CTL-CNT-01": 1, "CTL-STALE-01": 1, "CTL-XREF-01": 3, "CUS-MISS-01": 3, "CUS-MISS-02": 2,
    "CUS-ATTR-01": 9, "CUS-DUP-01": 3, "CUS-LINK-01": 6, "CON-MISS-01": 2, "CON-AMT-01": 2,
    "SUB-STAT-01": 4, "SUB-QTY-01": 2, "INV-MISS-01": 2, "INV-MISS-02": 2, "INV-DUP-01": 2,
    "INV-AMT-01": 3, "INV-LINE-01": 6, "INV-DATE-01": 6, "INV-STAT-01": 3, "INV-SCHD-01": 3,
    "PAY-MISS-01": 2, "CRN-MISS-01": 5, "CRN-AMT-01": 4, "CRN-APPL-01": 3, "TAX-AMT-01": 4,
    "CON-MISS-02": 3, "SUB-DUP-01": 3, "CON-TERM-01": 8, "PRD-MAP-01": 5, "PRD-GL-01": 3,
    "PRD-PRC-01": 3, "PRD-BAS-01": 3, "TAX-CODE-01": 3, "PAY-DUP-01": 3, "PAY-AMT-01": 3,
    "RFD-MISS-01": 3, "RFD-DUP-01": 3, "DSP-LIFE-01": 4, "PAY-APPL-01": 4, "PYT-COMP-01": 2,
    "PYT-DEP-01": 7, "REV-SCH-01": 3, "REV-AMT-01": 2, "REV-PER-01": 2, "REV-STOP-01": 2,
    "REV-MOD-01": 3,
    "JE-MISS-01": 4, "JE-DUP-01": 3, "JE-PER-01": 4, "JE-ACC-01": 3, "JE-ENT-01": 4, "JE-BAL-01": 2,
    "CON-AMD-01": 4, "CON-AMD-02": 4, "CON-DISC-01": 4, "CON-REN-01": 6, "CON-RAMP-01": 6,
    "USG-QTY-01": 3, "USG-RATE-01": 2, "REV-FX-01": 3, "REV-ROLL-01": 3, "JE-EDIT-01": 5, "JE-CLS-01": 2, "MRR-ROLL-01": 3, "MRR-XSYS-01": 4, "CTL-CORR-01": 3,
    "CON-COT-01": 3, "HIE-PAR-01": 3, "HIE-BILL-01": 2, "CUS-STAT-01": 2,
    "PAY-OOB-01": 4, "PAY-RET-01": 3, "PYT-CLR-01": 3, "PYT-BANK-01": 5,
}  # fmt: skip


def expected(store) -> set[Row]:
    return {
        Row(row["code"], row["attribute"], row["owner_id"], row["replica_id"])
        for row in truth(store)
    }


@pytest.mark.slow
@pytest.mark.parametrize("code", PLANTERS)
def test_exactly_what_was_planted_disagrees(world, code):
    store = world(1)
    rows = plant(store, code, min(12, CONTROLS.get(code, 12)), seed=5)
    assert disagreements(store) == expected(store)
    planted = [row for row in rows if row.planted]
    assert len(planted) == min(12, CONTROLS.get(code, 12))
    assert {row.code for row in planted} == {code}
    assert len({row.variant for row in planted}) == VARIANTS[code]


@pytest.mark.slow
@pytest.mark.parametrize("code", PLANTERS)
def test_the_default_company_has_room_for_many(world, code):
    store = world(1, 300)
    count = CONTROLS.get(code, 40 if code in MANY else 20)
    plant(store, code, count, seed=6)
    assert disagreements(store) == expected(store)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_all_codes_together_do_not_interfere(world, seed):
    store = world(seed, 300)
    codes = list(PLANTERS)
    Random(seed).shuffle(codes)
    for number, code in enumerate(codes):
        plant(store, code, 3, seed=seed * 1000 + number)
    assert disagreements(store) == expected(store)


@pytest.mark.slow
def test_drift_can_be_planted_on_a_living_world(world):
    store = world(2)
    advance_world(store, 6)
    # of a field with two writers nobody tells any more once a week has passed
    for code in PLANTERS:
        if code != "CTL-CORR-01":
            plant(store, code, 3, seed=9)
    assert disagreements(store) == expected(store)
    for _ in range(5):
        advance_world(store, 1)
        assert disagreements(store) == expected(store)
    plant(store, "INV-MISS-01", 3, seed=10)
    plant(store, "SUB-STAT-01", 3, seed=10)
    assert disagreements(store) == expected(store)


def test_planting_again_takes_other_subjects(world):
    store = world(1)
    first = plant(store, "INV-AMT-01", 10, seed=1)
    second = plant(store, "INV-AMT-01", 10, seed=1)
    assert {row.owner_id for row in first}.isdisjoint(row.owner_id for row in second)
    assert disagreements(store) == expected(store)


def test_the_same_seed_plants_the_same(world):
    plants = [plant(world(1), "CUS-ATTR-01", 9, seed=2) for _ in range(2)]
    assert plants[0] == plants[1]
    assert plant(world(1), "CUS-ATTR-01", 9, seed=3) != plants[0]


def test_more_than_is_eligible_is_refused_and_nothing_is_planted(world):
    store = world(1)
    before = _bookkeeping(store)
    with pytest.raises(ValueError, match=r"only \d+ eligible"):
        plant(store, "SUB-STAT-01", 100_000, seed=1)
    assert _bookkeeping(store) == before
    assert truth(store) == []
    assert disagreements(store) == set()


def _bookkeeping(store):
    return [store.meta(key) for key in ("drift_claims", "frozen", "drift_truth", "clock", "faults")]


@pytest.mark.parametrize(("code", "count"), [("NOPE-01", 1), ("INV-AMT-01", 0)])
def test_nonsense_is_refused(world, code, count):
    with pytest.raises(ValueError, match=code):
        plant(world(1), code, count, seed=1)


def test_planting_needs_a_world(tmp_path):
    store = Store(tmp_path / "empty.db")
    with pytest.raises(ValueError, match="no world"):
        plant(store, "INV-AMT-01", 1, seed=1)
    store.close()


def test_a_missing_erp_customer_brings_its_documents_along(world):
    store = world(1)
    rows = plant(store, "CUS-MISS-02", 2, seed=8)
    (first, second) = (row.owner_id for row in rows if row.planted)
    followers = Counter((row.code, row.caused_by) for row in rows if not row.planted)
    for customer in (first, second):
        assert followers["INV-MISS-01", customer] > 0
        charges = store.rows("stripe", "charge", customer=customer, status="succeeded")
        assert followers["PAY-MISS-01", customer] == len(charges)


def test_a_missing_payment_leaves_its_invoice_open(world):
    rows = plant(world(1), "PAY-MISS-01", 3, seed=8)
    followers = [row for row in rows if not row.planted]
    assert {row.code for row in followers} == {"INV-STAT-01"}
    assert {row.caused_by for row in followers} == {r.owner_id for r in rows if r.planted}


@pytest.mark.slow
def test_of_changes_within_a_period_those_that_the_plans_follow_are_right(world):
    store = world(1)
    rows = plant(store, "REV-MOD-01", 3, seed=8)
    changes = store.rows("stripe", "invoice", billing_reason="subscription_update")
    told = {row.owner_id for row in rows if row.planted}
    assert told < {invoice["id"] for invoice in changes}
    followers = Counter((row.code, row.variant) for row in rows if not row.planted)
    assert followers == {
        ("REV-SCH-01", "credit_not_planned"): 1,
        ("REV-SCH-01", "nothing_planned"): 2,
    }


@pytest.mark.slow
def test_planters_leave_the_ledger_balanced(world):
    store = world(3)
    for code in PLANTERS:
        if code not in {"JE-BAL-01", *CONTROLS}:
            plant(store, code, 3, seed=4)
    assert not [row for row in disagreements(store) if row.code == "JE-BAL-01"]


def test_control_faults_hit_only_objects_that_no_rule_reads(world):
    store = world(1)
    plant(store, "CTL-CNT-01", 5, seed=1)
    plant(store, "CTL-STALE-01", 4, seed=1)
    with pytest.raises(ValueError, match="only 0 eligible"):
        plant(store, "CTL-STALE-01", 1, seed=1)
    faults = store.meta("faults")
    assert len(faults["drop"]) == 5
    assert len(faults["stale"]) == 4
    assert faults["drop"].keys().isdisjoint(faults["stale"])
    assert all(6 < hours < 26 for hours in faults["stale"].values())
    for where, hidden in faults["drop"].items():
        system, _, kind = where.partition(".")
        assert store.get(system, kind, hidden[0]) is not None


def test_truth_rows_are_plain_values(world):
    store = world(1)
    (row,) = plant(store, "INV-MISS-02", 1, seed=1)
    assert isinstance(row, Truth)
    assert truth(store) == [
        {
            "code": "INV-MISS-02",
            "attribute": "",
            "owner_system": "netsuite",
            "owner_id": row.owner_id,
            "replica_system": None,
            "replica_id": None,
            "variant": "dangling_id",
            "planted": True,
            "caused_by": None,
        }
    ]


def test_candidates_are_taken_in_turn_and_never_twice(world):
    ground = Ground(world(1), "X", 1)
    chosen = ground.choose(4, {"a": ["1", "2", "3"], "b": ["3", "4"]}, str)
    assert sorted(key for _, key in chosen) == ["1", "2", "3", "4"]
    with pytest.raises(ValueError, match="only 4 eligible"):
        ground.choose(5, {"a": ["1", "2", "3"], "b": ["3", "4"]}, str)
