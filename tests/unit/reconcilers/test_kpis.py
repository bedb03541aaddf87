"""Key figures: what each is made of, and that a night has one set of them."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import dagster as dg
import pytest

from orchestration.kpi_page import page
from orchestration.kpis import typed_metadata
from reconcilers.exceptions import known, record_night
from reconcilers.kpis.backlog import Effort, backlog
from reconcilers.kpis.completeness import completeness
from reconcilers.kpis.definitions import load_definitions
from reconcilers.kpis.delivery import business_days, delivery
from reconcilers.kpis.figures import Figure, percentile
from reconcilers.kpis.ledgers import ledgers
from reconcilers.kpis.measure import measure
from reconcilers.kpis.sources import FirstSight, Try
from reconcilers.report.kpi_tables import kpis_csv, kpis_json, kpis_markdown
from reconcilers.report.kpis import kpi_lines, spark
from reconcilers.report.sparkline import sparkline
from reconcilers.state.kpis import load_kpis, record_kpis
from reconcilers.state.views import list_corrections
from tests.correction_samples import at, fresh_state, night, plan_into
from tests.drift_samples import DAY, drift, lost_link, missing_invoice, stale_status
from tests.kpi_samples import POLICY, frames, sources
from tests.plan_facts import context

DEFINITIONS = load_definitions()
PAIR = "cmp_invoice__billing_vs_erp"


@pytest.fixture
def state(tmp_path):
    opened = fresh_state(tmp_path)
    yield opened
    opened.close()


def value(figures, code, member=""):
    """(numerator, denominator) of the total, or of a member."""
    found = [one for one in figures if (one.code, one.member) == (code, member)]
    assert len(found) == 1, found
    return found[0].numerator, found[0].denominator


def test_the_page_is_what_the_definitions_say():
    written = (Path(__file__).parents[3] / "docs" / "kpis.md").read_text(encoding="utf-8")
    assert written == page(DEFINITIONS), "run `make docs` and commit the page"


def test_a_definition_with_an_unknown_unit_is_refused(tmp_path):
    seed = tmp_path / "kpis.csv"
    seed.write_text(
        "code,section,name,unit,direction,numerator,denominator,dimensions,pitfall,not_measured\n"
        "x,flow,X,furlongs,up,a,,,,\n"
    )
    with pytest.raises(ValueError, match=r"kpis\.csv, x: 'furlongs' is not one of"):
        load_definitions(seed)


def test_every_defined_figure_is_measured_and_every_measured_one_defined():
    figures = measure(sources(), Effort(10, 6000))
    totals = {one.code for one in figures if one.dimension == "total"}
    assert totals == {code for code, each in DEFINITIONS.items() if not each.not_measured}


def test_without_an_effort_exceptions_have_no_cost():
    assert "exception_cost" not in {one.code for one in measure(sources())}


def test_rows_in_flight_and_excluded_had_not_to_match_and_money_is_in_one_currency():
    told = frames(
        dispositions=[
            (PAIR, "billing", "matched", "USD", 8, 800),
            (PAIR, "billing", "exception", "JPY", 1, -1000),
            (PAIR, "billing", "unproven", "USD", 1, 0),
            (PAIR, "billing", "in_flight", "USD", 5, 500),
            (PAIR, "erp", "excluded:draft", "USD", 5, 500),
            (PAIR, "erp", "matched", None, 2, 0),
        ],
        matches=[("cash", "amount", "automatic", 4), ("cash", "sum", "suggested", 6)],
        tieouts=[("TO-AR", "USD", -100, 5), ("TO-AR", "JPY", 100, 0), ("TO-INV", "USD", 33, 0)],
    )
    found = list(completeness(sources(frames=told)))
    assert value(found, "match_rate_rows") == (10, 12)
    assert value(found, "match_rate_rows", f"{PAIR}/erp") == (2, 2)
    assert value(found, "match_rate_money") == (800, 800 + 670)
    assert value(found, "auto_match_rate") == (14, 20)
    assert value(found, "auto_match_rate", "cash/sum") == (0, 6)
    assert value(found, "unexplained_residual") == (5, 100 + 67 + 33)
    assert value(found, "unexplained_residual", "TO-AR") == (5, 167)


def test_money_without_a_rate_has_no_figure_and_ends_no_night():
    told = frames(
        dispositions=[(PAIR, "billing", "matched", "CHF", 8, 800)],
        receivables=[("US", "CHF", 1, 1), ("US", "USD", 1, 1)],
    )
    found = measure(sources(frames=told))
    assert value(found, "match_rate_money") == value(found, "dso") == (None, None)
    assert value(found, "match_rate_rows") == (8, 8)


def record(state, number, *rows):
    given = [row | {"snapshot_date": night(number)} for row in rows]
    record_night(
        state, night(number), drift(*given), f"run-{number}", watermarks={}, policy=POLICY,
        recorded_at=at(number, 3),
    )  # fmt: skip


def tonight(state, number, **changes):
    return sources(
        night(number),
        before=known(state, night(number - 1)),
        now=known(state, night(number)),
        nights=[night(each) for each in range(number + 1)],
        **changes,
    )


def test_the_backlog_rolls_forward_in_rows_and_money(state):
    first, second = missing_invoice("in_1"), missing_invoice("in_2", impact_reporting_minor=-40)
    record(state, 0, first, second)
    record(state, 1, first | {"impact_reporting_minor": 100}, stale_status())
    record(state, 2, first, second)
    for number in (1, 2):
        found = list(backlog(tonight(state, number)))
        before = list(backlog(tonight(state, number - 1)))
        for kind, moves in (("exceptions", ()), ("money", ("revalued",))):
            came = ("detected", "reopened", *moves)
            opening, closing = (value(each, f"{kind}_open")[0] for each in (before, found))
            added = sum(value(found, f"{kind}_{name}")[0] for name in came)
            gone = sum(value(found, f"{kind}_resolved_{name}")[0] for name in ("self", "verified"))
            assert opening + added - gone == closing
    assert value(found, "exceptions_reopened", "INV-MISS-01") == (1, None)
    assert value(found, "exceptions_resolved_self", "SUB-STAT-01") == (1, None)


def test_age_is_weighted_by_money_and_reopening_keeps_it(state):
    dear = missing_invoice("in_1", impact_reporting_minor=300)
    record(state, 0, dear)
    record(state, 3, dear, missing_invoice("in_2", impact_reporting_minor=-100))
    found = list(backlog(tonight(state, 3)))
    assert value(found, "exception_age_mean") == (900, 400)
    assert value(found, "exception_age_p90") == (3, None)
    overdue, decided = value(found, "exceptions_over_sla")
    assert (overdue, decided) == (int(POLICY.rule("INV-MISS-01", None).sla_hours < 72), 2)


def test_a_false_alert_resolves_itself_within_a_day_of_being_told(state):
    record(state, 0, missing_invoice("in_1"), missing_invoice("in_2"))
    record(state, 1, missing_invoice("in_2"), missing_invoice("in_3"))
    record(state, 2, missing_invoice("in_3"))
    assert value(list(backlog(tonight(state, 2))), "false_alert_rate") == (1, 3)


def test_detection_has_an_extraction_lag_and_a_grace():
    after = datetime.combine(night(1), datetime.min.time(), UTC)
    sights = [
        FirstSight("INV-MISS-01", night(2), after + timedelta(hours=18)),
        # nobody was looking then, or only the first night was
        FirstSight("INV-MISS-01", night(1), after - timedelta(days=9)),
        FirstSight("INV-MISS-01", night(0), after + timedelta(hours=1)),
    ]
    nights = [night(0), night(1), night(2)]
    found = list(backlog(sources(night(2), nights=nights, first_sights=sights)))
    hours = 3600
    assert value(found, "time_to_detect_p50") == (30 * hours, None)
    assert value(found, "detect_lag_p50") == (6 * hours, None)
    assert value(found, "detect_grace_p50") == (24 * hours, None)


def test_leakage_and_over_billing_do_not_net(state):
    contract = {"comparison": "cmp_contract__crm_vs_billing"}
    more = stale_status("sub_1", impact_reporting_minor=70)
    less = stale_status("sub_2", impact_reporting_minor=-30)
    record(state, 0, more, less, missing_invoice("in_1", **contract))
    record(state, 1, less)
    found = list(backlog(tonight(state, 1), Effort(20, 6000)))
    assert value(found, "leakage_found") == value(found, "leakage_recovered") == (70, None)
    assert value(found, "overbilling_found") == (30, None)
    assert value(found, "overbilling_recovered") == (0, None)
    assert value(found, "exception_cost") == (3 * 2000, None)


@pytest.fixture
def corrections(state):
    """One corrected exception in each way that a correction can end."""
    record(state, 0, *(lost_link(f"cus_{name}") for name in "ABCDE"))
    plan_into(state, drift(*(lost_link(f"cus_{name}") for name in "ABCDE")), context())
    (planned, *_) = list_corrections(state)
    sent = datetime(2026, 7, 1, 4, tzinfo=UTC)
    common = {"sent_at": sent, "accepted_at": sent, "writes": 1, "changed_at": sent}
    ends = [
        {"state": "verified", "verdict_on": night(1)},
        {"state": "verified", "verdict_on": night(1), "writes": 2},
        {"state": "ineffective", "verdict_on": night(1)},
        {"state": "compensated"},
        {"state": "accepted", "verdict_on": None},
        {"state": "dead", "accepted_at": None},
    ]
    return [
        replace(planned, correction_id=str(number), **{**common, **end})
        for number, end in enumerate(ends)
    ]


def test_a_correction_is_judged_once_it_came_to_an_end(state, corrections):
    record(state, 1)
    found = list(delivery(tonight(state, 1, corrections=corrections)))
    assert value(found, "first_pass_yield") == (1, 5)
    assert value(found, "ineffective_rate") == (1, 3)
    assert value(found, "compensation_rate") == (1, 3)
    assert value(found, "dlq_depth") == value(found, "dlq_depth", "corrections") == (1, None)
    assert value(found, "dlq_age") == (20 * 3600, None)
    assert value(found, "time_to_correct_p50") == (4 * 3600, None)
    assert value(found, "time_to_verify_p90") == (20 * 3600, None)


def test_what_a_later_day_brings_is_no_part_of_a_night(state, corrections):
    found = list(delivery(tonight(state, 0, corrections=corrections)))
    assert value(found, "first_pass_yield") == (0, 0)
    assert value(found, "dlq_depth") == (0, None)


def test_only_what_the_target_took_twice_is_a_second_effect():
    tries = [
        Try("a", at(0), "accepted", ""),
        Try("a", at(0), "accepted", ""),
        Try("b", at(0), "no answer", "Transient"),
        Try("b", at(0), "found applied", ""),
    ]
    found = list(delivery(sources(night(1), tries=tries)))
    assert value(found, "duplicate_effects") == (1, None)
    assert value(found, "attempt_error_share") == (1, 4)
    assert value(found, "attempt_error_share", "Transient") == (1, 4)


def test_dead_letters_lie_in_three_places():
    waiting = sources(
        night(1), refused_events=[at(0)], frames=frames(quarantine=[(night(0),), (night(1),)])
    )
    found = list(delivery(waiting))
    assert value(found, "dlq_depth") == (3, None)
    assert value(found, "dlq_age", "quarantine") == (48 * 3600, None)


def test_a_close_takes_weekdays_to_the_first_review_of_the_last_signed_month():
    reviews = [
        (date(2026, 5, 31), datetime(2026, 6, 3, 9, tzinfo=UTC)),
        (date(2026, 6, 30), datetime(2026, 7, 9, 9, tzinfo=UTC)),
        (date(2026, 7, 2), datetime(2026, 7, 6, 9, tzinfo=UTC)),
    ]
    found = list(delivery(sources(date(2026, 7, 20), reviews=reviews)))
    assert value(found, "close_days") == (4, None)
    assert business_days(date(2026, 7, 3), date(2026, 7, 5)) == 0


def test_what_entities_owe_adds_up_in_the_reporting_currency(state):
    record(state, 0, missing_invoice("in_1"))
    told = frames(
        receivables=[("US", "USD", 9000, 300), ("JP", "JPY", 9000, 1000)],
        lineage=[("US", "USD", 50, 0, 10, 100)],
        disputes=[("US", 1, 20), ("JP", 0, 5)],
        events=[("invoice_paid", 12, 24), ("refund_paid", 0, 24)],
        latencies=[("posting_latency_p50", "total", "", 60)],
    )
    found = list(ledgers(tonight(state, 0, frames=told)))
    assert value(found, "dso") == (9000 + 6030, 300 + 670)
    assert value(found, "dso", "JP") == (6030, 670)
    assert value(found, "dso_impact") == (0, 970)
    assert value(found, "lineage_coverage", "US") == (50, 100)
    assert value(found, "card_dispute_rate") == (1, 25)
    assert value(found, "event_throughput") == (12, 24)
    assert value(found, "posting_latency_p50") == (60, None)


def test_a_night_replayed_replaces_its_own_figures_and_no_others(state):
    for number in (0, 1):
        record_kpis(state, night(number), [Figure("dlq_depth", "total", "", number)])
    again = [Figure("dlq_depth", "total", "", 7), Figure("dlq_depth", "queue", "events", 7)]
    assert record_kpis(state, night(1), again) == record_kpis(state, night(1), again) == 2
    kept = load_kpis(state, night(5), 30)
    assert [one.numerator for one in kept[night(0)]] == [0]
    assert sorted(kept[night(1)]) == sorted(again)
    assert list(load_kpis(state, night(1), 1)) == [night(1)]
    assert list(load_kpis(state, night(0), 30)) == [night(0)]
    assert [len(each) for each in load_kpis(state, night(1), 30, "total").values()] == [1, 1]


def test_dagster_gets_numbers_of_the_right_type_and_nothing_for_what_was_not_measured():
    figures = [
        Figure("match_rate_rows", "total", "", 1, 2),
        Figure("match_rate_rows", "side", "a/b", 1, 1),
        Figure("exceptions_open", "total", "", 3),
        Figure("money_open", "total", "", 1250, currency="USD"),
        Figure("dlq_age", "total", "", 5400),
        Figure("close_days", "total", "", None),
    ]
    assert typed_metadata(figures, 2) == {
        "match_rate_rows": dg.MetadataValue.float(0.5),
        "exceptions_open": dg.MetadataValue.int(3),
        "money_open": dg.MetadataValue.float(12.5),
        "dlq_age": dg.MetadataValue.float(1.5),
    }


def test_nothing_to_measure_is_no_zero():
    assert Figure("x", "total", "", 0, 0).value is None
    assert Figure("x", "total", "", None).value is None
    assert Figure("x", "total", "", 1, 3).value == Decimal(1) / 3
    assert [one.numerator for one in percentile("x", [], {}, int, 50)] == [None]
    assert [one.numerator for one in percentile("x", [4, 1, 3, 2], {}, int, 50)] == [2]


def told(*values, code="exceptions_open", **more):
    history = {
        night(number): [Figure(code, "total", "", each, **more)]
        for number, each in enumerate(values)
    }
    return kpi_lines(history, max(history), DEFINITIONS, {"USD": 2})


@pytest.mark.parametrize(
    ("values", "code", "more", "says"),
    [
        ((5, 3), "exceptions_open", {}, ("3", "\N{MINUS SIGN}2", True)),
        ((3,), "exceptions_open", {}, ("3", "", None)),
        ((3, 3), "exceptions_open", {}, ("3", "same", None)),
        ((150, 1250), "money_open", {"currency": "USD"}, ("12.50 USD", "+11.00 USD", False)),
        ((90, 80), "match_rate_rows", {"denominator": 100}, ("80.00 %", "\N{MINUS SIGN}10.00 pp", False)),
        ((60, 7200), "dlq_age", {}, ("2 h", "+1 h 59 min", False)),
        ((1000, 1001), "dso", {"denominator": 100}, ("10.0 d", "same", None)),
        ((2, 2), "duplicate_effects", {}, ("2", "same", False)),
        ((1, 2), "documents_posted", {}, ("2", "+1", None)),
        ((None, None), "dlq_age", {}, ("none", "", None)),
    ],
)  # fmt: skip
def test_a_figure_is_written_in_its_unit_with_its_change(values, code, more, says):
    (line,) = told(*values, code=code, **more).lines
    assert (line.text, line.change, line.good) == says


def test_machines_get_exact_values_and_no_floats():
    kpis = told(1, 2, code="match_rate_rows", denominator=3)
    (figure,) = kpis_json(kpis)["figures"]
    assert figure["value"] == "0.66666667"
    assert figure["history"] == ["0.33333333", "0.66666667"]
    assert 'match_rate_rows,"Match rate, rows",share,total,,2,3,0.66666667' in kpis_csv(kpis)
    assert "| Match rate, rows | 66.67 % | +33.33 pp |" in kpis_markdown(kpis)
    assert "- Disputed invoices: No connected system logs" in kpis_markdown(kpis)


def test_a_night_without_figures_shows_none_and_still_what_is_not_measured():
    kpis = kpi_lines({DAY: []}, night(1), DEFINITIONS, {})
    assert (kpis.lines, kpis.night) == ((), None)
    assert kpis.not_measured


def test_a_missed_night_is_a_gap_in_the_line():
    assert "M3 21.0L60 3.0M" not in sparkline("x", [(0, 1.0), (2, None), (4, 2.0)])
    assert 'd="M3 21.0M117 3.0"' in sparkline("x", [(0, 1.0), (2, None), (4, 2.0)])
    assert 'd="M3 21.0L60 12.0L117 3.0"' in sparkline("x", [(0, 1.0), (2, 1.5), (4, 2.0)])
    assert sparkline("x", [(0, None)]) == ""
    kpis = told(1, 2)
    assert "Open exceptions, the last 2 nights" in spark(kpis.lines[0], kpis.nights)
