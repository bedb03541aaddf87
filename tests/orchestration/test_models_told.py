"""A step of dbt of which not every table was told."""

import dagster as dg
import pytest

from orchestration.assets.models import all_told

NAMES = ("invoice", "payment")


@pytest.mark.parametrize("told", [NAMES, NAMES[:1], ()])
def test_a_table_that_dbt_tells_nothing_of_fails_the_step(told):
    @dg.multi_asset(outs={name: dg.AssetOut(is_required=False) for name in NAMES}, can_subset=True)
    def models(context: dg.AssetExecutionContext):
        yield from all_told(context, [dg.Output(1, name) for name in told])

    result = dg.materialize([models], raise_on_error=False)

    assert result.success is (told == NAMES)
    if not result.success:
        (failed,) = [event for event in result.all_events if event.is_step_failure]
        reason = failed.step_failure_data.user_failure_data.description
        assert reason.startswith(f"dbt told of no result of {len(NAMES) - len(told)} tables: ")
        assert "payment" in reason
