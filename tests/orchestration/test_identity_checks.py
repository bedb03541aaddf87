"""What holds a night back, and what only warns."""

from dataclasses import replace

import dagster as dg
import pytest

from orchestration.identity_checks import is_held, results
from reconcilers.identity import CrosswalkSummary
from reconcilers.identity.measures import Measures

QUIET = CrosswalkSummary(
    records=10_000,
    customers=4000,
    by_method={},
    by_band={},
    expired_overrides=0,
    unknown_override_records=(),
    new_records=0,
    changed_records=0,
    merged_customers=0,
    split_customers=0,
    measures=Measures(
        dangling_xrefs=0,
        contradicted_xrefs=10,
        xrefs=1000,
        masked_xrefs=100,
        masked_recall=0.97,
        ambiguous=0,
        queue=5,
        generic_tax_ids=0,
        generic_domains=0,
        generic_phones=0,
        dropped_keys=0,
        largest_customer=6,
        rings=0,
        two_parents=0,
    ),
)


def failed(summary):
    return {check.check_name for check in results(summary, 0.005) if not check.passed}


@pytest.mark.parametrize(
    ("records", "changed", "held"),
    [
        (10_000, 50, False),
        (10_000, 51, True),
        (100, 20, False),  # a handful is never a mistake, however small the company
        (100, 21, True),
    ],
)
def test_a_night_that_moves_more_than_the_share_is_held(records, changed, held):
    summary = replace(QUIET, records=records, changed_records=changed)
    assert is_held(summary, 0.005) is held
    assert ("ids_changed" in failed(summary)) is held


def test_a_released_night_goes_on():
    assert not is_held(replace(QUIET, changed_records=9000), 1.0)


def test_a_quiet_night_passes_everything():
    assert failed(QUIET) == set()


@pytest.mark.parametrize(
    ("measured", "check"),
    [
        ({"masked_recall": 0.8}, "references_found_again"),
        ({"contradicted_xrefs": 51}, "references_contradicted"),
        ({"largest_customer": 51}, "largest_customer"),
        ({"queue": 1001}, "questions"),
    ],
)
def test_what_looks_wrong_warns_and_does_not_stop(measured, check):
    summary = replace(QUIET, measures=replace(QUIET.measures, **measured))
    found = [each for each in results(summary, 0.005) if not each.passed]
    assert [(each.check_name, each.severity) for each in found] == [
        (check, dg.AssetCheckSeverity.WARN)
    ]


def test_recall_of_a_few_masked_references_is_chance_and_not_judged():
    few = replace(QUIET.measures, masked_xrefs=3, masked_recall=0.0)
    assert failed(replace(QUIET, measures=few)) == set()
