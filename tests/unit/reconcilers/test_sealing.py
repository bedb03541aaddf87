"""Personal values of corrections are closed wherever they are kept, and open for a call alone."""

import asyncio

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from extractors.errors import Rejected
from reconcilers.corrections.approval import approve
from reconcilers.corrections.compensate import compensate
from reconcilers.corrections.decision_csv import export_waiting
from reconcilers.corrections.diff import changes
from reconcilers.corrections.dispatch import dispatch
from reconcilers.corrections.images import shows
from reconcilers.masking import DOTS
from reconcilers.sealing import SealingKeyError, Seals, bare, is_sealed, mask_of, personal_in
from reconcilers.state import open_state
from reconcilers.state.views import list_corrections
from tests.correction_samples import SEALS, at, plan_into
from tests.drift_samples import drift
from tests.field_samples import CASES
from tests.memory_targets import MemoryTarget
from tests.plan_facts import context

CASE = next(c for c in CASES if (c.system, c.attribute) == ("stripe", "legal_name"))
TAX_ID = next(c for c in CASES if (c.system, c.attribute) == ("salesforce", "tax_id"))
OTHER = Fernet.generate_key().decode()
NAME = "Acme Ltd"


def planned_state(case=CASE):
    state = open_state("sqlite://")
    plan_into(state, drift(case.finding()), context(**case.facts()), at(0, 3))
    return state


def test_a_name_that_looks_like_a_seal_is_sealed_like_any_other():
    for name in ("sealed:x", "sealed:a:b", "sealed:"):
        assert not is_sealed(name)
        assert personal_in("stripe", "customer", {"name": name}) == ["name"]
        sealed = SEALS.seal("name", name)
        assert is_sealed(sealed)
        assert SEALS.open(sealed) == name


def billing(name="Acme Trading"):
    record = {"id": "cus_1", "name": name, "email": "ap@acme.example"}
    return MemoryTarget("stripe", {("customer", "cus_1"): record})


def send(state, target, seals=SEALS):
    targets = {target.system: target}
    return dict(asyncio.run(dispatch(state, targets, lambda: at(0, 9), seals=seals)).outcomes)


def all_that_is_kept(state):
    """Every row of every table, as text."""
    with state.read() as session:
        tables = session.execute(text("select name from sqlite_master where type = 'table'"))
        return "".join(
            str(list(session.execute(text(f"select * from {name}")))) for (name,) in tables.all()
        )


@given(st.text(min_size=1))
def test_a_sealed_value_opens_to_itself_and_is_known_to_be_the_same(value):
    sealed = SEALS.seal("Name", value)
    assert is_sealed(sealed)
    assert SEALS.open(sealed) == value
    assert bare({"Name": SEALS.seal("Name", value)}) == bare({"Name": sealed})
    assert shows({"Name": sealed}, {"Name": SEALS.seal("email", value)})
    assert not shows({"Name": sealed}, {"Name": SEALS.seal("Name", value + "!")})


def test_a_newer_key_leaves_digests_as_they_are_and_opens_what_the_older_sealed():
    older, both = Seals([OTHER]), Seals([Fernet.generate_key().decode(), OTHER])
    assert both.open(older.seal("Name", NAME)) == NAME
    assert bare(both.seal("Name", NAME)) == bare(older.seal("Name", NAME))
    with pytest.raises(SealingKeyError, match="put the one that sealed it back"):
        Seals([Fernet.generate_key().decode()]).open(older.seal("Name", NAME))


def test_what_is_no_key_is_told():
    with pytest.raises(SealingKeyError, match="TIEOUT_SEALING_KEYS holds no Fernet keys"):
        Seals(["secret"])


@pytest.mark.parametrize(
    ("field", "value", "mask"),
    [
        ("Name", "Acme Trading", "A••• T•••"),
        ("vatRegNumber", "GB123456789", "•••89"),
        ("email", "ap@acme.example", "a•••@acme.example"),
    ],
)
def test_the_mask_is_the_one_that_exceptions_have(field, value, mask):
    assert mask_of(SEALS.seal(field, value)) == mask


def test_a_name_is_sent_in_clear_and_kept_sealed_and_put_back():
    state, crm = planned_state(), billing()
    assert send(state, crm) == {"accepted": 1}
    assert crm.records["customer", "cus_1"]["name"] == NAME
    (taken,) = list_corrections(state)
    (undo,) = compensate(state, [taken.correction_id], "ben", "wrong", at(0, 10))
    approve(state, [undo.correction_id], "ann", "", at(0, 11))
    assert send(state, crm) == {"accepted": 1}
    assert crm.records["customer", "cus_1"]["name"] == "Acme Trading"
    kept = all_that_is_kept(state)
    assert all(word not in kept for word in ("Acme", "Ltd", "Trading", "ap@"))


def test_a_name_that_somebody_changed_meanwhile_is_left_as_it_is():
    state, crm = planned_state(), billing("Acme of Today")
    assert send(state, crm) == {"superseded": 1}
    assert crm.effects == []
    assert "Today" not in all_that_is_kept(state)


@pytest.mark.parametrize(
    ("seals", "words"),
    [(None, "a personal value is sealed: set TIEOUT_SEALING_KEYS"), (Seals([OTHER]), "back into")],
)
def test_without_the_key_nothing_is_sent_and_the_reason_names_it(seals, words):
    state, crm = planned_state(), billing()
    assert send(state, crm, seals) == {"dead": 1}
    assert words in list_corrections(state)[0].state_reason
    assert crm.effects == []


def test_what_a_vendor_says_against_a_name_is_kept_without_it():
    state, crm = planned_state(), billing()
    no = Rejected("stripe", f"no customer may be called {NAME}", body_excerpt=f"<b>{NAME}</b>")
    crm.script = [("before", no)]
    assert send(state, crm) == {"dead": 1}
    kept = all_that_is_kept(state)
    assert "no customer may be called [personal]" in kept
    assert NAME not in kept


def test_what_a_vendor_says_of_others_is_kept_in_masks():
    state, crm = planned_state(), billing()
    body = '{"matches": [{"companyName": "Rival \\"Inc\\"", "id": "7"}], "by": "bo.b@rival.example"'
    no = Rejected("stripe", "duplicate of bo.b@rival.example", body_excerpt=f'{body}, "email": "b')
    crm.script = [("before", no)]
    assert send(state, crm) == {"dead": 1}
    kept = all_that_is_kept(state)
    assert "Rival" not in kept
    assert "bo.b" not in kept
    assert f"duplicate of b{DOTS}@rival.example" in kept


def test_the_same_night_planned_again_changes_nothing():
    state = planned_state(TAX_ID)
    before = all_that_is_kept(state)
    plan_into(state, drift(TAX_ID.finding()), context(**TAX_ID.facts()), at(0, 5))
    assert all_that_is_kept(state) == before


def test_people_see_masks(tmp_path):
    state = planned_state(TAX_ID)
    (view,) = list_corrections(state)
    (change,) = changes(view)
    assert (change.before, change.after) == ("•••01", "•••89")
    export_waiting(state, tmp_path / "waiting.csv")
    told = (tmp_path / "waiting.csv").read_text(encoding="utf-8-sig")
    assert '""Tax_Id__c"": ""•••89""' in told
    assert "sealed:" not in told
