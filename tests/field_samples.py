"""One finding for each field that a class is corrected in, and what should become of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from extractors.sandbox.ids import salesforce_id
from reconcilers.corrections.wire_fields import PLACES, Place
from tests.drift_samples import drift_row
from tests.plan_facts import changed, held_field

PERIOD = "2606"
DOCUMENTS = ("invoice", "deposit")
ACCOUNT = salesforce_id("Account", 1)


@dataclass(frozen=True)
class FieldCase:
    """`held` and `wanted` are as the raw zone has the field, `expected` as the finding says it.

    `mode` is the freest that policy may ever give.
    """

    code: str
    cause: str | None
    system: str
    record_id: str
    entity: str
    attribute: str
    held: str | None
    expected: str
    wanted: str
    mode: str = "approve"
    is_of_owner: bool = False
    currency: str = "GBP"

    def __str__(self) -> str:
        return f"{self.code} {self.cause} {self.system}.{self.attribute} {self.held}"

    @property
    def place(self) -> Place:
        return PLACES[self.system, self.entity, self.attribute]

    @property
    def record(self) -> dict[str, Any]:
        """What the system has of it, as it drifted."""
        period = {"postingPeriod": {"id": PERIOD}} if self.place.object in DOCUMENTS else {}
        return {"id": self.record_id, **self.place.holding(self.held), "other": 1, **period}

    def finding(self, **values: Any) -> dict[str, Any]:
        side = "owner" if self.is_of_owner else "replica"
        return drift_row(
            "other",
            self.code,
            row_key=f"{self.system}:{self.record_id}:{self.attribute}",
            **{
                f"{side}_system": self.system,
                f"{side}_id": self.record_id,
                "cause": self.cause,
                "attribute": self.attribute,
                "expected": self.expected,
                "currency": self.currency,
                **values,
            },
        )

    def facts(self, **values: Any) -> dict[str, list[dict[str, Any]]]:
        period = PERIOD if self.place.object in DOCUMENTS else None
        record, usual = (self.system, self.record_id), {"period_id": period}
        held = held_field(record, self.entity, self.attribute, self.held, **usual | values)
        return {"held_fields": [held]}


def _case(code: str, cause: str | None, where: str, *values: Any, **more: Any) -> FieldCase:
    system, record_id, entity, attribute = where.replace("ACCOUNT", ACCOUNT).split()
    return FieldCase(code, cause, system, record_id, entity, attribute, *values, **more)


CASES = (
    _case("CTL-XREF-01", "by_number", "netsuite 9001 invoice invoice_id", None, "in_1", "in_1", "auto"),
    _case("CTL-XREF-01", "by_service", "netsuite 9001 invoice invoice_id", None, "in_1", "in_1"),
    _case("CUS-ATTR-01", None, "salesforce ACCOUNT customer country_code", "DE", "AT", "AT"),
    _case("CUS-ATTR-01", None, "salesforce ACCOUNT customer payment_terms_days", "Net 60", "30", "Net 30"),
    _case("CUS-ATTR-01", None, "salesforce ACCOUNT customer payment_terms_days", None, "0", "Due on receipt"),
    _case("CUS-ATTR-01", None, "stripe cus_1 customer legal_name", "Acme Trading", "Acme Ltd", "Acme Ltd",
          "auto"),
    _case("CUS-ATTR-01", None, "netsuite 77 customer legal_name", "Acme Trading", "Acme Ltd", "Acme Ltd",
          "auto"),
    _case("CUS-ATTR-01", None, "netsuite 77 customer invoice_email", "old@acme.example",
          "ap@acme.example", "ap@acme.example", "auto"),
    _case("CUS-ATTR-01", None, "salesforce ACCOUNT customer invoice_email", None, "ap@acme.example",
          "ap@acme.example", "auto"),
    _case("CUS-ATTR-01", None, "salesforce ACCOUNT customer tax_id", "GB000000001", "GB123456789",
          "GB123456789"),
    _case("CUS-ATTR-01", None, "netsuite 77 customer tax_id", None, "GB123456789", "GB123456789"),
    _case("CUS-STAT-01", "still_served", "netsuite 501 customer is_active", "T", "inactive", "F",
          is_of_owner=True),
    _case("HIE-PAR-01", "missing_in_erp", "netsuite 77 customer_hierarchy parent", None, "cus_1", "501"),
    _case("HIE-PAR-01", "other_parent", "netsuite 77 customer_hierarchy parent", "9", "cus_1", "501"),
    _case("INV-DATE-01", "other_terms", "netsuite 9001 invoice due_date", "2026-06-19", "2026-07-12",
          "2026-07-12"),
    _case("INV-DATE-01", "follows_invoice_date", "netsuite 9001 invoice due_date", "2026-06-19",
          "2026-07-12", "2026-07-12"),
    _case("INV-DATE-01", "tz_boundary", "netsuite 9001 invoice invoice_date", "2026-06-13",
          "2026-06-12", "2026-06-12"),
    _case("INV-DATE-01", "other_day", "netsuite 9001 invoice invoice_date", "2026-06-13",
          "2026-06-01", "2026-06-01"),
    _case("PRD-MAP-01", "retired", "netsuite 201 product is_active", "T", "one record in use", "F"),
    _case("PRD-MAP-01", "retired", "stripe prod_1 product is_active", "false", "one record in use", "true"),
    _case("PRD-MAP-01", "retired", "salesforce 01tA product is_active", "false", "one record in use",
          "true"),
    _case("PYT-DEP-01", "key_lost", "netsuite 9002 payout payout_id", None, "30945", "other", "auto"),
    _case("MRR-XSYS-01", "not_updated", "salesforce ACCOUNT mrr_month arr", "637200.0", "849600",
          "8496.00", "auto", is_of_owner=True),
    _case("MRR-XSYS-01", "not_filled", "salesforce ACCOUNT mrr_month arr", None, "849650", "8496.50",
          "auto", is_of_owner=True),
    _case("MRR-XSYS-01", "nothing_signed", "salesforce ACCOUNT mrr_month arr", "12.0", "0", "0",
          "auto", is_of_owner=True),
    _case("MRR-XSYS-01", "other_currency", "salesforce ACCOUNT mrr_month arr", "12.0", "849600", "849600",
          is_of_owner=True, currency="JPY"),
)  # fmt: skip


def closed_months(**flags: str) -> Mapping[str, list[dict[str, Any]]]:
    """The facts of the month of the samples, closed or locked."""
    return changed("erp_periods", 1, **flags)
