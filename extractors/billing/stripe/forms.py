"""Stripe's form encoding of what is sent. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any


def form(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """`{"a": {"b": [1]}}` as `a[b][0]=1`; null clears a value, and nothing a list."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from form(inner, f"{name}[{key}]" if name else key)
    elif isinstance(value, list | tuple) and value:
        for at, inner in enumerate(value):
            yield from form(inner, f"{name}[{at}]")
    elif isinstance(value, bool):
        yield name, str(value).lower()
    else:
        yield name, "" if value is None or value == [] else str(value)
