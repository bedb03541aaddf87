"""Whatever the wire does and wherever the process dies: what lands is what the sources hold."""

import pytest

from benchmarks.fidelity import Trial, undergo
from extractors.sandbox.faults import CHAOS, KNOWN


def require_whole(verdict):
    assert [each for each in verdict.objects if not each.ok] == []
    assert sum(each.landed_rows for each in verdict.objects) > 1000


def test_an_extraction_that_dies_on_a_bad_wire_lands_every_row(tmp_path):
    """Faults for which nobody has to wait."""
    profile = "duplicate_pages+expired_tokens+stale_reads"
    verdict = undergo(Trial(seed=1, profile=profile, kills=1), tmp_path)
    require_whole(verdict)
    assert verdict.deaths == 1
    assert verdict.faults


@pytest.mark.slow
@pytest.mark.parametrize("profile", KNOWN)
def test_no_kind_of_fault_costs_a_row(profile, tmp_path):
    verdict = undergo(Trial(seed=2, profile=profile, kills=1), tmp_path)
    require_whole(verdict)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [3, 4])
def test_all_faults_and_many_deaths_cost_no_row(seed, tmp_path):
    """Enough records for parallel parts, query jobs and many chunks."""
    trial = Trial(seed=seed, profile=CHAOS, kills=6, records=45_000, chunk_rows=1_000)
    verdict = undergo(trial, tmp_path)
    require_whole(verdict)
    assert verdict.deaths >= 3
