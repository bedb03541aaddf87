"""Exceptions roll from night to night, and each correction belongs to one of them."""

import polars as pl
import pytest
from sqlalchemy import delete, insert, update

from reconcilers.corrections.policy import load_policy
from reconcilers.exceptions import record_night
from reconcilers.state.models import CorrectionRecord, ExceptionRecord
from reconcilers.state.tieouts import record_tieouts
from reconcilers.tieout_state import state_lines
from tests.correction_samples import at, fresh_state, night
from tests.drift_samples import drift, missing_invoice

POLICY = load_policy()
EXPONENTS = {"USD": 2}


@pytest.fixture
def state(tmp_path):
    opened = fresh_state(tmp_path)
    yield opened
    opened.close()


def found(number, *rows):
    return drift(*[row | {"snapshot_date": night(number)} for row in rows])


def tied(state, number, *rows, recorded=None):
    """TO-EXC and TO-OUT of a night that found these rows; `recorded` if the store has others."""
    frame = found(number, *rows)
    stored = frame if recorded is None else found(number, *recorded)
    record_night(
        state,
        night(number),
        stored,
        f"run-{number}",
        watermarks={"netsuite.transaction": at(number)},
        policy=POLICY,
        recorded_at=at(number, 3),
    )
    return list(state_lines(state, night(number), frame, "USD", EXPONENTS))


def test_exceptions_open_where_the_last_night_closed(state):
    tied(state, 0, missing_invoice("in_1"), missing_invoice("in_2"))
    second, _ = tied(state, 1, missing_invoice("in_2", impact_reporting_minor=-20_000))
    assert second["detail"] == (
        "opening 2 (304.80 USD) - self-resolved 1 (152.40 USD) + revalued (47.60 USD) "
        "= 1 (200.00 USD)"
    )
    third, _ = tied(state, 2, missing_invoice("in_1"), missing_invoice("in_3"))
    assert third["detail"] == (
        "opening 1 (200.00 USD) + detected 1 (152.40 USD) + re-opened 1 (152.40 USD) "
        "- self-resolved 1 (200.00 USD) = 2 (304.80 USD)"
    )
    assert (third["left_rows"], third["left_minor"], third["holds"]) == (2, 30_480, True)


def test_what_tonight_cannot_disprove_is_carried_over(state):
    tied(state, 0, missing_invoice("in_1"))
    line, _ = tied(state, 1, missing_invoice("in_1", disposition="unproven"))
    assert (line["left_rows"], line["right_rows"], line["holds"]) == (1, 1, True)
    assert (line["matched_minor"], line["explained_minor"]) == (0, 15_240)


def test_what_stays_open_without_being_seen_or_in_doubt_breaks_the_roll_forward(state):
    rows = [missing_invoice("in_1"), missing_invoice("in_2")]
    line, _ = tied(state, 0, rows[0], recorded=rows)
    assert (line["holds"], line["unexplained_rows"], line["unexplained_minor"]) == (
        False,
        1,
        15_240,
    )


def test_an_exception_that_the_store_lost_breaks_the_roll_forward(state):
    rows = [missing_invoice("in_1"), missing_invoice("in_2")]
    line, _ = tied(state, 0, *rows, recorded=rows[:1])
    assert (line["holds"], line["unexplained_rows"], line["unexplained_minor"]) == (
        False,
        1,
        -15_240,
    )


def test_an_exception_of_another_amount_in_the_store_breaks_it_too(state):
    line, _ = tied(
        state,
        0,
        missing_invoice("in_1"),
        recorded=[missing_invoice("in_1", impact_reporting_minor=1)],
    )
    assert not line["holds"]


def test_an_old_night_ties_out_again_as_it_did(state):
    first = tied(state, 0, missing_invoice("in_1"))
    tied(state, 1, missing_invoice("in_2"))
    again = list(state_lines(state, night(0), found(0, missing_invoice("in_1")), "USD", EXPONENTS))
    assert again == first


def planned(state, name, stands, on=0, **others):
    key = missing_invoice("in_1")["exception_key"]
    texts = {
        column.name: "x" for column in CorrectionRecord.__table__.columns if not column.nullable
    }
    values = texts | {
        "correction_id": name, "idempotency_key": name, "exception_key": key, "state": stands,
        "snapshot_date": night(on), "planned_at": at(on), "changed_at": at(on), "after": {},
        "payload": {}, "refusals": [], "writes": 0, "impact_reporting_minor": 100, **others,
    }  # fmt: skip
    with state.begin() as session:
        session.execute(insert(CorrectionRecord), [values])


def test_planned_corrections_are_open_or_closed_and_belong_to_an_exception(state):
    tied(state, 0, missing_invoice("in_1"))
    tied(state, 1, missing_invoice("in_1"))
    planned(state, "a", "verified")
    planned(state, "b", "dead")
    planned(state, "tonight", "proposed", on=1)
    _, line = state_lines(state, night(1), found(1, missing_invoice("in_1")), "USD", EXPONENTS)
    assert (line["left_rows"], line["matched_minor"], line["explained_minor"]) == (2, 100, 100)
    assert (line["detail"], line["holds"]) == ("dead 1, verified 1", True)
    with state.begin() as session:
        session.execute(delete(ExceptionRecord))
    _, line = state_lines(state, night(1), found(1), "USD", EXPONENTS)
    assert (line["unexplained_rows"], line["unexplained_minor"], line["holds"]) == (2, 200, False)


def test_a_night_that_is_tied_out_again_tells_what_stood_open_then(state):
    tied(state, 0, missing_invoice("in_1"))
    tied(state, 1, missing_invoice("in_1"))
    planned(state, "a", "proposed")
    found_tonight = found(1, missing_invoice("in_1"))
    _, line = state_lines(state, night(1), found_tonight, "USD", EXPONENTS)
    record_tieouts(state, night(1), pl.DataFrame([{**line, "period": None}]))
    with state.begin() as session:
        session.execute(update(CorrectionRecord).values(state="superseded"))
    assert list(state_lines(state, night(1), found_tonight, "USD", EXPONENTS))[1] == line
    planned(state, "lost", "proposed")
    _, line = state_lines(state, night(1), found_tonight, "USD", EXPONENTS)
    assert line["detail"] == "proposed 1, superseded 1"


def test_a_correction_and_its_undo_tie_out(state):
    tied(state, 0, missing_invoice("in_1"))
    planned(state, "a", "compensated")
    planned(state, "undo", "accepted", exception_key="of no exception", action="undo_update")
    planned(state, "done", "verified", exception_key="of none either", action="undo_posting")
    _, line = state_lines(state, night(1), found(1, missing_invoice("in_1")), "USD", EXPONENTS)
    assert (line["left_rows"], line["matched_minor"], line["explained_minor"]) == (3, 100, 200)
    assert (line["detail"], line["holds"]) == ("accepted 1, compensated 1, verified 1", True)
