"""The golden values of one thing and the values that did not count, from the warehouse."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

from orchestration.settings import Settings
from reconcilers.engine import open_warehouse

# How an id of any system leads to the canonical ids of an entity. Keys are looked up in the small
# tables of canonical: the views of values are read for the things that were found, and no others.
KEYS: Mapping[str, str] = {
    "customer": (
        "select canonical_customer_id from canonical.customer_links "
        "where ? in (canonical_customer_id, source_id)"
    ),
    "product": (
        "select product_code from canonical.products "
        "where ? in (product_code, crm_product_id, billing_product_id, erp_item_id)"
    ),
    "price": (
        "select key from (select product_code, "
        "product_code || '|' || currency || '|' || price_interval as key from canonical.prices) "
        "where ? in (key, product_code)"
    ),
    "contract": (
        "select contract_id from canonical.contracts where ? in (contract_id, contract_number)"
    ),
    "contract_line": (
        "select contract_line_id from canonical.contract_lines where ? = contract_line_id"
    ),
    "subscription": (
        "select subscription_id from canonical.subscriptions "
        "where ? in (subscription_id, crm_subscription_id)"
    ),
    "invoice": (
        "select invoice_key from canonical.invoices "
        "where ? in (invoice_key, invoice_id, erp_internal_id, number)"
    ),
    "payment": (
        "select payment_key from canonical.payments "
        "where ? in (payment_key, payment_id, erp_internal_id)"
    ),
    "credit_note": (
        "select credit_note_key from canonical.credit_notes "
        "where ? in (credit_note_key, credit_note_id, erp_internal_id, number)"
    ),
    "refund": (
        "select refund_key from canonical.refunds "
        "where ? in (refund_key, refund_id, erp_internal_id)"
    ),
}

_VALUES = """
select attribute, value, currency, cast(exponent as integer) as exponent, role, system, source_id, modified_at,
    is_golden, coalesce(golden_because, lost_because) as because, conflict_rule
from canonical.{entity}_values
left join seeds.currencies using (currency)
where canonical_id = ?
order by attribute, is_golden desc, role, source_id
"""  # noqa: E501


@dataclass(frozen=True)
class Candidate:
    """A value that one record holds. Amounts are minor units of `currency` with its `exponent`."""

    attribute: str
    value: str
    currency: str | None
    exponent: int | None
    role: str
    system: str
    source_id: str
    modified_at: object
    is_golden: bool
    because: str
    conflict_rule: str


@dataclass(frozen=True)
class Attribute:
    """All values of one attribute, the golden one (of a union all of them) first."""

    name: str
    conflict_rule: str
    candidates: tuple[Candidate, ...]

    @property
    def is_contested(self) -> bool:
        return any(not one.is_golden and one.because != "same_value" for one in self.candidates)


@dataclass(frozen=True)
class Thing:
    """One canonical customer, invoice, ... with its attributes in the order of their names."""

    entity: str
    canonical_id: str
    attributes: tuple[Attribute, ...]


def find_things(settings: Settings, entity: str, identifier: str) -> list[Thing]:
    """The things that an id of any system stands for; none if it is unknown."""
    with open_warehouse(settings.warehouse_path, memory_limit=settings.memory_limit) as con:
        keys = con.sql(KEYS[entity], params=[identifier]).fetchall()
        found = {}
        for key in sorted({str(row[0]) for row in keys}):
            rows = con.sql(_VALUES.format(entity=entity), params=[key]).fetchall()
            found[key] = [Candidate(*row) for row in rows]
    return [Thing(entity, key, _attributes(rows)) for key, rows in found.items()]


def _attributes(candidates: list[Candidate]) -> tuple[Attribute, ...]:
    groups = groupby(candidates, key=lambda one: (one.attribute, one.conflict_rule))
    return tuple(Attribute(name, rule, tuple(group)) for (name, rule), group in groups)
