"""Breaks the dispatcher on purpose: what the simulation does not notice, it does not prove."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from extractors.protocol import Target
from reconcilers.corrections import dispatch as dispatching
from reconcilers.corrections.delivery import Order
from reconcilers.corrections.look import Sight, Standing

_look = dispatching.look


async def _look_only_once(target: Target, order: Order) -> Sight:
    """Whatever has no answer is sent again without asking what became of it."""
    if order.was_called:
        return Sight(Standing.DRIFTED, "assumed")
    return await _look(target, order)


async def _look_without_comparing(target: Target, order: Order) -> Sight:
    """What stands in the record now is written over, be it what drifted or not."""
    sight = await _look(target, order)
    return replace(sight, standing=Standing.DRIFTED) if sight.standing is Standing.OTHER else sight


def _persist_nothing(*_: Any) -> None:
    """The call goes out before the outbox knows of it."""


BREAKS: Mapping[str, tuple[str, Callable[..., Any]]] = {
    "resend": ("look", _look_only_once),
    "no-compare": ("look", _look_without_comparing),
    "no-intent": ("begin_write", _persist_nothing),
}


@contextmanager
def broken(name: str | None) -> Iterator[None]:
    """The dispatcher with one of its guarantees taken out; None leaves it whole."""
    if name is None:
        yield
        return
    function, instead = BREAKS[name]
    with patch.object(dispatching, function, instead):
        yield
