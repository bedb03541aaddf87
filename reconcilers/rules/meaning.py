"""What a class of field drift means beyond "the values differ"."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import narwhals as nw

from reconcilers.matrix import FieldRule
from reconcilers.rules.base import NOTHING
from reconcilers.rules.severity import floor_of


@dataclass(frozen=True)
class Field:
    """A row of the matrix with its two columns."""

    rule: FieldRule
    owner: nw.Expr
    replica: nw.Expr


@dataclass(frozen=True)
class Meaning:
    """Impact, guard, cause and severity of the rules of one class."""

    impact_minor: Callable[[Field], nw.Expr]
    guard: nw.Expr = field(default_factory=lambda: nw.lit(value=True))
    part: nw.Expr | None = None
    cause: nw.Expr = field(default_factory=lambda: NOTHING)
    floor: nw.Expr | None = None
    coverage: str | None = None  # when it is not the replica's coverage of the row's event
    # of single attributes, where they differ from the class
    guards: Mapping[str, nw.Expr] = field(default_factory=dict)
    causes: Mapping[str, nw.Expr] = field(default_factory=dict)
    floors: Mapping[str, nw.Expr] = field(default_factory=dict)

    def guard_of(self, row: FieldRule) -> nw.Expr:
        own = self.guards.get(row.attribute)
        return self.guard if own is None else self.guard & own

    def cause_of(self, row: FieldRule) -> nw.Expr:
        return self.causes.get(row.attribute, self.cause)

    def floor_of(self, row: FieldRule) -> nw.Expr:
        own = self.floors.get(row.attribute, self.floor)
        return floor_of(row.drift_code, row.attribute) if own is None else own
