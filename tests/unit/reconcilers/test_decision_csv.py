"""Decisions on corrections by way of a CSV: what goes out comes back, all of it or nothing."""

import csv

import pytest

from reconcilers.corrections.approval import approve
from reconcilers.corrections.decision_csv import COLUMNS, export_waiting, take_decisions
from reconcilers.edited_csv import EditedFileError
from reconcilers.state.models import CorrectionRecord
from reconcilers.state.views import list_corrections, show_correction
from tests.correction_samples import at, fresh_state, plan_into
from tests.drift_samples import drift, missing_invoice
from tests.plan_facts import context


@pytest.fixture
def state(tmp_path):
    opened = fresh_state(tmp_path)
    frame = drift(missing_invoice("in_1"), missing_invoice("in_2"))
    plan_into(opened, frame, context(), at(0, 3))
    with opened.begin() as session:  # both wait for a person
        for record in session.query(CorrectionRecord):
            record.state = "proposed"
    yield opened
    opened.close()


@pytest.fixture
def sheet(state, tmp_path):
    path = tmp_path / "waiting.csv"
    assert export_waiting(state, path) == 2
    return path


def rows_of(path):
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def fill(path, *words, separator=","):
    rows = rows_of(path)
    for row, (decision, comment) in zip(rows, words, strict=True):
        row |= {"decision": decision, "comment": comment}
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, delimiter=separator)
        writer.writeheader()
        writer.writerows(rows)
    return rows


@pytest.mark.parametrize("separator", [",", ";"])
def test_what_a_person_fills_in_comes_back_as_that_persons_word(state, sheet, separator):
    rows = fill(sheet, ("approve", "checked"), ("reject", "a test"), separator=separator)
    done = take_decisions(state, sheet, "ann", at(1))
    assert done.blank == 0
    told = {view.correction_id: view.state for view in list_corrections(state)}
    assert [told[row["correction_id"]] for row in rows] == ["approved", "rejected"]
    (word,) = show_correction(state, rows[0]["correction_id"]).approvals
    assert (word.actor, word.comment, word.decision) == ("ann", "checked", "approve")


def test_a_row_left_blank_waits_on(state, sheet):
    fill(sheet, ("", ""), ("", "not sure"))
    assert take_decisions(state, sheet, "ann", at(1)).blank == 2
    assert {view.state for view in list_corrections(state)} == {"proposed"}


def test_one_mistake_keeps_all_decisions_back_and_is_told_by_its_line(state, sheet):
    fill(sheet, ("approve", "checked"), ("reject", ""))
    with pytest.raises(EditedFileError, match="line 3, decision: a rejection needs a comment"):
        take_decisions(state, sheet, "ann", at(1))
    assert {view.state for view in list_corrections(state)} == {"proposed"}


def test_a_word_that_is_no_decision_is_told(state, sheet):
    fill(sheet, ("yes", ""), ("", ""))
    with pytest.raises(EditedFileError, match="line 2, decision: must be one of approve, reject"):
        take_decisions(state, sheet, "ann", at(1))


def test_what_was_decided_or_planned_anew_since_is_not_decided_on_blindly(state, sheet):
    rows = fill(sheet, ("approve", ""), ("approve", ""))
    approve(state, [rows[0]["correction_id"]], "bob", "", at(1))
    with state.begin() as session:
        session.get_one(CorrectionRecord, rows[1]["correction_id"]).planned_at = at(2)
    with pytest.raises(EditedFileError) as told:
        take_decisions(state, sheet, "ann", at(3))
    first, second = (mistake.message for mistake in told.value.mistakes)
    assert "only proposed and held ones can be approved" in first
    assert "planned anew since" in second


def test_one_correction_on_two_lines_is_no_decision(state, sheet):
    text = sheet.read_text("utf-8-sig").splitlines(keepends=True)
    sheet.write_text("".join([text[0], text[1], text[1]]))
    fill(sheet, ("approve", ""), ("reject", "no"))
    with pytest.raises(EditedFileError, match="stands on more than one line"):
        take_decisions(state, sheet, "ann", at(1))


def test_text_that_a_spreadsheet_would_run_goes_out_as_text(state, tmp_path):
    with state.begin() as session:
        for record in session.query(CorrectionRecord):
            record.reason = "=1+1"
    export_waiting(state, tmp_path / "waiting.csv")
    assert {row["reason"] for row in rows_of(tmp_path / "waiting.csv")} == {"'=1+1"}
