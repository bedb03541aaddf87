"""People hear of what costs money, once, and of nothing on a quiet night."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from reconcilers.alerts import Morning, Told, alerts_of, missed, unheard
from reconcilers.corrections.policy import load_policy
from reconcilers.exceptions import record_night
from reconcilers.state.tieouts import SCHEMA
from reconcilers.state.views import list_exceptions
from tests.correction_samples import at, fresh_state, night
from tests.drift_samples import DAY, drift, drift_row

POLICY = load_policy()
NOW = at(0, 8)
NO_TIEOUTS = pl.DataFrame(schema=SCHEMA)


@pytest.fixture
def state(tmp_path):
    opened = fresh_state(tmp_path)
    yield opened
    opened.close()


def grave(name, code="INV-MISS-01", severity="S2", impact=5_000_000, **values):
    values = {"severity": severity, "impact_reporting_minor": impact, **values}
    return drift_row(name, code, **values)


def morning(state, *rows, nights=(0,), **values):
    for number in nights:
        record_night(state, night(number), drift(*rows), f"{number}", watermarks={},
                     policy=POLICY, recorded_at=at(number, 3))  # fmt: skip
    facts = {"day": night(nights[-1]), "exceptions": list_exceptions(state, states=("OPEN",)),
             "tieouts": NO_TIEOUTS, "dead": (), "policy": POLICY,
             "exponents": {"USD": 2}} | values  # fmt: skip
    return Morning(**facts)


def keys(alerts):
    return [alert.key for alert in alerts]


def test_a_quiet_night_is_quiet(state):
    assert alerts_of(morning(state)) == []
    assert alerts_of(morning(state, grave("a", severity="S3", impact=5))) == []


def test_new_grave_exceptions_are_told_by_class_with_the_dearest_first(state):
    (alert,) = alerts_of(morning(state, grave("a"), grave("b", impact=-9_000_000)))
    assert (alert.key, alert.channel, alert.count) == (f"new:{DAY}:INV-MISS-01", "finance-ops", 2)
    assert alert.amount_minor == 14_000_000
    assert alert.title.endswith("2 new, 140,000 USD at risk")
    assert alert.lines[0].startswith("90,000 USD")


def test_what_follows_from_another_exception_is_not_told(state):
    cause = grave("a")
    follows = grave("b", code="PAY-MISS-01", explained_by=cause["exception_key"])
    assert keys(alerts_of(morning(state, cause, follows))) == [f"new:{DAY}:INV-MISS-01"]


def test_what_nobody_decided_on_in_time_is_told(state):
    assert keys(alerts_of(morning(state, grave("a"), nights=(0, 3)))) == []
    assert keys(alerts_of(morning(state, grave("a"), nights=(4,)))) == ["overdue:INV-MISS-01"]


def test_objects_that_were_not_read_whole_are_told_of_data_people(state):
    row = grave("account", "CTL-CNT-01", severity="S1", owner_system="salesforce",
                owner_id="account")  # fmt: skip
    (alert,) = alerts_of(morning(state, row))
    assert (alert.key, alert.channel) == ("incomplete", "data-incidents")
    assert alert.lines == ("CTL-CNT-01 salesforce account",)


def test_a_tie_out_that_does_not_hold_is_told_to_the_controller(state):
    lines = [{"code": "TO-INV", "scope": "UK", "currency": "GBP", "period": "2026-06",
              "unexplained_minor": 7, "holds": holds} for holds in (False, True)]  # fmt: skip
    frame = pl.DataFrame([dict.fromkeys(SCHEMA) | line for line in lines], schema=SCHEMA)
    (alert,) = alerts_of(morning(state, tieouts=frame))
    assert (alert.key, alert.channel, alert.count) == ("tieout:TO-INV", "finance-ops", 1)
    assert alert.lines == ("UK GBP 2026-06: 7 minor units unexplained",)
    assert alerts_of(morning(state, tieouts=frame.filter("holds"))) == []


def test_a_missed_night_is_an_alert_once_its_time_is_over():
    def at_hour(hour):
        return datetime(2026, 7, 3, hour, tzinfo=UTC)

    assert missed(None, at_hour(12)) == []
    assert missed(night(2), at_hour(12)) == []
    assert missed(night(1), at_hour(5)) == []
    assert [a.title for a in missed(night(1), at_hour(7))] == [
        "1 night missed: the newest is of 2026-07-01"
    ]
    assert missed(night(0), at_hour(7))[0].title.startswith("2 nights missed")


def test_what_stands_is_told_once_a_week_or_when_it_grew(state):
    (alert,) = alerts_of(morning(state, grave("a")))

    def is_told(now=NOW, **values):
        known = Told(NOW, alert.count, alert.amount_minor)
        return bool(unheard([alert], {alert.key: replace(known, **values)}, now))

    assert unheard([alert], {}, NOW) == [alert]
    assert not is_told()
    assert not is_told(NOW + timedelta(days=6))
    assert is_told(NOW + timedelta(days=7))
    assert is_told(count=0)
    assert is_told(amount_minor=4_500_000)
    assert not is_told(amount_minor=4_600_000)
    assert not is_told(amount_minor=9_000_000)
