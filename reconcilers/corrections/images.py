"""Images of records: whether what is seen is what was meant."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from reconcilers.corrections.applications import applied
from reconcilers.sealing import is_same, is_sealed


def shows(record: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    """Whether a record has all these values."""
    return all(same(record, name, value) for name, value in values.items())


def same(record: Mapping[str, Any], name: str, value: Any) -> bool:
    """Equal values; an empty text is no value, and instants are compared as instants.

    Of a value that has members of its own, such as metadata, only those that are named count; of
    what a document is applied to all of it does.
    """
    seen = record.get(name)
    if is_sealed(value):
        return is_same(seen, value)
    if isinstance(value, Mapping):
        return shows(seen if isinstance(seen, Mapping) else {}, value)
    if isinstance(value, list) and (wanted := applied(value)) is not None:
        return applied(seen) == wanted
    if isinstance(seen, bool) or isinstance(value, bool):
        return seen is value  # what cannot be seen is not false
    return (seen or None) == (value or None) or _is_one_instant(seen, value)


def _is_one_instant(seen: object, value: object) -> bool:
    return _instant(seen) is not None and _instant(seen) == _instant(value)


def _instant(text: object) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else None
