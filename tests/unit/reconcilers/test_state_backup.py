"""The state store comes back from its backup as it was, also on another kind of database."""

import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import select

from reconcilers.state import open_state
from reconcilers.state.audit import verify_audit
from reconcilers.state.backup import META, BackupError, restore_backup, write_backup
from reconcilers.state.models import Base
from reconcilers.state.views import list_audit, list_corrections
from tests.correction_samples import at, fresh_state, plan_into
from tests.drift_samples import drift, lost_link, missing_invoice
from tests.plan_facts import context

ROOT = Path(__file__).resolve().parents[3]
SUITES = ("test_state.py", "test_state_backup.py", "test_outbox.py", "test_dispatch.py",
          "test_decision_csv.py", "test_tieout_state.py", "test_retention.py", "test_brakes.py")  # fmt: skip


@pytest.fixture
def state(tmp_path):
    opened = fresh_state(tmp_path)
    plan_into(opened, drift(missing_invoice(), lost_link()), context(), at(0, 3))
    yield opened
    opened.close()


def content(state):
    with state.read() as session:
        return {
            table.name: session.execute(select(table).order_by(*table.primary_key.columns)).all()
            for table in Base.metadata.sorted_tables
            if not table.name.startswith("audit")
        }


def rewrite(path, name, change):
    """The same file with one document in it changed."""
    with zipfile.ZipFile(path) as file:
        parts = {each: file.read(each) for each in file.namelist()}
    parts[name] = change(parts[name])
    with zipfile.ZipFile(path, "w") as file:
        for each, body in parts.items():
            file.writestr(each, body)


def test_a_restored_store_is_as_it_was_and_its_audit_goes_on(state, tmp_path):
    made = write_backup(state, tmp_path / "state.zip", at(1))
    assert made.rows["corrections"] == 2
    restored = open_state(f"sqlite:///{tmp_path}/new.db")
    before = verify_audit(state)
    assert restore_backup(restored, tmp_path / "state.zip", "ann", at(2)) == before
    assert content(restored) == content(state)
    assert list_audit(restored)[:-1] == list_audit(state)
    assert list_audit(restored)[-1].action == "state restored"
    assert verify_audit(restored).holds
    restored.close()


def test_a_store_moves_to_postgresql_and_back(state, tmp_path, postgres_url):
    write_backup(state, tmp_path / "there.zip")
    there = open_state(postgres_url)
    restore_backup(there, tmp_path / "there.zip", "ann")
    assert content(there) == content(state)
    write_backup(there, tmp_path / "back.zip")
    back = open_state(f"sqlite:///{tmp_path}/back.db")
    restore_backup(back, tmp_path / "back.zip", "ann")
    assert content(back) == content(state)
    assert verify_audit(back).holds
    for opened in (there, back):
        opened.close()


def test_a_store_that_holds_something_is_never_written_over(state, tmp_path):
    write_backup(state, tmp_path / "state.zip")
    with pytest.raises(BackupError, match="the store is not empty"):
        restore_backup(state, tmp_path / "state.zip", "ann")
    assert len(list_corrections(state)) == 2


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        (
            "corrections.jsonl",
            lambda body: body[: body.index(b"\n") + 1],
            "corrections in the file",
        ),
        ("audit.jsonl", lambda body: body.replace(b"tieout", b"nobody", 1), "audit in the file"),
        (META, lambda body: body.replace(b"e003", b"e999"), "is of version"),
    ],
)
def test_a_file_that_was_changed_leaves_the_store_empty(state, tmp_path, name, change, says):
    path = tmp_path / "state.zip"
    write_backup(state, path)
    rewrite(path, name, change)
    restored = open_state(f"sqlite:///{tmp_path}/new.db")
    with pytest.raises(BackupError, match=says):
        restore_backup(restored, path, "ann")
    assert list_corrections(restored) == []
    assert verify_audit(restored).entries == 0
    restored.close()


def test_a_file_whose_hashes_were_made_to_fit_still_shows_in_the_audit(state, tmp_path):
    path = tmp_path / "state.zip"
    write_backup(state, path)
    rewrite(path, "audit.jsonl", lambda body: body.replace(b'"tieout"', b'"nobody"', 1))
    with zipfile.ZipFile(path) as file:
        digest = hashlib.sha256(file.read("audit.jsonl")).hexdigest()

    def fit(body):
        told = json.loads(body)
        told["sha256"]["audit"] = digest
        return json.dumps(told).encode()

    rewrite(path, META, fit)
    restored = open_state(f"sqlite:///{tmp_path}/new.db")
    with pytest.raises(BackupError, match="was changed after it was written"):
        restore_backup(restored, path, "ann")
    restored.close()


@pytest.mark.slow
def test_what_is_tested_on_sqlite_holds_on_postgresql(postgres_url):
    files = [str(ROOT / "tests/unit/reconcilers" / name) for name in SUITES]
    told = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-m", "not slow", "-p", "no:cacheprovider", *files],
        env={
            "TIEOUT_TEST_DATABASE": postgres_url,
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert told.returncode == 0, told.stdout[-5000:]
