"""Which function writes the correction of which class; whether it may go out is plan.py's. Pure."""

import logging
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path

from reconcilers.corrections.add_on_items import move_item
from reconcilers.corrections.billed_twice import end_copy
from reconcilers.corrections.billing_writers import BILLING_WRITERS
from reconcilers.corrections.co_terms import move_end
from reconcilers.corrections.correction import Correction, Refusal, Subject
from reconcilers.corrections.crm_copies import copy_subscription_status, link_crm_account
from reconcilers.corrections.customer_links import correct_link
from reconcilers.corrections.document import not_in_snapshot
from reconcilers.corrections.erp_amendment import amend_lines, amend_total
from reconcilers.corrections.erp_applying import apply_anew, gross_up
from reconcilers.corrections.erp_depositing import post_deposit
from reconcilers.corrections.erp_duplicate import credit_copy, credit_unknown
from reconcilers.corrections.erp_invoice import draft_invoice, invoice_correction
from reconcilers.corrections.erp_refunding import post_refund
from reconcilers.corrections.erp_settling import post_credit_memo, post_payment
from reconcilers.corrections.facts import Facts
from reconcilers.corrections.field_copies import COPIES, copy_field
from reconcilers.corrections.journal_drafts import (
    post_stage,
    reclass_line,
    reverse_by_hand,
    reverse_copy,
)
from reconcilers.corrections.new_records import create_crm_account, create_erp_customer
from reconcilers.corrections.paper import ask_for_paper
from reconcilers.corrections.policy import Rule
from reconcilers.corrections.posted_fields import map_account, move_period
from reconcilers.corrections.posting import check_posting
from reconcilers.corrections.revenue_catch_up import catch_up, take_back_second
from reconcilers.corrections.signed_discounts import correct_discount
from reconcilers.corrections.signed_ends import correct_term
from reconcilers.corrections.signed_plans import plan_subscription
from reconcilers.corrections.signed_prices import correct_price
from reconcilers.corrections.signed_steps import correct_step
from reconcilers.corrections.signed_terms import correct_quantity
from reconcilers.corrections.subscription_ends import end_with_period
from reconcilers.corrections.unsigned_edit import revert_edit

RuleKey = tuple[str, str | None]
log = logging.getLogger(__name__)


def _post_invoice(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    draft = draft_invoice(subject.owner_id or "", facts)
    if draft is not None:
        return invoice_correction(subject, rule, draft, check_posting(draft))
    missing = not_in_snapshot("custbody_stripe_invoice_id", f"billing invoice {subject.owner_id!r}")
    return invoice_correction(subject, rule, None, (missing,))


# By class, and cause where only some can be put right.
WRITERS: Mapping[RuleKey, Callable[[Subject, Rule, Facts], Correction | None]] = {
    **dict.fromkeys(((code, None) for code in COPIES), copy_field),
    ("SUB-QTY-01", None): correct_quantity,
    ("CON-TERM-01", None): correct_term,
    ("CON-DISC-01", None): correct_discount,
    ("CON-MISS-01", None): plan_subscription,
    ("CON-AMT-01", None): correct_price,
    ("PRD-BAS-01", None): correct_price,
    ("SUB-DUP-01", None): end_copy,
    ("CON-AMD-01", "signed"): correct_price,
    ("CON-COT-01", "ends_before"): move_end,
    ("CON-COT-01", "ends_after"): move_end,
    ("CON-COT-01", "another_subscription"): move_item,
    ("CON-RAMP-01", None): correct_step,
    ("CON-REN-01", "billed_after_churn"): end_with_period,
    ("SUB-STAT-01", "billing_after_cancel"): end_with_period,
    ("CUS-MISS-01", "link_lost"): link_crm_account,
    ("CUS-LINK-01", None): correct_link,
    ("SUB-STAT-01", "crm_copy_stale"): copy_subscription_status,
    ("INV-MISS-01", None): _post_invoice,
    ("CRN-MISS-01", "never_posted"): post_credit_memo,
    ("PAY-MISS-01", None): post_payment,
    ("INV-DUP-01", None): credit_copy,
    **BILLING_WRITERS,
    ("PAY-APPL-01", None): apply_anew,
    ("RFD-MISS-01", "not_posted"): post_refund,
    ("PYT-DEP-01", "not_deposited"): post_deposit,
    ("CRN-APPL-01", None): apply_anew,
    ("PAY-AMT-01", "fee_netted"): gross_up,
    ("INV-AMT-01", None): amend_total,
    ("TAX-AMT-01", None): amend_total,
    ("TAX-CODE-01", None): amend_total,
    ("INV-LINE-01", None): amend_lines,
    ("INV-MISS-02", "unpaid"): credit_unknown,
    ("JE-PER-01", None): move_period,
    ("PRD-GL-01", None): map_account,
    ("JE-DUP-01", None): reverse_copy,
    ("JE-ACC-01", None): reclass_line,
    ("DSP-LIFE-01", "not_posted"): post_stage,
    ("PYT-CLR-01", "journal_by_hand"): reverse_by_hand,
    ("REV-AMT-01", None): catch_up,
    ("CUS-MISS-01", "account_missing"): create_crm_account,
    ("CUS-MISS-02", None): create_erp_customer,
    ("REV-STOP-01", None): catch_up,
    ("CON-MISS-02", "no_contract"): ask_for_paper,
    ("CON-AMD-02", None): ask_for_paper,
    ("CON-REN-01", "renewed_in_billing_only"): ask_for_paper,
    ("REV-SCH-01", "planned_twice"): take_back_second,
    ("CON-AMD-01", "unsigned"): revert_edit,
}


def write(subject: Subject, rule: Rule, facts: Facts) -> Correction | None:
    """The correction that the class has a writer for; None when it has none.

    A writer that fails takes only its own correction with it: that comes back refused.
    """
    own = WRITERS.get((subject.code, subject.cause)) or WRITERS.get((subject.code, None))
    if own is None:
        return None
    try:
        return own(subject, rule, facts)
    except Exception as error:  # noqa: BLE001  # whatever it is, the other corrections of the night go on
        return _not_drawn_up(subject, rule, error)


def _not_drawn_up(subject: Subject, rule: Rule, error: Exception) -> Correction:
    """Told by the place of the fault: an error's words may hold personal values."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    fault = f"{type(error).__name__} in {Path(frame.filename).name}, line {frame.lineno}"
    log.error("%s %s: not drawn up: %s", subject.code, subject.exception_key, fault)
    return Correction(
        subject=subject,
        action="copy_field",
        mode=rule.mode.value,
        assignee=rule.assignee,
        system=subject.replica_system or subject.owner_system,
        object=subject.comparison,
        record_id=subject.replica_id or subject.owner_id or subject.row_key,
        operation="update",
        attribute=subject.attribute,
        before=None,
        after={subject.attribute: None},
        expected_version="",
        watermark_object="",
        reason="a fault of ours: what should be written could not be drawn up",
        refusals=(
            Refusal(
                "planner", subject.attribute, fault, "correct it by hand, and report the fault"
            ),
        ),
    )
