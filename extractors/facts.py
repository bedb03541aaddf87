"""Which night, step, object or correction is being worked on: the facts on every log line inside.

Facts are ids and names; never a personal value, never a secret.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

_facts: ContextVar[Mapping[str, str]] = ContextVar("facts", default=MappingProxyType({}))


def facts() -> Mapping[str, str]:
    """What is known here of the work at hand, the widest fact first."""
    return _facts.get()


@contextmanager
def bound(**known: str) -> Iterator[None]:
    """Add facts for the block, and for the tasks that begin in it."""
    token = _facts.set({**_facts.get(), **known})
    try:
        yield
    finally:
        _facts.reset(token)
