"""The state store opens anywhere, keeps instants in UTC, and its audit shows every touch."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from threading import Timer

import polars as pl
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, create_mock_engine, inspect, text

from reconcilers.identity import History
from reconcilers.identity.registry import ALIAS_SCHEMA, EVENT_SCHEMA
from reconcilers.state import open_state
from reconcilers.state.audit import append_audit, verify_audit
from reconcilers.state.migrations.heads import HEADS
from reconcilers.state.models import AuditEntry, Base
from reconcilers.state.registry import load_registry, record_identities
from reconcilers.state.store import migration_config, revisions
from reconcilers.state.tieouts import SCHEMA, load_tieouts, record_tieouts
from reconcilers.state.types import UtcDateTime
from tests.correction_samples import at, fresh_state, night


@pytest.fixture
def state(tmp_path):
    opened = fresh_state(tmp_path)
    yield opened
    opened.close()


def test_the_migrations_make_exactly_the_tables_of_the_models(state):
    with state.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_every_table_can_be_made_on_postgresql():
    statements = []
    engine = create_mock_engine(
        "postgresql+psycopg://",
        lambda sql, *_, **__: statements.append(str(sql.compile(dialect=engine.dialect))),
    )
    Base.metadata.create_all(engine, checkfirst=False)
    corrections = next(s for s in statements if "CREATE TABLE corrections" in s)
    assert "impact_minor BIGINT" in corrections
    assert "accepted_at TIMESTAMP WITH TIME ZONE" in corrections


def test_opening_again_and_at_once_is_safe(tmp_path):
    url = f"sqlite:///{tmp_path}/state.db"
    with ThreadPoolExecutor(4) as pool:
        states = list(pool.map(open_state, [url] * 4))
    assert "audit" in inspect(states[0].engine).get_table_names()
    for opened in states:
        opened.close()


def test_a_store_that_somebody_begins_just_now_is_waited_for(tmp_path):
    """SQLite refuses to change a journal beside a writer at once, whatever the timeout is."""
    path = tmp_path / "state.db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("CREATE TABLE begun (id TEXT)")
    other.execute("BEGIN IMMEDIATE")
    Timer(0.1, other.execute, ["COMMIT"]).start()
    opened = open_state(str(path))
    assert {"begun", "audit"} <= {*inspect(opened.engine).get_table_names()}
    opened.close()
    other.close()


def test_the_journal_of_a_sqlite_store_is_write_ahead(tmp_path):
    opened = open_state(f"sqlite:///{tmp_path}/folder/that/is/new/state.db")
    with opened.read() as session:
        assert session.scalar(text("PRAGMA journal_mode")) == "wal"
    opened.close()


def fail_after_a_line(state):
    with state.begin() as session:
        append_audit(session, actor="a", action="b", subject="c", body={}, at=at(0))
        raise RuntimeError


def test_a_failed_step_leaves_nothing_behind(state):
    with pytest.raises(RuntimeError):
        fail_after_a_line(state)
    assert verify_audit(state).entries == 0


def test_instants_come_back_in_utc_and_naive_ones_are_refused(state):
    tokyo = timezone(timedelta(hours=9))
    with state.begin() as session:
        moment = datetime(2026, 7, 1, 11, tzinfo=tokyo)
        append_audit(session, actor="a", action="b", subject="c", body={}, at=moment)
    with state.read() as session:
        assert session.get_one(AuditEntry, 1).at == datetime(2026, 7, 1, 2, tzinfo=UTC)
    naive = moment.replace(tzinfo=None)
    with pytest.raises(ValueError, match="has no time zone"):
        UtcDateTime().process_bind_param(naive, state.engine.dialect)


def fill(state, count=4):
    for number in range(count):
        with state.begin() as session:
            append_audit(
                session,
                actor="ann",
                action="did",
                subject=f"s{number}",
                body={"n": number},
                at=at(0),
            )


@pytest.mark.parametrize(
    ("sql", "broken_at"),
    [
        ("UPDATE audit SET actor = 'eve' WHERE sequence = 2", 2),
        ("UPDATE audit SET body = '[9]' WHERE sequence = 3", 3),
        ("DELETE FROM audit WHERE sequence = 2", 3),
        ("DELETE FROM audit WHERE sequence = 4", 4),
        ("UPDATE audit_head SET sha256 = 'x'", 5),
    ],
)
def test_whatever_is_done_to_the_audit_shows(state, sql, broken_at):
    fill(state)
    assert verify_audit(state).holds
    with state.begin() as session:
        session.execute(text(sql))
    verdict = verify_audit(state)
    assert (verdict.holds, verdict.broken_at) == (False, broken_at)


def test_concurrent_writers_make_one_chain(state):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: fill(state, 5), range(4)))
    verdict = verify_audit(state)
    assert (verdict.holds, verdict.entries) == (True, 20)


def changed(day, *rows):
    """What a night changes: (source id, canonical id) of Stripe records."""
    assigned = [("stripe", source_id, canonical_id, day) for source_id, canonical_id in rows]
    columns = ["system", "source_id", "canonical_customer_id", "snapshot_date"]
    nothing = pl.DataFrame(schema=ALIAS_SCHEMA), pl.DataFrame(schema=EVENT_SCHEMA)
    return History(pl.DataFrame(assigned, schema=columns, orient="row"), *nothing)


def ids(state, before):
    rows = load_registry(state, before).select("source_id", "canonical_customer_id").rows()
    return dict(rows)


def test_a_night_is_told_of_the_nights_before_it_only(state):
    record_identities(state, night(0), changed(night(0), ("A", "cus_1"), ("B", "cus_1")))
    record_identities(state, night(1), changed(night(1), ("B", "cus_2")))
    assert ids(state, night(0)) == {}
    assert ids(state, night(1)) == {"A": "cus_1", "B": "cus_1"}
    assert ids(state, night(2)) == {"A": "cus_1", "B": "cus_2"}
    assert set(load_registry(state, night(2))["first_seen_date"]) == {night(0)}


def test_a_night_that_runs_again_replaces_its_own_ids_and_no_others(state):
    record_identities(state, night(0), changed(night(0), ("A", "cus_1"), ("B", "cus_9")))
    record_identities(state, night(1), changed(night(1), ("A", "cus_2")))
    record_identities(state, night(0), changed(night(0), ("A", "cus_1")))
    assert ids(state, night(2)) == {"A": "cus_2"}


def test_ids_that_are_kept_and_read_in_several_parts_are_all_there(state, monkeypatch):
    monkeypatch.setattr("reconcilers.state.registry._AT_ONCE", 2)
    record_identities(state, night(0), changed(night(0), *((each, "cus_1") for each in "ABCDE")))
    record_identities(state, night(1), changed(night(1), ("C", "cus_2")))
    assert ids(state, night(2)) == dict.fromkeys("ABDE", "cus_1") | {"C": "cus_2"}


def test_a_store_from_before_keeps_the_ids_that_it_gave(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path}/old.db")
    with engine.begin() as connection:
        config = migration_config(connection)
        command.upgrade(config, "0001")
        connection.execute(
            text("insert into identity_registry values ('stripe', 'A', 'cus_1', '2026-06-30')")
        )
    engine.dispose()
    opened = open_state(f"sqlite:///{tmp_path}/old.db")
    known = load_registry(opened, date(2026, 7, 1))
    assert known.rows() == [("stripe", "A", "cus_1", date(2026, 6, 30), date(2026, 6, 30))]
    opened.close()


def test_the_newest_migrations_are_those_of_the_files(state):
    with state.engine.connect() as connection:
        files = ScriptDirectory.from_config(migration_config(connection))
        assert set(files.get_heads()) == HEADS == revisions(connection)


def test_a_nights_tie_outs_replace_what_it_had(state):
    line = dict.fromkeys(SCHEMA) | {
        "snapshot_date": night(0), "code": "TO-INV", "scope": "UK", "left_label": "billing",
        "right_label": "ERP", "left_rows": 3, "left_minor": 900, "holds": False,
    }  # fmt: skip
    record_tieouts(state, night(0), pl.DataFrame([line, line | {"scope": "US"}], schema=SCHEMA))
    record_tieouts(state, night(0), pl.DataFrame([line | {"holds": True}], schema=SCHEMA))
    kept = load_tieouts(state, night(0))
    assert kept.select("scope", "left_minor", "holds", "currency").rows() == [("UK", 900, True, "")]
