"""Breaks the dispatcher on purpose: what the simulation does not notice, it does not prove."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from types import ModuleType
from typing import Any
from unittest.mock import patch

from extractors.protocol import Target
from reconcilers.corrections import desk as persisting
from reconcilers.corrections import dispatch as dispatching
from reconcilers.corrections.budget import Budgets
from reconcilers.corrections.delivery import Order
from reconcilers.corrections.look import Sight, Standing
from reconcilers.corrections.steps import Begin, Fate, Step
from reconcilers.state.store import State

_look, _persist = dispatching.look, persisting.persist


async def _look_only_once(target: Target, order: Order) -> Sight:
    """Whatever has no answer is sent again without asking what became of it."""
    if order.was_called:
        return Sight(Standing.DRIFTED, "assumed")
    return await _look(target, order)


async def _look_without_comparing(target: Target, order: Order) -> Sight:
    """What stands in the record now is written over, be it what drifted or not."""
    sight = await _look(target, order)
    return replace(sight, standing=Standing.DRIFTED) if sight.standing is Standing.OTHER else sight


def _persist_no_intent(
    state: State, steps: Sequence[Step], now: datetime, budgets: Budgets
) -> list[Fate]:
    """The call goes out before the outbox knows of it."""
    others = iter(_persist(state, [s for s in steps if not isinstance(s, Begin)], now, budgets))
    return [None if isinstance(step, Begin) else next(others) for step in steps]


BREAKS: Mapping[str, tuple[ModuleType, str, Callable[..., Any]]] = {
    "resend": (dispatching, "look", _look_only_once),
    "no-compare": (dispatching, "look", _look_without_comparing),
    "no-intent": (persisting, "persist", _persist_no_intent),
}


@contextmanager
def broken(name: str | None) -> Iterator[None]:
    """The dispatcher with one of its guarantees taken out; None leaves it whole."""
    if name is None:
        yield
        return
    with patch.object(*BREAKS[name]):
        yield
