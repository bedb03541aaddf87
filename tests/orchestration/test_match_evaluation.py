"""The measured quality of matching as shipped, on populations with a dense price grid."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest

from extractors.sandbox.unmatched import GENERATORS
from orchestration.match_evaluation import LEAST_PRECISION, EvaluationError, evaluate_matching
from reconcilers.match import Mode, load_pairings

SIZE = 1_200


@pytest.fixture(scope="module")
def measured():
    return evaluate_matching(7, SIZE)


def test_every_automatic_pass_is_precise_enough_to_be_automatic(measured):
    assert measured.automatic_precision >= LEAST_PRECISION
    assert measured.is_good


def test_much_is_matched_automatically_and_nearly_all_with_suggestions(measured):
    for pairing in measured.pairings:
        assert pairing.automatic_rate > 0.7, pairing.name
        assert pairing.rate > 0.85, pairing.name


def test_amount_and_date_alone_would_mostly_be_wrong(measured):
    naive = {pairing.name: pairing.naive_precision for pairing in measured.pairings}
    assert naive["cash_application"] < 0.5
    assert naive["lost_invoice_keys"] < 0.5


def test_every_pass_finds_something_on_the_generated_populations(measured):
    """A pass that never matches here is not measured."""
    idle = {
        (pairing.name, each.name)
        for pairing in measured.pairings
        for each in pairing.passes
        if each.matches == 0
    }
    assert idle <= {
        ("cash_application", "instalments"),
        ("payouts_to_bank", "day_in_sum"),
        ("journals_to_documents", "documents_of_thread"),
        ("lost_invoice_keys", "number_other_amount"),
    }


def test_a_pass_that_guesses_is_found_out():
    (cash, *_) = load_pairings()
    guessing = replace(
        cash,
        passes=tuple(
            replace(each, mode=Mode.AUTOMATIC) if each.name == "amount_of_customer" else each
            for each in cash.passes
        ),
    )
    assert not evaluate_matching(7, SIZE, [guessing]).is_good


def test_the_file_of_the_passes_names_no_measured_figure_only_what_is_required():
    text = (files("reconcilers.match") / "passes.toml").read_text("utf-8")
    assert set(re.findall(r"([\d.]+) ?%", text)) == {f"{LEAST_PRECISION * 100:.1f}"}


def test_the_same_seed_gives_the_same_records():
    for generate in GENERATORS.values():
        assert generate(3, 60) == generate(3, 60)
        assert generate(3, 60) != generate(4, 60)


def test_a_pairing_without_labels_cannot_be_measured():
    (cash, *_) = load_pairings()
    with pytest.raises(EvaluationError, match="no labelled records for the pairing barter"):
        evaluate_matching(7, SIZE, [replace(cash, name="barter")])


def test_the_command_prints_rate_and_precision_per_pass():
    tieout = str(Path(sys.executable).with_name("tieout"))
    words = ["evaluate", "match", "--seed", "2", "--records", "300", "--json"]
    answer = subprocess.run([tieout, *words], capture_output=True, text=True, check=False)
    told = json.loads(answer.stdout)
    assert (answer.returncode == 0) == told["is_good"]
    assert {"matches", "right", "rate", "precision"} <= told["pairings"][0]["passes"][0].keys()
