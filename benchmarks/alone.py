"""A step in a process of its own, so that what it needs is its own."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any


def alone(step: Callable[..., Any], *given: object) -> Any:
    """What the step gives in a fresh interpreter."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(step, *given).result()
