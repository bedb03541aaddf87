"""What is read of bank statements: the statements and their lines, as text."""

from collections.abc import Mapping
from types import MappingProxyType

from extractors.protocol import ControlSum, Field, ObjectSpec, declare

# Decimals of an amount by currency (ISO 4217); the seed `currencies` of the models has the same.
EXPONENTS: Mapping[str, int] = MappingProxyType(
    dict.fromkeys(("USD", "EUR", "GBP", "AUD", "CAD", "CHF", "DKK", "NOK", "PLN", "SEK", "SGD"), 2)
    | {"JPY": 0, "KRW": 0, "KWD": 3}
)
# What `proof` says of a statement whose lines lead from its opening to its closing balance.
BALANCES = "balances"


def _object(
    name: str, *fields: tuple[Field, ...], control_sum: ControlSum | None = None
) -> ObjectSpec:
    declared = tuple(item for group in fields for item in group)
    return ObjectSpec(name, f"{name} of files", declared, control_sum=control_sum)


STATEMENT = _object(
    "statement",
    declare("id", "account", "number", required=True),
    declare("currency", required=True, allowed=tuple(EXPONENTS)),
    declare("from_date", "to_date", kind="date", required=True),
    declare("opening_balance", "closing_balance", kind="decimal", required=True),
    declare("proof", required=True, allowed=(BALANCES,)),
    declare("file", required=True),
)

STATEMENT_LINE = _object(
    "statement_line",
    declare("id", "statement_id", "account", required=True),
    declare("currency", required=True, allowed=tuple(EXPONENTS)),
    declare("booking_date", "value_date", kind="date", required=True),
    declare("amount", kind="decimal", required=True),
    declare("reference", "counterparty", "text"),
    declare("file", required=True),
    declare("row", kind="integer", required=True),
    control_sum=ControlSum("amount", "currency"),
)

OBJECTS: Mapping[str, ObjectSpec] = {spec.name: spec for spec in (STATEMENT, STATEMENT_LINE)}
