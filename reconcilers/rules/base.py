"""What a rule is: a predicate over one comparison, and how to tell what it found.

Rules are data. They hold Narwhals expressions and know no engine, no clock and no file.
"""

from dataclasses import dataclass, field

import narwhals as nw

# Which product plays which role; `<role>_id` in a comparison is an id of that system.
SYSTEM_OF_ROLE = {"crm": "salesforce", "billing": "stripe", "erp": "netsuite", "bank": "bank"}
# Those that keep customers and documents of their own; a bank only tells what it moved.
RECORDING_ROLES = ("crm", "billing", "erp")
ROLE_OF_SYSTEM = {system: role for role, system in SYSTEM_OF_ROLE.items()}

NOTHING = nw.lit(None, dtype=nw.String)


@dataclass(frozen=True)
class Party:
    """One side of a drift: role, system and source id as expressions over the comparison."""

    role: nw.Expr
    system: nw.Expr
    id: nw.Expr


def party(role: str) -> Party:
    return Party(nw.lit(role), nw.lit(SYSTEM_OF_ROLE[role]), nw.col(f"{role}_id"))


def either(first: str, second: str, is_first: nw.Expr) -> Party:
    """The first role where the condition holds, else the second."""
    one, other = party(first), party(second)
    return Party(
        role=nw.when(is_first).then(one.role).otherwise(other.role),
        system=nw.when(is_first).then(one.system).otherwise(other.system),
        id=nw.when(is_first).then(one.id).otherwise(other.id),
    )


@dataclass(frozen=True)
class Rule:
    """A drift class over one comparison.

    `drifts` is pushed down to the engine; the other expressions are read only on rows that drifted.
    Rows with an excluded_reason are never looked at. A null predicate means no drift.
    """

    code: str
    over: str  # name of the comparison
    drifts: nw.Expr
    applies: nw.Expr  # the rows it could fire on: the population of the systemic guard
    owner: Party
    replica: Party | None
    impact_minor: nw.Expr  # signed: + we lose or under-report, - over-charged or over-stated
    expected: nw.Expr = field(default_factory=lambda: nw.lit("present"))
    observed: nw.Expr = field(default_factory=lambda: nw.lit("missing"))
    attribute: str = ""  # '' = existence
    part: nw.Expr | None = None  # what of the attribute, e.g. which product
    grace_hours: int = 0
    coverage: str | None = None  # column: seconds that the target had had to learn of the event
    cause: nw.Expr = field(default_factory=lambda: NOTHING)
    floor: nw.Expr = field(default_factory=lambda: nw.lit("S4"))  # least severity

    @property
    def name(self) -> str:
        """Tells the rule apart from every other one, e.g. in the systemic guard."""
        return f"{self.code}/{self.over}/{self.attribute}"
