"""From variables of the environment to what each connector needs.

Their names follow from the fields of a connector's configuration: `STRIPE_API_KEY` is `api_key` of
`stripe`, and `STRIPE_URL` its `base_url`.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_type_hints

from extractors.systems import RECONCILED, SYSTEMS


def variable_of(system: str, name: str) -> str:
    """The variable that sets a field of a system's configuration."""
    return f"{system}_{'url' if name == 'base_url' else name}".upper()


def variables(system: str, *, required: bool = False) -> dict[str, str]:
    """Variable to field, of all fields or of those that have no default."""
    return {
        variable_of(system, one.name): one.name
        for one in dataclasses.fields(SYSTEMS[system].config)
        if not required or _is_required(one)
    }


def given_to_write(environ: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """What the environment sets for dispatch alone: `STRIPE_WRITE_API_KEY` beside `STRIPE_API_KEY`.

    With it nothing that reads ever holds a credential that may write.
    """
    prefixed = {
        variable.replace("_WRITE_", "_", 1): value
        for variable, value in environ.items()
        if "_WRITE_" in variable
    }
    return given(prefixed)


def given(environ: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """What the environment says of each system that it names at all."""
    found = {
        system: {
            name: environ[variable]
            for variable, name in variables(system).items()
            if environ.get(variable)
        }
        for system in SYSTEMS
    }
    return {system: values for system, values in found.items() if values}


def mistakes(connections: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Why these connections cannot work: what is missing, and what contradicts itself.

    The systems of a night are configured together or not at all.
    """
    together = RECONCILED if connections.keys() & {*RECONCILED} else ()
    missing = [
        variable
        for system in {**dict.fromkeys(together), **connections}
        for variable, name in variables(system, required=True).items()
        if name not in connections.get(system, {})
    ]
    if missing:
        yield f"set also: {', '.join(missing)}"
        return
    for system, values in connections.items():
        try:
            config_of(system, values)
        except ValueError as error:
            yield f"{system}: {error}"


def config_of(system: str, values: Mapping[str, Any]) -> Any:
    """The configuration of a connector; values that it has no field for are left out.

    Raises:
        ValueError: the values contradict each other.

    """
    config = SYSTEMS[system].config
    kinds = get_type_hints(config)
    return config(
        **{
            one.name: _read_as(kinds[one.name], values[one.name])
            for one in dataclasses.fields(config)
            if one.name in values
        }
    )


def _read_as(kind: Any, value: Any) -> Any:
    if kind in {Path, Path | None}:
        return Path(value)
    if kind == tuple[str, ...] and isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _is_required(one: dataclasses.Field[Any]) -> bool:
    missing = dataclasses.MISSING
    return one.default is missing and one.default_factory is missing
