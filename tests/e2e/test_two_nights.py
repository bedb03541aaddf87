"""A company with every code planted: night, decisions, dispatch, night. The tests run in order."""

import asyncio
import json
import re
import shutil
from contextlib import closing
from dataclasses import replace

import dagster as dg
import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from extractors.raw_tables import load_current
from extractors.raw_zone import RawZone
from extractors.sandbox import control
from extractors.sandbox.store import Store
from orchestration import standing
from orchestration.assembly import build_defs
from orchestration.assets.corrections import PLAN
from orchestration.assets.reconciliation import TIEOUTS
from orchestration.assets.reporting import REPORT
from orchestration.dbt import dbt_client, dbt_project, enter_dbt_environment
from orchestration.dry_run import dry_run
from orchestration.evaluate import compare
from orchestration.night import dagster_home, run_backfill
from orchestration.sending import send
from orchestration.settings import load_settings
from orchestration.stores import opened_state
from orchestration.trace import find_thread
from orchestration.whatif import what_if
from orchestration.worlds.bench import measured_night
from orchestration.worlds.copies import copy_company
from orchestration.worlds.roles import Role, copied_objects, roles_of
from orchestration.worlds.world import write_copies
from reconcilers.corrections.approval import approve
from reconcilers.corrections.diff import CLOSING_A_GAP
from reconcilers.engine import open_warehouse
from reconcilers.evaluate import evaluate, stored_findings
from reconcilers.events.log import EventLog
from reconcilers.matrix import load_matrix
from reconcilers.rules.catalogue import all_rules
from reconcilers.rules.comparison import COMPARISONS
from reconcilers.sealing import is_sealed
from reconcilers.state.audit import verify_audit
from reconcilers.state.views import list_corrections, list_exceptions
from tests.e2e.conftest import CUSTOMERS, SEED

LONG_ENOUGH = 8
AN_ID = r"[a-z_]+_[0-9A-Za-z]{14,19}|[0-9A-Za-z]{3}Sb0[0-9A-Za-z]{12}"
OF_ONE_COMPANY = re.compile(r"(?!prod_|price_|mtr_|01t|01u)").match
E_MAIL = re.compile(rb"[\w.+-]+@[\w.-]+\.example")  # as all of the sandbox's people have


def secrets_of(sandbox):
    """Every secret and access token of the sandbox, and a line of each private key."""
    with closing(Store(sandbox / "sandbox.db")) as store:
        entries, tokens = store.meta("credentials"), store.meta("access_tokens")
    named = [
        value
        for entry in entries.values()
        if isinstance(entry, dict)
        for name, value in entry.items()
        if name.endswith(("secret", "key", "token"))
    ]
    keys = [path.read_text().splitlines()[3] for path in sandbox.glob("*.pem")]
    assert named
    assert tokens
    assert keys
    parts = [part for key in keys for part in key.split("/")]
    return {word.encode() for word in (*named, *tokens, *parts) if len(word) >= LONG_ENOUGH}


def tax_ids_in(sandbox):
    with closing(Store(sandbox / "sandbox.db")) as store:
        found = {row["Tax_Id__c"] for row in store.rows("salesforce", "Account")}
    return {value.encode() for value in sorted(filter(None, found))[::4]}


def names_in(sandbox):
    """What companies are called, where it is no everyday word."""
    with closing(Store(sandbox / "sandbox.db")) as store:
        rows = [*store.rows("salesforce", "Account"), *store.rows("stripe", "customer")]
        names = {row.get("Name") or row.get("name") for row in rows}
    return {name.encode() for name in filter(None, names) if len(name.split()) > 1}


def of_dbt(con):
    """Each view, seed and table of dbt by its kind, and the comment on it."""
    found = con.sql(
        "select schema_name || '.' || table_name, 'table', comment from duckdb_tables() "
        "where schema_name not in ('raw', 'event_log', 'identity', 'reconciliation', 'main') "
        "union all select schema_name || '.' || view_name, 'view', comment "
        "from duckdb_views() where not internal"
    )
    return {name: (kind, comment) for name, kind, comment in found.fetchall()}


def rows_of(con):
    """How many rows each table of dbt has, and a sum of their hashes.

    The build has a time of its own, and what a night is the first to see it sees once.
    """
    return {
        name: con.sql(f"select count(*), sum(hash(t)) from {name} as t").fetchall()
        for name in of_dbt(con)
        if name != "staging.stg_control__build" and not name.startswith("events.")
    }


@pytest.fixture(scope="module")
def first_night(company):
    company.night()
    return company.day


def test_the_first_night_finds_exactly_what_was_planted(company, first_night):
    result = compare(company.settings, SEED, CUSTOMERS, first_night)
    assert result.false_rows == ()
    assert result.missed_rows == ()
    assert all(score.planted == 1 for score in result.scores)
    assert result.tieouts_hold


def test_what_was_read_is_a_world_of_one_copy(company, first_night, tmp_path):
    raw = company.settings.raw_dir
    assert copy_company(raw, tmp_path, first_night, 1)
    for manifest in RawZone(raw).manifests(first_night):
        where = RawZone(raw).folder(manifest.system, manifest.object, first_night)
        copied = RawZone(tmp_path).folder(manifest.system, manifest.object, first_night)
        rows, same = (pl.read_parquet(each / "part-0.parquet") for each in (where, copied))
        assert_frame_equal(rows, same, check_row_order=False)
        stored = RawZone(tmp_path).published(manifest.system, manifest.object, first_night)
        assert replace(stored, file_sha256=manifest.file_sha256) == manifest


def test_nothing_leads_from_a_company_to_its_copy(company, first_night, tmp_path):
    copy_company(company.settings.raw_dir, tmp_path, first_night, 2)
    for system, spec in copied_objects():
        manifest = RawZone(tmp_path).published(system, spec.name, first_night)
        folder = RawZone(tmp_path).folder(system, spec.name, first_night)
        rows = pl.read_parquet(folder / "part-0.parquet").sort("_ordinal")
        assert rows.select(pl.struct(spec.key).is_unique().all()).item()
        assert manifest.landed + manifest.deleted == rows.height or spec.parent
        halves = rows[: rows.height // 2], rows[rows.height // 2 :]
        for column, role in roles_of(system, spec).items():
            if role not in (Role.SAME, Role.STREET):
                names = AN_ID if role is Role.IDS else "^(?s).*$"
                ours, theirs = (
                    set(half[column].drop_nulls().str.extract_all(names).explode())
                    for half in halves
                )
                assert not any(map(OF_ONE_COMPANY, ours & theirs)), f"{system}.{spec.name}.{column}"


@pytest.mark.slow
def test_a_night_of_three_copies_finds_the_truth_of_all(company, first_night, tmp_path):
    """Without any system: what a copy has in common with another is nobody's drift."""
    world = load_settings({"TIEOUT_HOME": str(tmp_path)})
    write_copies(company.settings, world.raw_dir, first_night, 3)
    steps = measured_night(world, first_night)
    assert all(step.peak_gigabytes > 0 for step in steps if step.seconds > 1)
    result = compare(world, SEED, 3 * CUSTOMERS, first_night)
    assert (result.false_rows, result.missed_rows) == ((), ())
    assert result.tieouts_hold


def test_no_rule_would_tell_of_pairs_whose_fingerprints_are_equal(company, first_night, tmp_path):
    """With full rows of every pair, the night finds and counts the same."""
    copied = shutil.copy(company.settings.warehouse_path, tmp_path)
    rules = all_rules(load_matrix(company.settings.matrix_path), first_night)
    with open_warehouse(copied, read_only=False) as con:
        folded = stored_findings(con, first_night)
        for comparison in filter(lambda each: each.is_folded, COMPARISONS):
            con.execute(
                f"insert into {comparison.apart} by name "
                "select row_key, billing_id, erp_id, 'primary' as copy_role "
                f"from {comparison.pairs} where row_key not in (select row_key from {comparison.apart})"
            )
            columns = ", ".join(con.sql(f"from {comparison.unlike}").columns)
            table = dict(comparison.populations)[comparison.sides[0]].table
            con.execute(
                f"create or replace table {comparison.unlike} as select {columns} from {table}"
            )
            totals = con.sql(f"delete from {comparison.folded} returning row_count")
            assert totals.fetchall()
            (model,) = company.settings.dbt_target_dir.glob(f"compiled/**/{comparison.name}.sql")
            con.execute(
                f"create or replace table comparison.{comparison.name}__held as {model.read_text()}"
            )
        whole = evaluate(con, rules, first_night)
    assert folded.drift.equals(whole.drift)
    assert folded.dispositions.equals(whole.dispositions)


def test_what_a_view_adds_to_a_comparison_makes_the_whole_of_it(company, first_night, tmp_path):
    """dbt compiles a model as a whole; a night makes a table, and a view that adds watermarks."""
    settings = company.settings
    enter_dbt_environment(settings)
    client = dbt_client(dbt_project(settings))
    models = "comparison contract_lines"
    client.cli(["--quiet", "compile", "--select", models], target_path=tmp_path).wait()
    with open_warehouse(settings.warehouse_path) as con:
        held = con.sql(
            "select schema_name, replace(table_name, '__held', '') from duckdb_tables() "
            "where table_name like '%\\_\\_held' escape '\\'"
        )
        shown = {name: f"{schema}.{name}" for schema, name in held.fetchall()}
        apart = {}
        for name, view in shown.items():
            (file,) = tmp_path.glob(f"compiled/**/{name}.sql")
            whole = f"({file.read_text('utf-8')})"
            gone = con.sql(f"from {view} except all {whole}").fetchall()
            new = con.sql(f"{whole} except all from {view}").fetchall()
            apart |= {name: (gone[:1], new[:1])} if gone or new else {}
    assert apart == {}
    assert {
        "cmp_invoice__billing_vs_erp",
        "cmp_contract__crm_vs_billing",
        "cmp_posting__event_vs_ledger",
        "contract_lines",
    } <= set(shown)


def test_the_report_says_what_the_night_found(company, first_night):
    folder = company.settings.report_dir(first_night)
    summary = json.loads((folder / "summary.json").read_text())
    with opened_state(company.settings) as state:
        opened = list_exceptions(state, states=("OPEN",))
    assert summary["totals"]["open"] == len(opened)
    figures = {each["code"]: each["value"] for each in summary["kpis"]["figures"]}
    assert figures["exceptions_open"] == figures["exceptions_detected"] == str(len(opened))
    assert float(figures["match_rate_rows"]) == pytest.approx(summary["totals"]["match_rate"])
    assert figures["unexplained_residual"] == "0"
    assert not summary["is_complete"]
    assert "INCOMPLETE" in (folder / "report.html").read_text()
    lines = (folder / "exceptions.csv").read_text().splitlines()
    assert len(lines) == len(opened) + 1


@pytest.mark.slow
def test_the_same_night_again_changes_nothing(company, first_night):
    before = company.memory()
    company.night()
    assert company.memory() == before


@pytest.mark.slow
def test_the_same_night_again_leaves_what_nothing_changed_of(company, first_night):
    """A comment on a relation is gone once that is made again."""
    with open_warehouse(company.settings.warehouse_path, read_only=False) as con:
        built = con.sql("select half, count(*) from main.built_of group by half").fetchall()
        for name, (kind, _) in of_dbt(con).items():
            con.execute(f"comment on {kind} {name} is 'as it was'")
    company.night()
    with open_warehouse(company.settings.warehouse_path) as con:
        made = {name for name, (_, comment) in of_dbt(con).items() if comment is None}
    assert sorted(built) == [("after_identity", 1), ("before_identity", 1)]
    assert {"staging.stg_control__build", "canonical.customer_balances"} <= made
    assert not {name for name in made if name.startswith(("seeds.", "conformed.", "trace."))}


@pytest.mark.slow
def test_changed_rules_tell_what_a_stored_night_would_have_found(company, first_night, tmp_path):
    before = company.memory()
    matrix = company.settings.matrix_path.read_text(encoding="utf-8")
    lenient = matrix.replace("INV-AMT-01,money,1,line,5,6", "INV-AMT-01,money,100000000,,,6")
    (tmp_path / "system_of_record.csv").write_text(lenient, encoding="utf-8")
    (night,) = what_if(company.settings, tmp_path, first_night, first_night)
    assert {(d.change, d.seen.code) for d in night.differences} == {("vanishes", "INV-AMT-01")}
    assert night.replayed == night.recorded - len(night.differences)
    assert company.memory() == before


def test_a_thread_is_found_from_either_end(company, first_night):
    with opened_state(company.settings) as state:
        finding = list_exceptions(state, code="INV-MISS-01")[0]
    (thread,) = find_thread(company.settings, finding.owner_id)[0].threads
    (again,) = find_thread(company.settings, thread.name)[0].threads
    assert (again.root, set(again.nodes)) == (thread.root, set(thread.nodes))
    assert find_thread(company.settings, "in_that_nobody_has")[0].candidates == ()


def test_a_dry_run_looks_at_the_targets_and_writes_nothing(company, first_night):
    before = company.memory()
    with opened_state(company.settings) as state:
        found = asyncio.run(dry_run(company.settings, state, (), None, live=True))
    assert {seen for view, _, seen in found.corrections if not view.refusals} == {
        "the record still drifts",
        "there is no such document yet",
    }
    posted = [view for view, _, _ in found.corrections if view.action in CLOSING_A_GAP]
    closed = [line.gap_minor - line.projected_minor for line in found.tieouts]
    assert sum(closed) == sum(abs(view.impact_minor) for view in posted if not view.refusals)
    assert company.memory() == before


def test_what_is_approved_is_sent_once_and_verified_by_the_next_night(company, first_night):
    with opened_state(company.settings) as state:
        waiting = [c.correction_id for c in list_corrections(state, states=("proposed",))]
        said = approve(state, waiting, "controller", "checked")
        more = [decision.correction_id for decision in said if decision.still_needed]
        approve(state, more, "second controller", "checked")
        due = [c.correction_id for c in list_corrections(state, states=("approved",))]
        assert set(waiting) <= set(due)
        sent = asyncio.run(send(company.settings, state))
        assert sent.outcomes == {"accepted": len(due)}
        again = asyncio.run(send(company.settings, state))
        assert again.outcomes == {}
    control.advance(company.settings.sandbox_dir, 1)
    company.night()
    with opened_state(company.settings) as state:
        states = {c.correction_id: c.state for c in list_corrections(state)}
        assert {states[correction] for correction in due} == {"verified"}
        exceptions = list_exceptions(state)
        assert verify_audit(state).holds
    verified = [item for item in exceptions if item.state == "RESOLVED_VERIFIED"]
    assert len(verified) == len(due)
    aged = [item for item in exceptions if item.state == "OPEN" and item.opened_on == first_night]
    assert aged
    assert {item.age_days for item in aged} == {1}


def test_what_was_merged_into_the_tables_is_what_they_are_made_of_at_once(company, first_night):
    """By the second night: the first one left tables, of which some take in what changed."""
    settings, day = company.settings, company.day
    with open_warehouse(settings.warehouse_path) as con, duckdb.connect() as at_once:
        loaded = load_current(at_once, settings.raw_dir, day, standing.fingerprint())
        EventLog(settings.event_log_dir).load(at_once, first_night)
        tables, merged = company.read_tables(at_once), company.read_tables(con)
    assert {table for table in tables if tables[table] != merged.get(table)} == set()
    assert tables.keys() == merged.keys()
    assert len(loaded) < len(tables)


def test_no_secret_and_no_personal_value_is_in_anything_that_nights_write(company, first_night):
    """Logs, histories, reports, exports and the state store; personal data may be in the raw zone
    and in the warehouse, from which all else is made."""
    home = company.settings.home
    canaries = secrets_of(home / "sandbox") | tax_ids_in(home / "sandbox")
    canaries |= names_in(home / "sandbox")
    with opened_state(company.settings) as state:
        written = [view.payload for view in list_corrections(state, code="CUS-ATTR-01")]
    assert any(is_sealed(value) for body in written for value in body.values())
    kept = {
        home / "raw",
        home / "sandbox",
        company.settings.warehouse_path,
        home / "dbt" / "target",
    }
    told = {}
    for path in home.rglob("*"):
        if path.is_file() and kept.isdisjoint((path, *path.parents)):
            body = path.read_bytes()
            if found := {*E_MAIL.findall(body), *(word for word in canaries if word in body)}:
                told[str(path.relative_to(home))] = found
    assert len(canaries) > LONG_ENOUGH
    assert told == {}


@pytest.mark.slow
def test_what_the_second_night_left_standing_is_what_it_would_have_built(company, first_night):
    warehouse = company.settings.warehouse_path
    with open_warehouse(warehouse, read_only=False) as con:
        before = rows_of(con)
        con.execute("delete from main.built_of")
        con.execute("delete from raw.made_of")
    company.night()
    with open_warehouse(warehouse) as con:
        after = rows_of(con)
    assert {name for name in after if after[name] != before.get(name)} == set()


@pytest.mark.slow
def test_days_replayed_from_the_raw_zone_give_what_their_nights_gave(company, first_night):
    before = company.memory()
    company.settings.warehouse_path.unlink()
    results = list(run_backfill(company.settings, first_night, company.day))
    assert [result.ok for result in results] == [True] * ((company.day - first_night).days + 1)
    assert company.memory() == before


def test_a_tieout_that_breaks_stops_the_corrections_and_is_reported(company, first_night):
    with open_warehouse(company.settings.warehouse_path, read_only=False) as con:
        con.execute(
            "delete from conformed.payment__billing "
            "where source_id = (select min(source_id) from conformed.payment__billing)"
        )
    nightly = build_defs(company.settings).resolve_job_def("nightly")
    with dg.DagsterInstance.from_config(str(dagster_home(company.settings))) as instance:
        run = nightly.execute_in_process(
            partition_key=company.day.isoformat(),
            asset_selection=[TIEOUTS, PLAN, REPORT],
            instance=instance,
            run_config={"loggers": {"progress": {}}},
            raise_on_error=False,
        )
    assert [event.step_key for event in run.all_events if event.is_step_failure] == [
        "reconciliation__tieouts"
    ]
    assert {event.asset_key for event in run.get_asset_materialization_events()} <= {TIEOUTS}
    assert "BROKEN" in (company.settings.report_dir(company.day) / "report.html").read_text()
