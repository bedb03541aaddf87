from collections import Counter

import pytest

from orchestration.evaluate import EvaluationError, parse_plants, parse_skew
from orchestration.scoring import SUBJECT_COLUMNS, CodeScore, attribution, confusion, score
from reconcilers.rules.codes import CODES


def subject(code, owner):
    return (code, "", "stripe", owner, "", "")


def test_every_code_is_planted_unless_told_otherwise():
    assert set(parse_plants([])) == set(CODES)


def test_a_count_replaces_the_default_of_its_code_only():
    counts = parse_plants(["INV-AMT-01=40"])
    assert counts["INV-AMT-01"] == 40
    assert set(counts) == set(CODES)


def test_none_starts_from_nothing():
    assert parse_plants(["none"]) == {}
    assert parse_plants(["none", "JE-BAL-01=2"]) == {"JE-BAL-01": 2}


@pytest.mark.parametrize("word", ["INV-AMT-01", "INV-AMT-01=x", "NO-SUCH-01=1", "INV-AMT-01=-1"])
def test_a_word_that_says_nothing_plantable_is_refused_with_the_codes(word):
    with pytest.raises(EvaluationError, match="JE-BAL-01"):
        parse_plants([word])


def test_scores_tell_true_from_false_and_missed():
    seen = Counter([subject("A", "1"), subject("A", "2"), subject("B", "1")])
    real = Counter([subject("A", "1"), subject("A", "3")])
    assert score("A", seen, real, Counter({"A": 1})) == CodeScore(
        code="A", planted=1, implied=1, found=2, true=1, false=1, missed=1
    )


def test_the_same_drift_reported_twice_is_false_once():
    seen = Counter([subject("A", "1"), subject("A", "1")])
    real = Counter([subject("A", "1")])
    result = score("A", seen, real, Counter())
    assert (result.true, result.false, result.precision) == (1, 1, 0.5)


def test_nothing_planted_and_nothing_found_is_perfect():
    result = score("A", Counter(), Counter(), Counter())
    assert (result.precision, result.recall) == (1.0, 1.0)


def test_what_is_told_of_the_same_record_stands_in_for_what_is_true():
    right, wrong = subject("A", "1"), subject("B", "2")
    seen = Counter([right, wrong, wrong, subject("B", "9")])
    real = Counter([right, subject("A", "2"), subject("C", "3")])
    assert confusion(seen, real) == {
        "A": {"A": 1, "B": 1},
        "C": {"nothing": 1},
        "nothing": {"B": 2},
    }


def test_a_record_that_nobody_names_is_no_record_in_common():
    assert confusion(Counter([("B", "", "", "", "", "")]), Counter([subject("A", "1")])) == {
        "A": {"nothing": 1},
        "nothing": {"B": 1},
    }


def test_a_skew_is_in_whole_days_of_a_role():
    assert parse_skew(["erp=24h", "crm=48h"]) == {"netsuite": 1, "salesforce": 2}


@pytest.mark.parametrize("word", ["erp", "erp=1h", "bank=24h", "erp=-24h"])
def test_a_skew_that_cannot_be_made_is_refused_with_the_roles(word):
    with pytest.raises(EvaluationError, match="billing"):
        parse_skew([word])


def test_money_counts_as_attributed_where_the_first_cause_is_the_true_one():
    truth = [
        {**_truth("A", "1"), "caused_by": None},
        {**_truth("B", "2"), "caused_by": "1"},
        {**_truth("B", "3"), "caused_by": "1"},
    ]
    blamed = [
        (*subject("A", "1"), "1", 50),
        (*subject("B", "2"), "1", 30),
        (*subject("B", "3"), "3", 15),
        (*subject("C", "9"), "9", 5),
    ]
    assert attribution(blamed, truth) == 0.8
    assert attribution([], truth) == 1.0


def _truth(code, owner):
    return {"code": code, **dict(zip(SUBJECT_COLUMNS, subject(code, owner)[1:], strict=True))}
