"""A correction: one intended change of one record in one target, with everything to judge it by."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, Literal

from reconcilers.canonical import canonical_json
from reconcilers.corrections.states import CorrectionState
from reconcilers.sealing import bare

Action = Literal[
    "link_crm_account",
    "correct_customer_link",
    "copy_subscription_status",
    "copy_field",
    "post_erp_invoice",
    "post_erp_journal",
    "post_erp_credit_memo",
    "post_erp_payment",
    "credit_erp_copy",
    "pay_out_of_band",
    "finalize_draft",
    "issue_credit_note",
    "refund_charge",
    "make_price",
    "bill_usage",
    "credit_usage",
    "end_billing_copy",
    "plan_subscription",
    "apply_erp_settlement",
    "amend_erp_invoice",
    "post_erp_refund",
    "create_erp_customer",
    "create_crm_account",
    "post_erp_deposit",
    "ask_for_paper",
    "revert_unsigned_edit",
    "move_line_end",
    "move_add_on",
]
# Actions that make a record which is no document (see record_checks.py).
CREATIONS = ("create_erp_customer", "create_crm_account", "ask_for_paper")
ABSENT = "absent"
# Actions that undo another correction (see compensate.py); no night plans them.
UNDO_UPDATE, UNDO_POSTING, UNDO_JOURNAL = "undo_update", "undo_posting", "undo_journal"
UNDO_DEED, UNDO_END = "undo_deed", "undo_end"
UNDO_CREATION = "undo_creation"
UNDOING = (UNDO_UPDATE, UNDO_POSTING, UNDO_JOURNAL, UNDO_DEED, UNDO_END, UNDO_CREATION)
# Actions that put a document into the books under our external id (see send_checks.py).
POSTINGS = (
    "post_erp_invoice",
    "post_erp_journal",
    "post_erp_credit_memo",
    "post_erp_payment",
    "post_erp_refund",
    "post_erp_deposit",
    "credit_erp_copy",
    UNDO_POSTING,
    UNDO_JOURNAL,
)
# Actions that do something to a document of billing or make one, or rest on what another system
# says (see billing_checks.py).
DEEDS = (
    "pay_out_of_band",
    "finalize_draft",
    "issue_credit_note",
    "refund_charge",
    "make_price",
    "bill_usage",
    "credit_usage",
    "end_billing_copy",
    "plan_subscription",
    "move_line_end",
    "move_add_on",
    UNDO_DEED,
)
UNDO_OF = "undo:"  # before the id of the correction undone, the version that an undo expects
Field = tuple[str, str, str, str]  # system, object, record, attribute


@dataclass(frozen=True)
class Written:
    """What a correction of ours found in a field and made of it; a person may have undone it."""

    before: Mapping[str, Any] | None
    after: Mapping[str, Any]
    is_undone: bool = False


@dataclass(frozen=True)
class Refusal:
    """Why a correction cannot be posted: the check that failed, on which field, and the cure."""

    check: str
    field: str
    problem: str
    fix: str

    def as_json(self) -> dict[str, str]:
        return {
            "check": self.check,
            "field": self.field,
            "problem": self.problem,
            "fix": self.fix,
        }


@dataclass(frozen=True)
class Subject:
    """The drift row that a correction answers: the evidence, and the money at stake.

    Impacts are signed minor units of `currency` and of the reporting currency. `spent` counts the
    corrections of this exception that were sent and changed nothing for good.
    """

    exception_key: str
    snapshot_date: date
    code: str
    cause: str | None
    canonical_id: str | None
    owner_system: str
    owner_id: str | None
    replica_system: str | None
    replica_id: str | None
    attribute: str
    expected: str | None
    comparison: str
    row_key: str
    correlation_id: str
    impact_minor: int | None
    currency: str | None
    impact_reporting_minor: int | None
    severity: str
    episode: int
    is_ineffective: bool
    spent: int = 0


@dataclass(frozen=True)
class Correction:
    """What should become of one record: before image, desired values, payload and standing.

    `before` is None when the record should not exist yet; `after` holds the facts desired, and
    `payload` is the body to send (empty when refused). `expected_version` is the version of the
    record that was seen, so that the same drift coming back after a repair is a new correction.
    `valid_hours`, from the plan or from the last yes to it, is the time to send it in.
    """

    subject: Subject
    action: Action
    mode: str
    assignee: str
    system: str
    object: str
    record_id: str
    operation: Literal["update", "upsert", "create"]
    attribute: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any]
    expected_version: str
    watermark_object: str
    reason: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    valid_hours: int | None = None
    refusals: tuple[Refusal, ...] = ()
    state: CorrectionState = CorrectionState.PROPOSED
    state_reason: str | None = None

    @cached_property
    def idempotency_key(self) -> str:
        """The same repair of the same seen version has the same key on every run."""
        return correction_key(
            self.system,
            self.object,
            self.record_id,
            self.attribute,
            self.after,
            self.expected_version,
        )

    @property
    def correction_id(self) -> str:
        return correction_id(self.idempotency_key)

    @property
    def evidence(self) -> str:
        """Where to see the drift: snapshot, comparison and row."""
        subject = self.subject
        return f"{subject.snapshot_date}/{subject.comparison}/{subject.row_key}"


def correction_key(  # noqa: PLR0917  # the key has six parts
    system: str,
    object_name: str,
    record_id: str,
    attribute: str,
    after: Mapping[str, Any],
    expected_version: str,
) -> str:
    """Hash of target, object, record, attribute, desired value and version seen (64 hex).

    Of what is sealed the digest counts, which is the same on every run.
    """
    parts = [system, object_name, record_id, attribute, bare(after), expected_version]
    return hashlib.sha256(canonical_json(parts).encode()).hexdigest()


def correction_id(idempotency_key: str) -> str:
    return f"cor_{idempotency_key[:20]}"
