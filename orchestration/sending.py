"""Opens every target and lets the dispatcher send: shared by the command and the job."""

import datetime as dt
from collections.abc import Callable
from contextlib import AsyncExitStack

from extractors.raw_zone import RawZone
from extractors.registry import open_target
from extractors.sandbox import control
from extractors.systems import RECONCILED
from orchestration.settings import Settings
from reconcilers.corrections.dispatch import DispatchSummary, dispatch
from reconcilers.corrections.expiry import expire
from reconcilers.corrections.guard import load_guard
from reconcilers.corrections.policy import load_policy
from reconcilers.state import State


def business_clock(settings: Settings) -> Callable[[], dt.datetime]:
    """The source systems' present: the sandbox has a clock of its own.

    Where there are no systems it is when what is stored of them was read.
    """
    if not settings.uses_sandbox:
        return lambda: dt.datetime.now(dt.UTC)
    read_at = RawZone(settings.raw_dir).newest_watermark()
    if read_at is not None and not control.is_there(settings.sandbox_dir):
        return lambda: read_at
    return lambda: control.status(settings.sandbox_dir).now


async def send(settings: Settings, state: State) -> DispatchSummary:
    """Send what is approved and has not expired, resolve what is unknown."""
    expire(state)
    async with AsyncExitStack() as stack:
        targets = {
            system: await stack.enter_async_context(open_target(settings.target_config(system)))
            for system in RECONCILED
        }
        budgets = load_policy(settings.policy_path).budgets
        guard = load_guard(settings.matrix_path)
        clock = business_clock(settings)
        return await dispatch(
            state, targets, clock, budgets=budgets, guard=guard, seals=settings.seals()
        )
