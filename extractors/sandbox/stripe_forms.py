"""Stripe's request parameters: nested form encoding; every one must be known and valid."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl

from extractors.sandbox.stripe_errors import StripeError

_KEY = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")
_PART = re.compile(r"\[([^\[\]]*)\]")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
METADATA_KEYS = 50
METADATA_KEY_LENGTH = 40
METADATA_VALUE_LENGTH = 500

Spec = str | Mapping[str, Any] | Sequence[Any] | frozenset[str]
"""What a parameter may be: a named type, an object of parameters, a list, an enumeration."""


def parse(encoded: str) -> dict[str, Any]:
    """`a[b][0]=x&c[]=y` -> {"a": {"b": {"0": "x"}}, "c": {"0": "y"}}; specs tell the lists."""
    parameters: dict[str, Any] = {}
    for key, value in parse_qsl(encoded, keep_blank_values=True):
        match = _KEY.match(key)
        if match is None:
            raise StripeError(f"Invalid parameter name: {key}", "parameter_unknown", key)
        _insert(parameters, [match.group(1), *_PART.findall(match.group(2))], value)
    return parameters


def _insert(parameters: dict[str, Any], path: Sequence[str], value: str) -> None:
    level = parameters
    for part, following in pairwise(path):
        level = level.setdefault(part or _place(level, following), {})
        if not isinstance(level, dict):
            raise StripeError(f"Invalid object: {following}", None, path[0])
    level[path[-1] or str(len(level))] = value


def _place(elements: Mapping[str, Any], name: str) -> str:
    """Where `[][name]` belongs: in the last element, unless that has one of the name already."""
    last = str(len(elements) - 1)
    is_open = isinstance(elements.get(last), dict) and name not in elements[last]
    return last if is_open else str(len(elements))


def checked(
    parameters: Mapping[str, Any], specs: Mapping[str, Any], prefix: str = ""
) -> dict[str, Any]:
    """The parameters with their types; the first that is unknown or invalid raises."""
    values = {}
    for name, value in parameters.items():
        param = f"{prefix}[{name}]" if prefix else name
        if name not in specs:
            raise StripeError(f"Received unknown parameter: {param}", "parameter_unknown", param)
        values[name] = _value(value, specs[name], param)
    return values


def require(parameters: Mapping[str, Any], *names: str) -> None:
    for name in names:
        if parameters.get(name) in (None, ""):
            raise StripeError(f"Missing required param: {name}.", "parameter_missing", name)


def _value(value: Any, spec: Spec, param: str) -> Any:
    if isinstance(spec, str):
        return _READERS[spec](value, param)
    if isinstance(spec, frozenset):
        return _enumerated(value, spec, param)
    if value == "":
        return None
    if not isinstance(value, Mapping):
        kind = "object" if isinstance(spec, Mapping) else "array"
        raise StripeError(f"Invalid {kind}", None, param)
    if isinstance(spec, Mapping):
        return checked(value, spec, param)
    return _listed(value, spec[0], param)


def _listed(value: Mapping[str, Any], spec: Spec, param: str) -> list[Any]:
    if not all(index.isdecimal() for index in value):
        raise StripeError("Invalid array", None, param)
    ordered = sorted(value, key=int)
    return [_value(value[index], spec, f"{param}[{index}]") for index in ordered]


def _enumerated(value: Any, allowed: frozenset[str], param: str) -> str:
    if value not in allowed:
        message = f"Invalid {param}: must be one of {', '.join(sorted(allowed))}"
        raise StripeError(message, None, param)
    return str(value)


def _text(value: Any, param: str) -> str | None:
    if not isinstance(value, str):
        raise StripeError(f"Invalid string: {value}", None, param)
    return value or None


def _integer(value: Any, param: str) -> int:
    if not isinstance(value, str) or not re.fullmatch(r"-?\d+", value):
        raise StripeError(f"Invalid integer: {value}", "parameter_invalid_integer", param)
    return int(value)


def _moment(value: Any, param: str) -> int | None:
    """A time (unix seconds); an empty value takes it away."""
    return None if value == "" else _integer(value, param)


def _count(value: Any, param: str) -> int:
    number = _integer(value, param)
    if number < 0:
        message = "This value must be greater than or equal to 0."
        raise StripeError(message, "parameter_invalid_integer", param)
    return number


def _boolean(value: Any, param: str) -> bool:
    if value not in {"true", "false"}:
        raise StripeError(f"Invalid boolean: {value}", None, param)
    return value == "true"


def _decimal(value: Any, param: str) -> str:
    try:
        return format(Decimal(value), "f")
    except (InvalidOperation, TypeError):
        raise StripeError(f"Invalid decimal: {value}", None, param) from None


def _number(value: Any, param: str) -> Decimal:
    return Decimal(_decimal(value, param))


def _email(value: Any, param: str) -> str | None:
    if value and not _EMAIL.fullmatch(value):
        raise StripeError(f"Invalid email address: {value}", "email_invalid", param)
    return value or None


def _metadata(value: Any, param: str) -> dict[str, str] | None:
    """None clears all; an empty value clears its key."""
    if value == "":
        return None
    if not isinstance(value, Mapping):
        raise StripeError("Invalid object", None, param)
    for key, text in value.items():
        if len(key) > METADATA_KEY_LENGTH or len(_text(text, param) or "") > METADATA_VALUE_LENGTH:
            message = (
                f"Metadata keys can have up to {METADATA_KEY_LENGTH} characters "
                f"and values up to {METADATA_VALUE_LENGTH}."
            )
            raise StripeError(message, None, f"{param}[{key}]")
    return dict(value)


def merged_metadata(before: Mapping[str, str] | None, change: Mapping[str, str] | None) -> Any:
    """Metadata after a change, as Stripe merges it."""
    if change is None:
        return {}
    merged = {**(before or {}), **change}
    kept = {key: value for key, value in merged.items() if value != ""}
    if len(kept) > METADATA_KEYS:
        raise StripeError(f"You can only have {METADATA_KEYS} metadata keys", None, "metadata")
    return kept


def _range(value: Any, param: str) -> dict[str, int]:
    """A time (unix seconds) or bounds on one."""
    if isinstance(value, str):
        return {"eq": _integer(value, param)}
    bounds: dict[str, Any] = dict.fromkeys(("gt", "gte", "lt", "lte"), "integer")
    return checked(value, bounds, param)


_READERS = {
    "text": _text,
    "integer": _integer,
    "moment": _moment,
    "count": _count,
    "boolean": _boolean,
    "decimal": _decimal,
    "number": _number,
    "email": _email,
    "metadata": _metadata,
    "range": _range,
}
