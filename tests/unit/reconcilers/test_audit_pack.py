"""A pack holds all of a night, reads without Tieout, and lets no byte be changed."""

import csv
import hashlib
import io
import json
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcilers.audit_pack.archive import CHAIN, SUMS, pack, verify_pack, write_pack
from reconcilers.audit_pack.contents import members
from reconcilers.audit_pack.signing import SignOffRefusedError, sign_off, sign_offs
from reconcilers.corrections.approval import approve
from reconcilers.corrections.policy import load_policy
from reconcilers.exceptions import record_night
from reconcilers.state.models import Approval
from reconcilers.state.views import list_corrections
from tests.correction_samples import at, fresh_state, night, plan_into
from tests.drift_samples import DAY, drift, missing_invoice, stale_status
from tests.plan_facts import context

NAMES = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=8).filter(
    lambda name: name not in {SUMS, CHAIN}
)
SMALL = st.dictionaries(NAMES, st.binary(max_size=40), max_size=4)


@pytest.fixture
def state(tmp_path):
    opened = fresh_state(tmp_path)
    yield opened
    opened.close()


def record(state, number, *rows):
    record_night(state, night(number), drift(*rows), f"run-{number}", watermarks={},
                 policy=load_policy(), recorded_at=at(number, 3))  # fmt: skip


def made(state, number=0):
    return members(state, night(number), {"commit": "abc"}, [], {"report/report.html": b"<p>"})


def rows(body):
    return list(csv.DictReader(io.StringIO(body.decode())))


@given(SMALL, st.data())
def test_no_byte_of_a_pack_can_be_changed_unnoticed(tmp_path_factory, small, data):
    path = tmp_path_factory.mktemp("packs") / "night.zip"
    assert write_pack(path, small).holds
    raw = bytearray(path.read_bytes())
    where = data.draw(st.integers(0, len(raw) - 1))
    raw[where] ^= data.draw(st.integers(1, 255))
    path.write_bytes(raw)
    assert not verify_pack(path).holds


@given(SMALL, st.data())
def test_nothing_can_be_cut_off_or_added(tmp_path_factory, small, data):
    path = tmp_path_factory.mktemp("packs") / "night.zip"
    raw = pack(small)
    for other in (raw[: data.draw(st.integers(0, len(raw) - 1))], raw + b"\0"):
        path.write_bytes(other)
        assert not verify_pack(path).holds


def test_every_byte_of_a_real_pack_counts(state, tmp_path):
    record(state, 0, stale_status())
    path = tmp_path / "night.zip"
    write_pack(path, {"README.txt": made(state)["README.txt"][:60], "control.json": b"{}"})
    raw = path.read_bytes()
    for where in range(len(raw)):
        path.write_bytes(raw[:where] + bytes([raw[where] ^ 1]) + raw[where + 1 :])
        assert not verify_pack(path).holds, where


def test_a_verdict_names_what_was_changed(tmp_path):
    path = tmp_path / "night.zip"
    sums = zipfile.ZipFile(io.BytesIO(pack({"a": b"1", "b": b"2"}))).read("SHA256SUMS")
    for given_members, problem in (
        ({"a": b"1"}, "b is gone"),
        ({"a": b"1", "b": b"3"}, "b was changed"),
        ({"a": b"1", "b": b"2", "c": b""}, "c was added"),
    ):
        with zipfile.ZipFile(path, "w") as archive:
            for name, body in {**given_members, "SHA256SUMS": sums}.items():
                archive.writestr(name, body)
        assert verify_pack(path).problem == problem


def test_the_same_night_gives_the_same_bytes(state):
    record(state, 0, stale_status(), missing_invoice())
    assert pack(made(state)) == pack(made(state))


def test_a_pack_is_checked_by_what_every_machine_has(state, tmp_path):
    record(state, 0, stale_status())
    write_pack(tmp_path / "night.zip", made(state))
    with zipfile.ZipFile(tmp_path / "night.zip") as archive:
        for line in archive.read("SHA256SUMS").decode().splitlines():
            digest, name = line.split("  ")
            assert hashlib.sha256(archive.read(name)).hexdigest() == digest
        assert archive.read("report/report.html") == b"<p>"


def test_a_pack_holds_the_whole_population_and_names_missed_nights(state):
    record(state, 0, stale_status(), missing_invoice())
    record(state, 3, missing_invoice())
    pack_of_day, later = made(state), made(state, 3)
    assert {row["state"] for row in rows(pack_of_day["exceptions.csv"])} == {"OPEN"}
    assert {row["state"] for row in rows(later["exceptions.csv"])} == {"OPEN", "RESOLVED_SELF"}
    assert [row["missed"] for row in rows(later["nights.csv"])] == [
        "[]", f'["{night(1)}","{night(2)}"]',
    ]  # fmt: skip
    assert len(rows(pack_of_day["history.csv"])) == 2
    assert json.loads(later["identity.json"])["night"]["run_id"] == "run-3"


def test_a_pack_shows_who_decided_and_who_approved_what_they_made(state):
    record(state, 0, missing_invoice())
    plan_into(state, drift(missing_invoice()), context(), at(0, 4))
    (view,) = list_corrections(state)
    approve(state, [view.correction_id], "ann", "fine", at(0, 5))
    found = made(state)
    assert json.loads(found["control.json"])["approved_by_their_maker"] == []
    assert [row["actor"] for row in rows(found["approvals.csv"])] == ["ann"]
    assert rows(found["corrections.csv"])[0]["maker"] == "tieout"
    with state.begin() as session:
        session.add(Approval(correction_id=view.correction_id, number=2, decision="approve",
                             actor="tieout", comment="", decided_at=at(0, 6)))  # fmt: skip
    assert json.loads(made(state)["control.json"])["approved_by_their_maker"] == [
        view.correction_id
    ]


def test_a_night_is_prepared_by_one_and_reviewed_by_another(state):
    record(state, 0, missing_invoice())
    with pytest.raises(SignOffRefusedError, match="nobody prepared"):
        sign_off(state, DAY, "reviewer", "all of it", actor="ben")
    with pytest.raises(SignOffRefusedError, match="what was done"):
        sign_off(state, DAY, "preparer", " ", actor="ann")
    sign_off(state, DAY, "preparer", "ties", actor="ann", at=at(0, 8))
    with pytest.raises(SignOffRefusedError, match="somebody else"):
        sign_off(state, DAY, "reviewer", "all of it", actor="ann")
    sign_off(state, DAY, "reviewer", "S1 and S2, all of them", actor="ben", at=at(0, 9))
    with pytest.raises(SignOffRefusedError, match="ben signed"):
        sign_off(state, DAY, "reviewer", "again", actor="cid")
    with pytest.raises(SignOffRefusedError, match="was not recorded"):
        sign_off(state, night(1), "preparer", "ties", actor="ann")
    with pytest.raises(SignOffRefusedError, match="preparer or reviewer"):
        sign_off(state, DAY, "owner", "ties", actor="ann")
    assert [row["actor"] for row in rows(made(state)["sign_offs.csv"])] == ["ann", "ben"]


def test_a_replay_that_finds_something_else_voids_a_sign_off(state):
    record(state, 0, missing_invoice())
    sign_off(state, DAY, "preparer", "ties", actor="ann", at=at(0, 8))
    record(state, 0, missing_invoice())
    assert [each.is_current for each in sign_offs(state, DAY)] == [True]
    record(state, 0, missing_invoice(), stale_status())
    assert [each.is_current for each in sign_offs(state, DAY)] == [False]
    sign_off(state, DAY, "preparer", "ties again", actor="ann", at=at(0, 9))
    assert [each.is_current for each in sign_offs(state, DAY)] == [False, True]
