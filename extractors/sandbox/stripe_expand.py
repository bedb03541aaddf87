"""The `expand[]` parameter: which paths lead somewhere, and which kinds of object they bring."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from extractors.sandbox.stripe_eras import OLDER_FIELDS
from extractors.sandbox.stripe_errors import StripeError
from extractors.sandbox.stripe_fields import FIELDS, LISTS, SOURCE, Field
from extractors.sandbox.stripe_shapes import Tree

DEEPEST = 4

_SOURCE_KIND = "charge"
"""A source may be of several kinds; what is expanded inside of it is a charge's."""


def expansion(
    paths: Sequence[str], kind: str, *, is_list: bool = False, is_old: bool = False
) -> Tree:
    """The tree of `expand[]` paths; a path that leads nowhere raises."""
    tree: dict[str, Any] = {}
    for path in paths:
        parts = path.split(".")
        if len(parts) > DEEPEST:
            message = f"You cannot expand more than {DEEPEST} levels of a property"
            raise StripeError(f"{message}. Property: {path}", None, "expand")
        if is_list and parts[0] != "data":
            raise _not_expandable(path)
        rest = parts[1:] if is_list else parts
        if list(_fields(kind, rest, is_old)) == [] or None in _fields(kind, rest, is_old):
            raise _not_expandable(path)
        level = tree
        for part in rest:
            level = level.setdefault(part, {})
    return tree


def expanded_kinds(tree: Tree, kind: str, *, is_old: bool = False) -> set[str]:
    """The kinds of other objects that an expansion brings."""
    kinds: set[str] = set()
    for path in _paths(tree):
        for field in _fields(kind, path, is_old):
            if field is not None and field.how in {"ref", "found"}:
                kinds.add(_kind(field))
    return kinds


def _fields(kind: str, parts: Sequence[str], is_old: bool) -> Iterator[Field | None]:
    """The fields along a path; None where it leaves what can be expanded."""
    field: Field | None = None
    for part in parts:
        if part == "data" and field is not None and field.how in LISTS:
            continue
        known: Mapping[str, Field] = FIELDS.get(kind, {})
        if is_old:
            known = {**known, **OLDER_FIELDS.get(kind, {})}
        field = known.get(part)
        if field is None or field.how == "secret":
            yield None
            return
        yield field
        kind = _kind(field)


def _kind(field: Field) -> str:
    return _SOURCE_KIND if field.kind == SOURCE else field.kind


def _paths(tree: Tree) -> Iterator[list[str]]:
    for name, inside in tree.items():
        yield [name]
        for path in _paths(inside):
            yield [name, *path]


def _not_expandable(path: str) -> StripeError:
    return StripeError(f"This property cannot be expanded ({path}).", None, "expand")
