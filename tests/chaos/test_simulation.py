"""The simulation of `make chaos`: it passes, it is the same each time, and it notices what is broken."""

import pytest

from benchmarks.chaos.many import stage
from benchmarks.chaos.sabotage import BREAKS, broken
from reconcilers.state.views import list_corrections

SEEDS = range(25)
# Found within so many seeds from the first on; `make chaos SEEDS=200 BREAK=...` looks further.
NOTICED_WITHIN = 40


@pytest.fixture(scope="module")
def place():
    with stage() as made:
        yield made
        made.state.close()


def test_every_invariant_holds_in_every_seed_and_each_class_takes_effect_in_some(place):
    effective = set()
    for seed in SEEDS:
        result = place.play(seed)
        assert result.breaches == (), f"make chaos SEED={seed}"
        assert set(result.states) <= {
            "accepted", "compensated", "superseded", "refused", "rejected", "proposed", "dead",
        }  # fmt: skip
        planned = list_corrections(place.state)
        effective |= {one.code for one in planned if one.state in {"accepted", "compensated"}}
    assert effective == {one.code for one in planned}


def test_a_seed_replays_exactly_on_another_stage(place):
    with stage() as other:
        for seed in (2, 3):
            assert other.play(seed) == place.play(seed)
        other.state.close()


@pytest.mark.parametrize("name", BREAKS)
def test_a_dispatcher_that_lacks_a_guarantee_is_noticed(place, name):
    with broken(name):
        assert any(place.play(seed).breaches for seed in range(NOTICED_WITHIN))
