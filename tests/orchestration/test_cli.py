"""The command line as a person meets it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reconcilers.audit_pack.archive import write_pack
from reconcilers.corrections.policy import load_policy
from reconcilers.exceptions import record_night
from reconcilers.kpis.figures import Figure
from reconcilers.state import open_state
from reconcilers.state.kpis import record_kpis
from reconcilers.state.models import CorrectionRecord
from reconcilers.state.views import list_corrections, list_exceptions
from tests.correction_samples import at, fresh_state, night, plan_into
from tests.drift_samples import drift, missing_invoice, stale_status
from tests.plan_facts import context

ROOT = Path(__file__).resolve().parents[2]
TIEOUT = Path(sys.executable).with_name("tieout")


def tieout(home, *arguments):
    environ = {**os.environ, "TIEOUT_HOME": str(home), "TIEOUT_ACTOR": "controller"}
    return subprocess.run(
        [TIEOUT, *arguments], env=environ, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("arguments", "unused"),
    [
        ("--help", {"sqlalchemy"}),
        *((command, {"alembic"}) for command in ("exceptions list", "corrections list")),
        *((command, {"alembic"}) for command in ("audit list", "state --help")),
    ],
)
def test_a_command_waits_for_nothing_that_it_does_not_use(tmp_path, arguments, unused):
    open_state(str(tmp_path / "state.db")).close()
    look = (
        "import sys; from orchestration.cli import app; "
        f"app({arguments.split()}, standalone_mode=False); print(*sys.modules)"
    )
    environ = {**os.environ, "TIEOUT_HOME": str(tmp_path)}
    told = subprocess.run(
        [sys.executable, "-c", look], env=environ, capture_output=True, text=True, check=True
    )
    modules = set(told.stdout.splitlines()[-1].split())
    assert modules & ({"dagster", "duckdb", "polars", "httpx"} | unused) == set()
    assert "orchestration.cli" in modules


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nightly",), "tieout sandbox up"),
        (("nightly", "yesterday"), "write it as 2026-06-30"),
        (("report", "2026-06-30"), "Run a night first"),
        (("corrections", "dispatch"), "tieout sandbox up"),
        (("corrections", "approve"), "name corrections by id"),
        (("corrections", "resume"), "dispatch is not halted"),
        (("exceptions", "show", "abc"), "abc"),
        (("evaluate", "--plant", "NO-SUCH-01=3"), "CTL-CNT-01"),
    ],
)
def test_a_mistake_gets_a_message_that_says_what_to_do(tmp_path, arguments, says):
    result = tieout(tmp_path, *arguments)
    assert result.returncode != 0
    assert says in result.stdout + result.stderr
    assert "Traceback" not in result.stderr


def test_an_empty_home_is_examined_and_every_failure_has_a_remedy(tmp_path):
    result = tieout(tmp_path, "doctor")
    assert result.returncode == 1
    assert result.stdout.count("FAIL") == 3
    assert result.stdout.count("->") == 3 + result.stdout.count("WARN")
    assert result.stderr == ""


def test_an_empty_store_lists_nothing_quietly(tmp_path):
    result = tieout(tmp_path, "exceptions", "list")
    assert "0 exceptions" in result.stdout
    assert result.stderr == ""


def test_a_home_without_nights_has_no_events(tmp_path):
    result = tieout(tmp_path, "events", "list")
    assert "0 events" in result.stdout
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("chosen", "state"),
    [
        (("--code", "INV-MISS-01", "--yes"), "approved"),
        (("--code", "INV-MISS-01"), "dead"),
        (("--since", "2026-07-02", "--until", "2026-07-02", "--yes"), "approved"),
        (("--since", "2026-07-03", "--yes"), "dead"),
    ],
)
def test_the_dead_of_a_class_or_of_some_days_are_queued_again(tmp_path, chosen, state):
    store = fresh_state(tmp_path)
    plan_into(store, drift(missing_invoice()), context(), at(0))
    with store.begin() as session:
        (record,) = session.query(CorrectionRecord)
        record.state, record.changed_at = "dead", at(1)
    result = tieout(tmp_path, "corrections", "replay", *chosen)
    assert result.returncode == 0, result.stderr
    assert [view.state for view in list_corrections(store)] == [state]
    store.close()


def test_what_was_over_long_ago_goes_when_told_to_and_is_shown_before(tmp_path):
    store = fresh_state(tmp_path)
    for number, rows in ((0, [stale_status()]), (1, []), (100, [])):
        record_night(store, night(number), drift(*rows), f"{number}", policy=load_policy(),
                     watermarks={"salesforce.Subscription__c": at(number)},
                     recorded_at=at(number, 3))  # fmt: skip
    prune = ("state", "prune", "--older-than")
    assert "nothing let go" in tieout(tmp_path, *prune, "5").stdout
    assert "would go, before" in tieout(tmp_path, *prune, "60").stdout
    assert len(list_exceptions(store)) == 1
    assert "let go, before" in tieout(tmp_path, *prune, "60", "--yes").stdout
    assert list_exceptions(store) == []
    store.close()


def test_the_evidence_of_a_night_is_packed_and_verified(tmp_path):
    store = fresh_state(tmp_path)
    record_night(store, night(0), drift(stale_status()), "1", policy=load_policy(),
                 watermarks={}, recorded_at=at(0, 3))  # fmt: skip
    store.close()
    day, pack = str(night(0)), tmp_path / "exports" / f"audit-{night(0)}.zip"
    assert "has no report" in tieout(tmp_path, "audit", "pack", "--day", day).stdout
    report = tmp_path / "reports" / day / "report.html"
    report.parent.mkdir(parents=True)
    report.write_text("<p>")
    made = tieout(tmp_path, "audit", "pack", "--day", day)
    assert made.returncode == 0, made.stderr
    told = tieout(tmp_path, "audit", "verify", str(pack))
    assert "not a byte changed" in told.stdout
    assert told.stdout.split()[-1] in made.stdout
    assert told.stdout.split()[-1] in tieout(tmp_path, "audit", "list").stdout.replace("\n", "")
    other = dict.fromkeys(["README.txt"], b"made again")
    write_pack(tmp_path / "other.zip", other)
    unknown = tieout(tmp_path, "audit", "verify", str(tmp_path / "other.zip"))
    assert (unknown.returncode, "tells of no pack" in unknown.stdout) == (1, True)
    pack.write_bytes(pack.read_bytes().replace(b"<p>", b"<b>"))
    broken = tieout(tmp_path, "audit", "verify", str(pack))
    assert (broken.returncode, "report/report.html" in broken.stdout) == (1, True)
    signed = tieout(tmp_path, "audit", "sign", "--day", day, "--as", "preparer",
                    "--statement", "ties")  # fmt: skip
    assert "controller signed" in signed.stdout


def test_a_waiver_is_asked_for_by_one_and_granted_by_another(tmp_path):
    store = fresh_state(tmp_path)
    record_night(store, night(0), drift(stale_status()), "1", policy=load_policy(),
                 watermarks={}, recorded_at=at(0, 3))  # fmt: skip
    (view,) = list_exceptions(store)
    words = ("exceptions", "waive", view.exception_key[:12], "--reason", "known", "--until")
    asked = tieout(tmp_path, *words, str(night(20)))
    assert "1 exceptions asked for" in asked.stdout
    grant = ("exceptions", "grant", "--code", "SUB-STAT-01")
    assert "cannot grant it" in tieout(tmp_path, *grant).stdout.replace("\n", " ")
    assert (
        "controller asks for a waiver"
        in tieout(tmp_path, "exceptions", "show", view.exception_key).stdout
    )
    assert [each.state for each in list_exceptions(store)] == ["OPEN"]
    store.close()


def test_key_figures_are_printed_for_people_and_machines(tmp_path):
    store = fresh_state(tmp_path)
    for number, matched in ((0, 90), (1, 95)):
        record_kpis(store, night(number), [Figure("match_rate_rows", "total", "", matched, 100)])
    store.close()
    told = tieout(tmp_path, "kpis", "--history", "5")
    assert told.returncode == 0, told.stderr
    assert all(word in told.stdout for word in ("match_rate_rows", "95.00 %", "+5.00 pp", "▁█"))
    (figure,) = json.loads(tieout(tmp_path, "kpis", "--json").stdout)["figures"]
    assert (figure["value"], figure["history"]) == ("0.95", ["0.9", "0.95"])
