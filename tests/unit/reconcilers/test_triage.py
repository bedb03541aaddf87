"""What people say of exceptions is kept, holds while the exception is open, and closes nothing."""

import csv
import io
from datetime import timedelta

import pytest

from reconcilers import triage
from reconcilers.corrections.policy import load_policy
from reconcilers.edited_csv import EditedFileError
from reconcilers.exceptions import record_night
from reconcilers.state.audit import verify_audit
from reconcilers.state.views import list_exceptions
from reconcilers.triage import (
    ASKED_HOLDS,
    Said,
    TriageRefusedError,
    standings,
)
from reconcilers.triage_csv import COLUMNS, export_open, take_words
from tests.correction_samples import at, fresh_state, night
from tests.drift_samples import drift, missing_invoice, stale_status

LATER = night(20)


@pytest.fixture
def state(tmp_path):
    opened = fresh_state(tmp_path)
    record(opened, 0, stale_status(), missing_invoice())
    yield opened
    opened.close()


def record(state, number, *rows):
    record_night(state, night(number), drift(*rows), f"run-{number}", watermarks={},
                 policy=load_policy(), recorded_at=at(number, 3))  # fmt: skip


def key_of(code):
    return next(row["exception_key"] for row in drift(stale_status(), missing_invoice()).to_dicts()
                if row["code"] == code)  # fmt: skip


INVOICE, STATUS = key_of("INV-MISS-01"), key_of("SUB-STAT-01")


def spoken(say):
    """The word in a transaction of its own."""

    def in_session(state, *words):
        with state.begin() as session:
            return say(session, *words)

    return in_session


assign, comment = spoken(triage.assign), spoken(triage.comment)
ask_waiver, grant_waiver = spoken(triage.ask_waiver), spoken(triage.grant_waiver)


def said(actor, *keys, hour=6):
    return Said(keys or (INVOICE,), actor, at(0, hour))


def states(state):
    return {view.code: view.state for view in list_exceptions(state)}


def test_the_newest_assignee_counts_and_all_comments_do(state):
    assign(state, said("ann", INVOICE, STATUS), "ben")
    assign(state, said("ben"), "cid")
    comment(state, said("cid"), "asked the customer")
    comment(state, said("ann"), "they answered")
    known = standings(state)
    assert (known[INVOICE].assignee, known[STATUS].assignee) == ("cid", "ben")
    assert known[INVOICE].comments == (
        "cid, 2026-07-01: asked the customer", "ann, 2026-07-01: they answered",
    )  # fmt: skip
    assert states(state) == {"INV-MISS-01": "OPEN", "SUB-STAT-01": "OPEN"}
    assert verify_audit(state).holds


def test_a_waiver_takes_two_people(state):
    with pytest.raises(TriageRefusedError, match="nobody asked"):
        grant_waiver(state, said("ben"))
    ask_waiver(state, said("ann"), LATER, "paid by cheque, in the post")
    assert standings(state)[INVOICE].asked.by == "ann"
    with pytest.raises(TriageRefusedError, match="cannot grant it"):
        grant_waiver(state, said("ann"))
    assert states(state)["INV-MISS-01"] == "OPEN"
    assert grant_waiver(state, said("ben")) == 1
    assert states(state) == {"INV-MISS-01": "WAIVED", "SUB-STAT-01": "OPEN"}
    assert standings(state)[INVOICE].asked is None


def test_what_was_asked_for_long_ago_is_asked_for_again(state):
    ask_waiver(state, said("ann"), LATER, "soon")
    late = Said((INVOICE,), "ben", at(0, 6) + ASKED_HOLDS + timedelta(seconds=1))
    with pytest.raises(TriageRefusedError, match="in the last days"):
        grant_waiver(state, late)


def test_a_word_without_words_is_refused(state):
    for say in (
        lambda: assign(state, said("ann"), " "),
        lambda: comment(state, said("ann"), ""),
        lambda: ask_waiver(state, said("ann"), LATER, ""),
    ):
        with pytest.raises(TriageRefusedError, match="it needs"):
            say()


def test_nothing_is_said_of_what_is_closed_or_unknown_and_then_of_no_other(state):
    record(state, 1, missing_invoice())
    with pytest.raises(TriageRefusedError, match="no open exception"):
        assign(state, said("ann", INVOICE, STATUS), "ben")
    with pytest.raises(TriageRefusedError, match="no open exception"):
        comment(state, said("ann", "nothing"), "x")
    assert standings(state) == {}


def edited(path, **by_code):
    """The exported file with some cells of some rows filled in, saved again."""
    rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))
    for row in rows:
        row.update(by_code.get(row["code"].replace("-", "_"), {}))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return rows


def test_words_go_round_by_spreadsheet(state, tmp_path):
    path = tmp_path / "open.csv"
    assert export_open(state, path) == 2
    edited(
        path,
        INV_MISS_01={"decision": "ask_waiver", "expires_on": str(LATER), "text": "in the post"},
        SUB_STAT_01={"decision": "assign", "to": "ben"},
    )
    assert take_words(state, path, "ann", at(0, 6)) == {"ask_waiver": 1, "assign": 1}
    assert export_open(state, path, "INV-MISS-01") == 1
    (row,) = edited(path, INV_MISS_01={"decision": "grant_waiver"})
    assert row["waiver_asked_by"] == "ann"
    assert take_words(state, path, "ben", at(0, 7)) == {"grant_waiver": 1}
    assert states(state)["INV-MISS-01"] == "WAIVED"
    export_open(state, path)
    (row,) = edited(path)
    assert (row["assignee"], row["decision"]) == ("ben", "")
    assert take_words(state, path, "ann", at(0, 8)) == {}


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ({"decision": "close"}, "line 2, decision: must be one of assign"),
        ({"decision": "assign"}, "line 2, to: assign needs it"),
        ({"decision": "ask_waiver", "text": "x", "expires_on": "soon"}, "line 2, expires_on"),
        ({"decision": "ask_waiver", "text": "x"}, "line 2, expires_on: ask_waiver needs it"),
        ({"decision": "grant_waiver"}, "line 2, decision: nobody asked"),
        ({"decision": "comment", "text": "x", "exception_key": "none"}, "no open exception"),
    ],
)
def test_a_mistake_in_a_file_is_told_by_its_line_and_nothing_is_taken(state, tmp_path, cells, told):
    path = tmp_path / "open.csv"
    export_open(state, path, "INV-MISS-01")
    edited(path, INV_MISS_01=cells)
    with pytest.raises(EditedFileError, match=told):
        take_words(state, path, "ann")
    assert standings(state) == {}


def test_a_waiver_is_of_the_money_that_was_seen(state, tmp_path):
    path = tmp_path / "open.csv"
    export_open(state, path, "INV-MISS-01")
    ask_waiver(state, said("ann"), LATER, "in the post")
    record(state, 0, missing_invoice(impact_reporting_minor=99), stale_status())
    with pytest.raises(TriageRefusedError, match="another one since"):
        grant_waiver(state, said("ben"))
    edited(path, INV_MISS_01={"decision": "grant_waiver"})
    with pytest.raises(EditedFileError, match="impact_reporting_minor: is another one"):
        take_words(state, path, "ben", at(0, 7))


def test_of_a_file_all_is_taken_or_nothing(state, tmp_path):
    path = tmp_path / "open.csv"
    export_open(state, path)
    edited(path, INV_MISS_01={"decision": "grant_waiver"},
           SUB_STAT_01={"decision": "comment", "text": "known"})  # fmt: skip
    with pytest.raises(EditedFileError, match="nobody asked"):
        take_words(state, path, "ben", at(0, 7))
    assert standings(state) == {}
