"""Questions go out as a CSV and come back as decisions, all of them or none."""

from datetime import date

import polars as pl
import pytest

from reconcilers.edited_csv import EditedFileError
from reconcilers.identity.overrides import load_overrides
from reconcilers.identity.stewardship import Answered, export_questions, import_answers

DAY = date(2026, 7, 1)
QUEUE = pl.DataFrame(
    {
        "place": [1, 2],
        "reason": ["fits several", "joined for now"],
        "left_system": ["salesforce", "salesforce"],
        "left_id": ["A1", "A2"],
        "left_name": ["Müller, Söhne", "Acme"],
        "right_system": ["stripe", "netsuite"],
        "right_id": ["B1", "7"],
    }
)


@pytest.fixture
def returned(tmp_path):
    """The exported file with answers filled in by place."""

    def answer(*decisions, separator=","):
        path = tmp_path / "questions.csv"
        export_questions(QUEUE, path)
        frame = pl.read_csv(path, infer_schema=False)
        filled = frame.with_columns(pl.Series("decision", decisions))
        filled.write_csv(path, separator=separator)
        return path

    return answer


def overrides_of(path):
    return load_overrides(path, DAY)


@pytest.mark.parametrize("separator", [",", ";"])
def test_a_returned_file_becomes_decisions(returned, tmp_path, separator):
    target = tmp_path / "overrides.csv"
    done = import_answers(returned("link", "No", separator=separator), target, DAY, "kim")
    assert done == Answered(taken=2, known=0, blank=0)
    decided = overrides_of(target)
    assert decided.links == ((("salesforce", "A1"), ("stripe", "B1")),)
    assert decided.never == ((("netsuite", "7"), ("salesforce", "A2")),)
    assert "fits several,kim,2026-07-01," in target.read_text()


def test_questions_left_blank_stay_open(returned, tmp_path):
    done = import_answers(returned("", "link"), tmp_path / "overrides.csv", DAY, "kim")
    assert (done.taken, done.blank) == (1, 1)


def test_the_same_file_twice_changes_nothing(returned, tmp_path):
    target = tmp_path / "overrides.csv"
    answers = returned("link", "different")
    import_answers(answers, target, DAY, "kim")
    before = target.read_bytes()
    assert import_answers(answers, target, DAY, "kim") == Answered(taken=0, known=2, blank=0)
    assert target.read_bytes() == before


def test_an_answer_that_contradicts_a_decision_is_refused_as_a_whole(returned, tmp_path):
    target = tmp_path / "overrides.csv"
    import_answers(returned("link", ""), target, DAY, "kim")
    before = target.read_bytes()
    with pytest.raises(EditedFileError, match="contradicts the link in line 2"):
        import_answers(returned("never_link", "link"), target, DAY, "kim")
    assert target.read_bytes() == before
    assert list(tmp_path.glob("*.draft")) == []


def test_a_word_that_is_no_answer_is_told_with_its_line(returned, tmp_path):
    with pytest.raises(EditedFileError, match="line 3, decision: must be one of"):
        import_answers(returned("link", "perhaps"), tmp_path / "overrides.csv", DAY, "kim")


def test_a_file_without_the_column_for_decisions_is_refused(tmp_path):
    path = tmp_path / "other.csv"
    path.write_text("left_system,left_id\nstripe,B1\n")
    with pytest.raises(EditedFileError, match="decision: column is missing"):
        import_answers(path, tmp_path / "overrides.csv", DAY, "kim")
