"""A report says what the night found, shows no more of people than it must, and runs nowhere."""

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcilers.corrections.outbox import store_plan
from reconcilers.corrections.plan import plan
from reconcilers.corrections.policy import load_policy
from reconcilers.deltas import DELTAS
from reconcilers.exceptions import lives_as_of, record_night
from reconcilers.findings import DISPOSITIONS, empty
from reconcilers.masking import masked
from reconcilers.report.amounts import amount, percent
from reconcilers.report.build import build_report_data
from reconcilers.report.causes import cause_lines
from reconcilers.report.data import AGE_BUCKETS, age_bucket
from reconcilers.report.files import (
    CORRECTION_COLUMNS,
    EXCEPTION_COLUMNS,
    exceptions_csv,
    run_summary,
    write_report,
)
from reconcilers.report.html import comparison_name, render_html
from reconcilers.rules.codes import CODES
from reconcilers.spreadsheet import cell
from reconcilers.state.tieouts import SCHEMA
from reconcilers.state.views import list_exceptions
from tests.correction_samples import at, fresh_state, night
from tests.drift_samples import DAY, drift, drift_row, missing_invoice, stale_status
from tests.plan_facts import context

POLICY = load_policy()
INVOICES = "cmp_invoice__billing_vs_erp"
NAME = drift_row(
    "001A", "CUS-ATTR-01", attribute="legal_name", expected="Ada Lovelace GmbH",
    observed="<b>Ada</b>", owner_system="salesforce",
    comparison="cmp_customer__crm_vs_billing",
)  # fmt: skip
BROKEN = drift_row(
    "product2", "CTL-CNT-01", comparison="cmp_snapshot__source_vs_landed",
    owner_system="salesforce", replica_role=None, replica_system=None, severity="S1",
    impact_minor=0, currency=None, impact_reporting_minor=0,
)  # fmt: skip
TIEOUT = {
    "snapshot_date": DAY, "code": "TO-INV", "scope": "UK", "currency": "GBP", "period": "2026-06",
    "left_label": "billing", "left_rows": 3, "left_minor": 36000, "right_label": "ERP",
    "right_rows": 2, "right_minor": 24000, "matched_minor": 24000, "explained_minor": 12000,
    "unexplained_rows": 0, "unexplained_minor": 0, "holds": True, "detail": "",
}  # fmt: skip


def disposed(*rows):
    names = list(empty(DISPOSITIONS).columns)
    return pl.DataFrame(
        [dict(zip(names, row, strict=True)) for row in rows], schema=empty(DISPOSITIONS).schema
    )


PLACES = disposed(
    (INVOICES, "billing", "matched", "GBP", 97, 970000),
    (INVOICES, "billing", "exception", "GBP", 1, 12000),
    (INVOICES, "billing", "in_flight", "GBP", 2, 24000),
    (INVOICES, "billing", "excluded:draft", "GBP", 5, 1000),
    (INVOICES, "erp", "matched", "GBP", 97, 970000),
)


# Two threads: one through, one stuck before the ledger.
PROCESS = """
create table seeds.process_expectations as from (values
    ('contract_won', 'Contract signed and won'), ('posted', 'First invoice in the ledger')
) as hops(hop, what);
create table reporting.rpt_process_threads as from (values
    ('800A', 'q2c_1', 'contract_won', 1, timestamp '2026-06-01', null, null, 0, false, false, null, 5000, 'GBP'),
    ('800A', 'q2c_1', 'posted', 2, timestamp '2026-06-02', 86400, null, 86400, false, false, null, 5000, 'GBP'),
    ('800B', 'q2c_2', 'contract_won', 1, timestamp '2026-06-01', null, null, 0, false, false, null, 7000, 'JPY'),
    ('800B', 'q2c_2', 'posted', 2, null, null, 180000, 86400, false, true, 'invoice:in_9', 7000, 'JPY')
) as threads(contract_id, correlation_id, hop, position, reached_at, latency_seconds, waited_seconds,
    expected_seconds, is_late, is_stuck, blocking_key, recurring_mrr_minor, currency);
"""

# Invoices took 10, 20 .. 1000 s; one payment is dated behind its record, one credit note is old.
POSTINGS = """
create table staging.stg_control__build as select date '2026-06-30' as snapshot_date;
create table reporting.rpt_kpi_latencies as from (values
    ('posting_latency_p50', 'document', 'invoice', 500), ('posting_latency_p95', 'document', 'invoice', 950),
    ('posting_latency_p99', 'document', 'invoice', 990), ('documents_posted', 'document', 'invoice', 100),
    ('documents_posted', 'total', '', 101)
) as figures(code, dimension, member, value);
create table canonical.invoices as select n::varchar as invoice_key, (1000 + n)::varchar as erp_internal_id from range(1, 101) t(n);
create table conformed.invoice__billing as select n::varchar as invoice_id, 'UK' as legal_entity,
    timestamp '2026-06-20' as issued_at from range(1, 101) t(n);
create table conformed.invoice__erp as select (1000 + n)::varchar as erp_internal_id,
    timestamp '2026-06-20' + to_seconds(10 * n) as created_at from range(1, 101) t(n);
create table canonical.payments as select 'ch_1' as payment_key, '7' as erp_internal_id;
create table conformed.payment__billing as select 'ch_1' as payment_id, null::varchar as legal_entity, timestamp '2026-06-21' as paid_at;
create table conformed.payment__erp as select '7' as erp_internal_id, timestamp '2026-06-20' as created_at;
create table canonical.credit_notes as select 'cn_1' as credit_note_key, '8' as erp_internal_id;
create table conformed.credit_note__billing as select 'cn_1' as credit_note_id, 'UK' as legal_entity, timestamp '2026-01-01' as issued_at;
create table conformed.credit_note__erp as select '8' as erp_internal_id, timestamp '2026-01-02' as created_at;
create table canonical.refunds as select 're_1' as refund_key, '9' as erp_internal_id;
create table conformed.refund__billing as select 're_1' as refund_id, 'UK' as legal_entity, null::timestamp as paid_at;
create table conformed.refund__erp as select '9' as erp_internal_id, timestamp '2026-06-20' as created_at;
"""

IDENTITY = """
create table identity.crosswalk as
select * from (values ('cus_1', 'auto'), ('cus_1', 'auto'), ('cus_2', 'none')) t(canonical_customer_id, band);
create table identity.review_queue as select 1 as place;
create table identity.unused_evidence as
select * from (values ('too many names', 'domain'), ('too many names', 'domain')) t(reason, what);
"""


@pytest.fixture
def state(tmp_path):
    opened = fresh_state(tmp_path)
    yield opened
    opened.close()


def warehouse(found, tieouts=(TIEOUT,), places=PLACES, deltas=()):
    con = duckdb.connect()
    for schema in (
        "raw", "seeds", "reconciliation", "reporting", "identity", "staging", "canonical", "conformed",
    ):  # fmt: skip
        con.execute(f"create schema {schema}")
    snapshots = pl.DataFrame({
        "system": ["salesforce", "netsuite"], "object": ["product2", "transaction"],
        "watermark_at": [at(0).replace(tzinfo=None)] * 2,
        "source_count": [14, None], "landed_count": [13, 240], "quarantined_count": [0, 0],
    })  # fmt: skip
    frames = {
        "reconciliation.drift": found,
        "reconciliation.deltas": pl.DataFrame(list(deltas), schema=empty(DELTAS).schema),
        "reconciliation.dispositions": places,
        "reconciliation.tieouts": pl.DataFrame(list(tieouts), schema=SCHEMA),
        "raw.snapshots": snapshots,
        "seeds.currencies": pl.DataFrame(
            {"currency": ["GBP", "USD", "JPY"], "exponent": [2, 2, 0]}
        ),
    }
    con.execute(PROCESS)
    con.execute(IDENTITY)
    con.execute(POSTINGS)
    for table, frame in frames.items():
        con.register("given", frame)
        con.execute(f"create table {table} as from given")
        con.unregister("given")
    return con


def record(state, number, *rows):
    frame = drift(*[row | {"snapshot_date": night(number)} for row in rows])
    record_night(
        state,
        night(number),
        frame,
        f"run-{number}",
        watermarks={},
        policy=POLICY,
        recorded_at=at(number, 3),
    )
    return frame


def report(state, number, *rows, **tables):
    found = record(state, number, *rows)
    return build_report_data(warehouse(found, **tables), state, night(number))


def test_a_clean_night_says_so(state):
    data = report(state, 0)
    assert (data.verdict, data.is_complete, data.totals.open) == ("CLEAN", True, 0)
    assert "No exception is open." in render_html(data)


def test_drift_is_counted_and_valued(state):
    record(state, 0, missing_invoice("in_1"), missing_invoice("in_2"))
    data = report(
        state, 1, missing_invoice("in_1"), missing_invoice("in_3", impact_reporting_minor=-40)
    )
    totals = data.totals
    assert data.verdict == "DRIFT"
    assert (totals.open, totals.new, totals.resolved_self) == (2, 1, 1)
    assert (totals.gross_reporting_minor, totals.net_reporting_minor) == (15280, 15200)
    (line,) = [c for c in data.codes if c.open]
    assert (line.code, line.open, line.new, line.severity) == ("INV-MISS-01", 2, 1, "S3")
    assert [e.owner_id for e in data.exceptions] == ["in_1", "in_3"]
    assert [e.owner_id for e in data.resolved] == ["in_2"]
    assert [(p.snapshot_date, p.exceptions) for p in data.trend] == [(night(0), 2), (night(1), 2)]


def test_what_was_open_what_came_and_what_went_is_what_is_open(state):
    record(state, 0, missing_invoice("in_1"), missing_invoice("in_2"))
    record(state, 1, missing_invoice("in_1"), missing_invoice("in_3"))
    data = report(
        state, 2, missing_invoice("in_2"), missing_invoice("in_3"), missing_invoice("in_4")
    )
    totals = data.totals
    assert (totals.open_before, totals.new, totals.reopened_tonight) == (2, 1, 1)
    assert totals.resolved_self + totals.resolved_verified == 1
    assert [line.owner_id for line in data.exceptions if line.is_reopened] == ["in_2"]
    came = totals.new + totals.reopened_tonight
    assert totals.open_before + came - totals.resolved_self == totals.open == 3


def test_money_at_risk_is_the_same_whatever_it_is_split_by(state):
    rows = [missing_invoice(f"in_{n}", legal_entity=e) for n, e in enumerate(("UK", "DE", "UK"))]
    data = report(state, 0, *rows, NAME)
    dimensions = {}
    for line in data.risks:
        counted = dimensions.setdefault(line.dimension, [0, 0])
        counted[0] += line.open
        counted[1] += line.gross_reporting_minor
    expected = [data.totals.open, data.totals.gross_reporting_minor]
    assert dimensions == dict.fromkeys(("cause", "legal_entity", "entity", "age"), expected)
    entities = {line.name: line.open for line in data.risks if line.dimension == "legal_entity"}
    assert entities == {"UK": 3, "DE": 1}


def test_findings_that_are_no_exceptions_yet_have_rows_with_personal_values_masked(state):
    waiting = NAME | {"disposition": "in_flight"}
    data = report(state, 0, waiting, missing_invoice(disposition="unproven"))
    assert (data.totals.open, data.exceptions) == (0, ())
    told = {line.state: line.expected for line in data.pending}
    assert told["IN_FLIGHT"] == "A••• L••• G•••"
    assert set(told) == {"IN_FLIGHT", "UNPROVEN"}
    assert "Lovelace" not in render_html(data)
    assert len(exceptions_csv(data).splitlines()) == 1


def test_posting_latency_is_told_by_document_of_what_was_recorded_lately(state):
    data = report(state, 0)
    assert [vars(line) for line in data.latencies] == [
        {"document": "invoice", "posted": 100, "p50_seconds": 500, "p95_seconds": 950,
         "p99_seconds": 990},
    ]  # fmt: skip
    assert [line.seconds for line in data.slowest if line.document == "payment"] == [0]
    assert "credit_note" not in {line.document for line in data.slowest}
    slowest = [line for line in data.slowest if line.document == "invoice"]
    assert [line.record_id for line in slowest] == [str(n) for n in range(100, 90, -1)]
    assert slowest[0].posted_at == "2026-06-20 00:16:40"


def test_what_follows_from_another_exception_is_told_under_its_cause(state):
    cause = drift_row("cus_A", "CUS-MISS-02", impact_reporting_minor=30000)
    rows = [missing_invoice(f"in_{n}", explained_by=cause["exception_key"]) for n in (1, 2)]
    data = report(state, 9, cause, *rows)
    assert (data.totals.open, data.totals.explained) == (3, 2)
    assert data.totals.gross_reporting_minor == 30000
    assert {line.state for line in data.exceptions if line.explained_by} == {"EXPLAINED"}
    assert not any(line.is_overdue for line in data.exceptions if line.explained_by)
    (told,) = cause_lines(data.exceptions)
    assert (told.line.owner_id, told.followers) == ("cus_A", (("INV-MISS-01", 2),))
    assert "2 × <code>INV-MISS-01</code>" in render_html(data)


def test_a_cause_stands_for_what_follows_over_several_steps(state):
    first = drift_row("cus_A", "CUS-MISS-02")
    second = drift_row("ch_1", "PAY-MISS-01", explained_by=first["exception_key"])
    third = drift_row("in_1", "INV-STAT-01", explained_by=second["exception_key"])
    (told,) = cause_lines(report(state, 0, third, first, second).exceptions)
    assert told.line.code == "CUS-MISS-02"
    assert told.followers == (("INV-STAT-01", 1), ("PAY-MISS-01", 1))


def test_every_class_is_listed_also_when_it_found_nothing(state):
    assert {line.code for line in report(state, 0).codes} == set(CODES)


def test_an_open_control_stamps_the_report_incomplete(state):
    data = report(state, 0, BROKEN, missing_invoice())
    assert data.verdict == "INCOMPLETE"
    assert data.incomplete == (
        "CTL-CNT-01: salesforce product2 (control total break on extraction)",
    )
    assert [o.object for o in data.objects if not o.is_complete] == ["product2"]
    assert run_summary(data)["is_complete"] is False
    assert 'class="verdict INCOMPLETE"' in render_html(data)


def test_a_broken_tie_out_comes_before_drift_and_on_top(state):
    broken = TIEOUT | {"scope": "US", "holds": False, "unexplained_minor": 7, "detail": "one left"}
    data = report(state, 0, missing_invoice(), tieouts=(TIEOUT, broken))
    assert (data.verdict, data.headline) == ("BROKEN", "1 of 2 tie-outs do not hold.")
    assert [t.scope for t in data.tieouts] == ["US", "UK"]
    assert run_summary(data)["tieouts_broken"] == ["TO-INV US GBP 2026-06"]


def test_the_match_rate_leaves_out_what_was_not_due(state):
    pair = next(p for p in report(state, 0).pairs if p.side == "billing")
    assert (pair.rows, pair.matched, pair.excluded, pair.in_flight) == (105, 97, 5, 2)
    assert pair.match_rate == 97 / 98


def test_waiting_and_excluded_money_is_shown_with_its_reason(state):
    places = [(m.disposition, m.rows, m.amount_minor) for m in report(state, 0).money]
    assert places == [("excluded:draft", 5, 1000), ("in_flight", 2, 24000)]


def test_what_is_past_its_time_is_marked(state):
    for number in range(4):
        record(state, number, missing_invoice())
    data = report(state, 4, missing_invoice())
    assert (data.exceptions[0].age_days, data.exceptions[0].is_overdue) == (4, True)
    assert data.totals.overdue == 1
    early = build_report_data(warehouse(drift()), state, night(3))
    assert (early.exceptions[0].age_days, early.exceptions[0].is_overdue) == (3, False)


def test_names_are_masked_in_the_state_store_and_stay_so_in_the_report(state):
    data = report(state, 0, NAME)
    assert list_exceptions(state)[0].expected == "A••• L••• G•••"
    assert data.exceptions[0].expected == "A••• L••• G•••"
    text = render_html(data) + exceptions_csv(data) + json.dumps(run_summary(data))
    assert "Lovelace" not in text
    assert "&lt;" in render_html(data)


def test_what_an_impact_is_made_of_stands_with_it(state):
    row = missing_invoice("in_1")
    deltas = [
        {"exception_key": row["exception_key"], "part": "missing_line", "amount_minor": 12_001},
        {"exception_key": row["exception_key"], "part": "rounding", "amount_minor": -1},
    ]
    data = report(state, 0, row, missing_invoice("in_2"), deltas=deltas)
    made_of = {line.owner_id: line.decomposition for line in data.exceptions}
    assert made_of == {"in_1": "missing line 120.01 GBP, rounding -0.01 GBP", "in_2": ""}
    assert "missing line 120.01 GBP" in render_html(data)


@pytest.mark.parametrize(
    ("attribute", "value", "shown"),
    [
        ("invoice_email", "ada@lovelace.example", "a•••@lovelace.example"),
        ("tax_id", "GB123456789", "•••89"),
        ("country_code", "GB", "GB"),
        ("tax_id", None, ""),
    ],
)
def test_only_enough_to_recognise_is_left(attribute, value, shown):
    assert masked(attribute, value) == shown


def plan_into(state, *rows, facts=None):
    frame = record(state, 0, *rows)
    lives = lives_as_of(state, DAY)
    store_plan(state, plan(frame, (), lives, facts or context(), POLICY), lives, DAY, at(0, 4))
    return build_report_data(warehouse(frame), state, DAY)


def test_corrections_are_shown_by_mode_and_state_with_their_change(state):
    data = plan_into(state, missing_invoice(), stale_status())
    assert data.correction_counts == (("approve", "proposed", 1), ("auto", "approved", 1))
    changes = {line.target: line.change for line in data.corrections}
    assert changes["netsuite invoice"] == "create invoice UK-0001 (120.00 GBP)"
    assert changes["salesforce Subscription__c"].startswith("Status_Changed_At__c: 2026-01-31")
    assert "Status__c: Active → Cancelled" in changes["salesforce Subscription__c"]
    assert {e.correction_state for e in data.exceptions} == {"proposed", "approved"}


def test_a_refused_correction_is_told_with_field_and_cure(state):
    data = plan_into(state, missing_invoice(), facts=context(erp_customers=[]))
    (line,) = data.corrections
    assert line.refusals == (
        (
            "customer (entity): cus_A has no customer in the ERP. "
            "Fix: create the ERP customer (see CUS-MISS-02), then plan again."
        ),
    )
    assert "create the ERP customer" in render_html(data)


def test_a_night_that_was_not_recorded_has_no_report(state):
    record(state, 0)
    with pytest.raises(LookupError, match="2026-07-01 was not recorded"):
        build_report_data(warehouse(drift()), state, night(1))


def test_the_same_night_gives_the_same_bytes(state, tmp_path):
    rows = (missing_invoice(), NAME, BROKEN)
    data = report(state, 0, *rows)
    files = write_report(data, tmp_path / "a")
    report(state, 0, *rows)
    again = write_report(build_report_data(warehouse(drift(*rows)), state, DAY), tmp_path / "b")
    for name in vars(files):
        assert getattr(files, name).read_bytes() == getattr(again, name).read_bytes()
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == [
        "corrections.csv", "exceptions", "exceptions.csv", "kpis.csv", "kpis.md", "report.html",
        "report.json", "report.md",
        "summary.json",
    ]  # fmt: skip


def test_each_class_has_a_table_of_its_own_while_it_has_rows(state, tmp_path):
    files = write_report(report(state, 0, missing_invoice(), NAME), tmp_path)
    folder = tmp_path / "exceptions"
    assert sorted(path.name for path in folder.iterdir()) == ["CUS-ATTR-01.csv", "INV-MISS-01.csv"]
    whole = files.exceptions_csv.read_text().splitlines()
    parts = [path.read_text().splitlines() for path in folder.iterdir()]
    assert {part[0] for part in parts} == {whole[0]}
    assert sorted(line for part in parts for line in part[1:]) == sorted(whole[1:])
    write_report(report(state, 0, missing_invoice()), tmp_path)
    assert [path.name for path in folder.iterdir()] == ["INV-MISS-01.csv"]


def test_the_columns_of_the_table_are_as_documented(state):
    rows = list(csv.DictReader(io.StringIO(exceptions_csv(report(state, 0, missing_invoice())))))
    assert tuple(rows[0]) == EXCEPTION_COLUMNS
    assert EXCEPTION_COLUMNS[:5] == ("exception_key", "state", "severity", "code", "cause")
    assert CORRECTION_COLUMNS[0] == "correction_id"
    assert (rows[0]["impact_minor"], rows[0]["opened_on"], rows[0]["is_new"]) == (
        "12000",
        "2026-06-30",
        "true",
    )


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("=1+1", "'=1+1"), ("+cmd", "'+cmd"), ("-cmd|x", "'-cmd|x"), ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"), ("-12.50", "-12.50"), ("+49", "+49"), (-1200, "-1200"), ("plain", "plain"),
        (None, ""), (True, "true"), (date(2026, 6, 30), "2026-06-30"), (("a", "b"), "a | b"),
        ("--5", "'--5"), ("-", "'-"),
    ],
)  # fmt: skip
def test_no_cell_is_a_formula(value, written):
    assert cell(value) == written


@given(st.text())
def test_no_text_starts_a_formula(text):
    written = cell(text)
    assert not written.startswith(("=", "@", "\t", "\r"))
    assert not written.startswith(("+", "-")) or float(written) is not None


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (123456, "GBP", "1,234.56 GBP"),
        (-5, "GBP", "-0.05 GBP"),
        (5000, "JPY", "5,000 JPY"),
        (7, "XXX", "7 minor units XXX"),
        (None, "GBP", ""),
    ],
)
def test_amounts_are_written_with_the_decimals_of_their_currency(minor, currency, text):
    assert amount(minor, currency, {"GBP": 2, "JPY": 0}) == text


def test_less_than_all_is_never_a_hundred_percent():
    assert (percent(1), percent(0.99999), percent(0.5), percent(None)) == (
        "100.00 %",
        "99.99 %",
        "50.00 %",
        "none due",
    )


def test_every_age_has_one_bucket():
    assert [age_bucket(d) for d in (0, 1, 2, 7, 8, 90, 91)] == [
        "0-1",
        "0-1",
        "2-3",
        "4-7",
        "8-15",
        "61-90",
        "over 90",
    ]
    assert len({name for name, _ in AGE_BUCKETS}) == 8


def test_comparisons_are_named_for_people():
    assert comparison_name(INVOICES) == "Invoice: billing and ERP"
    assert comparison_name("cmp_journal_entry__within_erp") == "Journal entry: within ERP"


def test_a_recorded_time_is_shown_in_utc(state):
    data = replace(report(state, 0), recorded_at=datetime(2026, 7, 1, 3, 5, tzinfo=UTC))
    assert "recorded 2026-07-01 03:05 UTC" in render_html(data)


def test_the_way_to_the_money_shows_hops_and_stuck_threads_with_what_they_stand_behind(
    state, tmp_path
):
    data = report(state, 1)
    assert [(hop.hop, hop.reached, hop.stuck, hop.completion) for hop in data.hops] == [
        ("contract_won", 2, 0, 1.0),
        ("posted", 1, 1, 0.5),
    ]
    page = write_report(data, tmp_path).html.read_text()
    for said in ("First invoice in the ledger", "50.00 %", "in_9", "2 d 2 h", "7,000 JPY"):
        assert said in page


def test_who_is_whom_is_told_in_counts(state):
    data = report(state, 0)
    told = {line.what: line.count for line in data.identity}
    assert told == {
        "customers": 2,
        "records, joined": 2,
        "records, alone": 1,
        "questions to stewards": 1,
        "not followed: too many names, domain": 2,
    }
    assert run_summary(data)["identity"] == told
    assert "not followed: too many names, domain" in render_html(data)
