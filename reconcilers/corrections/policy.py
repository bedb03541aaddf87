"""What may be done about each class of drift: typed, checked in full, and refused as a whole.

Reads policy.toml; decides nothing about single rows (see plan.py).
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Any

from reconcilers.corrections.budget import DEFAULT_BUDGETS, Budget, Budgets
from reconcilers.corrections.policy_lines import lines_of
from reconcilers.rules.codes import CODES

DEFAULT_VALID_HOURS = 336
SEVERITIES = ("S1", "S2", "S3", "S4")


class Mode(StrEnum):
    """How far the machine may go alone. Ordered from the least free to the freest."""

    REPORT = "report"
    APPROVE_TWO = "approve_two"
    APPROVE = "approve"
    AUTO = "auto"


FREEDOM = {mode: rank for rank, mode in enumerate(Mode)}

# The freest mode each class allows. A class without a writer can only be reported; nothing that
# refunds, charges, merges, deletes, voids, changes a contract or writes into a closed period is
# ever automatic, whatever the file says.
CEILINGS: Mapping[tuple[str, str | None], Mode] = {
    ("CUS-MISS-01", "link_lost"): Mode.AUTO,
    ("CUS-MISS-01", "account_missing"): Mode.APPROVE,
    ("CUS-MISS-02", None): Mode.AUTO,
    ("CON-MISS-02", "no_contract"): Mode.APPROVE,
    ("CON-AMD-01", "unsigned"): Mode.APPROVE_TWO,
    ("CON-AMD-02", None): Mode.APPROVE,
    ("CON-REN-01", "renewed_in_billing_only"): Mode.APPROVE_TWO,
    ("CUS-LINK-01", "merged"): Mode.AUTO,
    ("CUS-LINK-01", None): Mode.APPROVE,
    ("SUB-STAT-01", "crm_copy_stale"): Mode.AUTO,
    ("SUB-STAT-01", "billing_after_cancel"): Mode.APPROVE_TWO,
    ("CON-REN-01", "billed_after_churn"): Mode.APPROVE_TWO,
    ("CTL-XREF-01", "by_number"): Mode.AUTO,
    ("CTL-XREF-01", None): Mode.APPROVE,
    ("CUS-ATTR-01", None): Mode.AUTO,
    ("CUS-STAT-01", None): Mode.APPROVE,
    ("HIE-PAR-01", "missing_in_erp"): Mode.APPROVE,
    ("HIE-PAR-01", "other_parent"): Mode.APPROVE,
    ("INV-DATE-01", "follows_invoice_date"): Mode.APPROVE,
    ("INV-DATE-01", "other_terms"): Mode.APPROVE,
    ("INV-DATE-01", "tz_boundary"): Mode.APPROVE,
    ("INV-DATE-01", "other_day"): Mode.APPROVE,
    ("JE-PER-01", None): Mode.APPROVE_TWO,
    ("PRD-PRC-01", None): Mode.APPROVE,
    ("USG-QTY-01", "not_billed"): Mode.APPROVE,
    ("USG-QTY-01", "billed_too_much"): Mode.APPROVE,
    ("USG-RATE-01", "charged_too_little"): Mode.APPROVE_TWO,
    ("USG-RATE-01", "charged_too_much"): Mode.APPROVE_TWO,
    ("PRD-GL-01", None): Mode.APPROVE_TWO,
    ("PRD-MAP-01", "retired"): Mode.APPROVE,
    ("INV-MISS-02", "unpaid"): Mode.APPROVE_TWO,
    ("SUB-QTY-01", None): Mode.APPROVE,
    ("CON-TERM-01", None): Mode.APPROVE_TWO,
    ("CON-DISC-01", None): Mode.APPROVE,
    ("CON-AMT-01", None): Mode.APPROVE_TWO,
    ("PRD-BAS-01", None): Mode.APPROVE_TWO,
    ("CON-MISS-01", None): Mode.APPROVE_TWO,
    ("SUB-DUP-01", None): Mode.APPROVE_TWO,
    ("CON-AMD-01", "signed"): Mode.APPROVE_TWO,
    ("CON-COT-01", "ends_before"): Mode.APPROVE_TWO,
    ("CON-COT-01", "ends_after"): Mode.APPROVE_TWO,
    ("CON-COT-01", "another_subscription"): Mode.APPROVE_TWO,
    ("CON-RAMP-01", None): Mode.APPROVE_TWO,
    ("MRR-XSYS-01", "other_currency"): Mode.APPROVE,
    ("MRR-XSYS-01", None): Mode.AUTO,
    ("INV-MISS-01", None): Mode.AUTO,
    ("CRN-MISS-01", "never_posted"): Mode.APPROVE,
    ("PAY-MISS-01", None): Mode.APPROVE,
    ("INV-DUP-01", None): Mode.APPROVE_TWO,
    ("INV-SCHD-01", "stale_draft"): Mode.APPROVE,
    ("INV-STAT-01", "void_not_copied"): Mode.APPROVE,
    ("PAY-OOB-01", "in_full"): Mode.APPROVE,
    ("PAY-DUP-01", "charged_twice"): Mode.APPROVE_TWO,
    ("PAY-APPL-01", None): Mode.AUTO,
    ("RFD-MISS-01", "not_posted"): Mode.APPROVE,
    ("RFD-MISS-01", "no_credit_note"): Mode.APPROVE,
    ("PYT-DEP-01", "not_deposited"): Mode.AUTO,
    ("PYT-DEP-01", "key_lost"): Mode.AUTO,
    ("CRN-APPL-01", None): Mode.AUTO,
    ("PAY-AMT-01", "fee_netted"): Mode.APPROVE,
    ("INV-AMT-01", None): Mode.APPROVE,
    ("TAX-AMT-01", None): Mode.APPROVE,
    ("TAX-CODE-01", None): Mode.APPROVE_TWO,
    ("INV-LINE-01", None): Mode.APPROVE,
    ("JE-DUP-01", None): Mode.APPROVE_TWO,
    ("JE-ACC-01", None): Mode.APPROVE,
    ("DSP-LIFE-01", "not_posted"): Mode.APPROVE,
    ("PYT-CLR-01", "journal_by_hand"): Mode.APPROVE_TWO,
    ("REV-AMT-01", None): Mode.APPROVE_TWO,
    ("REV-STOP-01", None): Mode.APPROVE_TWO,
    ("REV-SCH-01", "planned_twice"): Mode.APPROVE_TWO,
}
# Kinds of documents, as in the posting matrix.
_DOCUMENTS = (
    "invoice",
    "card_payment",
    "bank_payment",
    "credit_note",
    "refund",
    "deposit",
    "dispute",
    "recognition",
)
CAUSES: Mapping[str, tuple[str, ...]] = {
    "CTL-CNT-01": ("records_missing", "records_surplus"),
    "CTL-STALE-01": ("behind_the_others", "day_not_covered"),
    "CTL-CORR-01": ("flapping", "ineffective"),
    "CTL-XREF-01": ("by_number", "by_service"),
    "CUS-MISS-01": ("link_lost", "account_missing"),
    "CUS-LINK-01": ("empty", "merged", "dangling", "crossed", "not_in_use"),
    "CUS-STAT-01": ("still_served", "next_invoice_will_fail", "still_owes"),
    "HIE-PAR-01": ("ring", "unknown_to_sales", "missing_in_erp", "other_parent"),
    "HIE-BILL-01": ("billed_to_a_stranger", "posted_to_a_stranger"),
    "PRD-MAP-01": ("unmapped", "missing", "retired", "several_retired", "several"),
    "PRD-BAS-01": tuple(
        f"{way}_{basis}"
        for way in ("times", "over")
        for basis in ("3", "12", "24", "36", "100", "days", "quantity")
    ),
    "CON-MISS-01": ("service_started", "not_yet_due"),
    "CON-MISS-02": ("no_contract", "not_signed", "not_won"),
    "CON-AMD-01": ("signed", "unsigned"),
    "CON-AMD-02": ("price", "quantity"),
    "CON-DISC-01": ("missing", "not_agreed", "other_percent", "ends_early"),
    "CON-REN-01": (
        "billed_after_churn",
        "renewed_in_billing_only",
        "ended_in_billing",
        "not_taken_up",
    ),
    "CON-COT-01": ("ends_before", "ends_after", "another_subscription"),
    "CON-RAMP-01": ("missing", "other_start", "other_quantity", "other_price"),
    "SUB-STAT-01": ("crm_copy_stale", "billing_after_cancel"),
    "SUB-DUP-01": ("same_subscription", "another_subscription"),
    "INV-MISS-02": ("unpaid", "settled"),
    "INV-DUP-01": ("billing_id", "signature"),
    "INV-AMT-01": ("tax", "net", "net_and_tax"),
    "INV-LINE-01": (
        "line_missing",
        "line_extra",
        "other_item",
        "other_quantity",
        "moved_between_lines",
        "other_service_days",
    ),
    "INV-DATE-01": (
        "renumbered",
        "tz_boundary",
        "other_month",
        "other_day",
        "follows_invoice_date",
        "other_terms",
    ),
    "INV-STAT-01": (
        "void_not_copied",
        "voided_in_ledger_only",
        "payment_not_applied",
        "paid_in_ledger_only",
        "state_not_copied",
    ),
    "INV-SCHD-01": ("stale_draft", "number_gap", "not_invoiced"),
    "CRN-MISS-01": (
        "never_posted",
        "voided_in_erp",
        "unknown_to_billing",
        "entered_by_hand",
        "void_not_copied",
    ),
    "CRN-APPL-01": (
        "unapplied",
        "wrong_invoice",
        "only_in_erp",
        "other_amount",
    ),
    "CRN-AMT-01": ("total", "tax", "posted_twice", "over_credited"),
    "TAX-AMT-01": ("not_in_ledger", "not_in_billing", "other_rate", "other_amount"),
    "TAX-CODE-01": ("other_country", "other_rate"),
    "PAY-DUP-01": ("charge_id", "signature", "charged_twice"),
    "PAY-AMT-01": ("fee_netted", "short", "over", "other_currency"),
    "PAY-OOB-01": ("in_full", "in_part"),
    "PAY-RET-01": ("returned", "never_collected"),
    "PAY-APPL-01": ("unapplied", "other_invoice", "not_in_billing"),
    "RFD-MISS-01": (
        "not_posted",
        "unknown_to_provider",
        "failed_at_provider",
        "no_credit_note",
    ),
    "RFD-DUP-01": ("entered_twice", "paid_by_bank_too", "above_the_payment"),
    "DSP-LIFE-01": ("not_posted", "not_at_provider", "other_outcome", "other_amount"),
    "REV-SCH-01": ("plan_missing", "planned_twice", "document_gone"),
    "REV-MOD-01": ("nothing_planned", "credit_not_planned", "all_at_once"),
    "REV-STOP-01": ("runs_after_void", "stops_early"),
    "JE-MISS-01": _DOCUMENTS,
    "JE-PER-01": _DOCUMENTS,
    "JE-ACC-01": ("result_shifted", "unmapped_account", "of_another_event"),
    "JE-ENT-01": ("other_entity",),
    "JE-DUP-01": ("dispute_stage", "signature"),
    "PYT-BANK-01": (
        "not_on_statement",
        "other_amount",
        "returned",
        "not_paid_out",
        "unexpected_credit",
        "unexpected_debit",
    ),
    "PYT-CLR-01": ("payment_by_hand", "refund_by_hand", "deposit_by_hand", "journal_by_hand"),
    "PYT-DEP-01": (
        "entered_twice",
        "unknown_to_provider",
        "not_deposited",
        "key_lost",
        "not_arrived",
        "other_currency",
        "other_amount",
        "other_fees",
        "other_members",
        "other_date",
    ),
    "USG-QTY-01": ("billed_too_much", "not_billed"),
    "USG-RATE-01": ("charged_too_much", "charged_too_little"),
    "REV-FX-01": ("left_out", "other_rate", "wrong_sign"),
    "REV-ROLL-01": ("no_plan", "run_differs"),
    "JE-EDIT-01": ("after_close", "before_close"),
    "JE-CLS-01": ("edited_late", "entered_late", "moved_in", "moved_out"),
    "MRR-ROLL-01": ("does_not_add_up", "month_missing", "not_charged", "not_one_class"),
    "MRR-XSYS-01": ("not_filled", "nothing_signed", "not_updated", "other_currency"),
}


@dataclass(frozen=True)
class Caps:
    """Blast-radius limits; money in minor units of the reporting currency."""

    rows_per_run: int
    amount_per_correction_minor: int
    amount_per_run_minor: int


@dataclass(frozen=True)
class Rule:
    """The policy of one class, or of one cause within it."""

    code: str
    cause: str | None
    mode: Mode
    severity_floor: str
    assignee: str
    sla_hours: int
    alert_channel: str
    caps: Caps | None = None
    valid_hours: int = DEFAULT_VALID_HOURS

    def severity(self, found: str) -> str:
        """The graver of what was found and the floor (S1 is the gravest)."""
        return min(found, self.severity_floor)


@dataclass(frozen=True)
class Policy:
    """Everything policy.toml says."""

    reporting_currency: str
    rules: Mapping[tuple[str, str | None], Rule] = field(repr=False)
    budgets: Budgets = DEFAULT_BUDGETS

    def rule(self, code: str, cause: str | None) -> Rule:
        """The rule of the cause, else of the class."""
        found = self.rules.get((code, cause)) or self.rules.get((code, None))
        if found is None:
            raise PolicyError([f"no policy for {code}; add a [{code}] table to policy.toml"])
        return found


class PolicyError(ValueError):
    """policy.toml cannot be used; `problems` names every mistake with its line and field."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problems))


def load_policy(path: Path | None = None) -> Policy:
    """The policy at `path`, or the one that ships with Tieout."""
    if path is None:
        source = (files("reconcilers.corrections") / "policy.toml").read_text(encoding="utf-8")
        return parse_policy(source, "policy.toml")
    return parse_policy(path.read_text(encoding="utf-8"), path.name)


def parse_policy(source: str, name: str) -> Policy:
    """Check everything, then build. All mistakes are reported together."""
    try:
        document = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError([f"{name}: {error}"]) from error
    reader = _Reader(name, lines_of(source))
    policy = reader.policy(document)
    if reader.problems:
        raise PolicyError(reader.problems)
    return policy


TEXT, WHOLE, TABLE = "text", "whole number", "table"
TOP_FIELDS = {"reporting_currency": TEXT, "valid_hours": WHOLE, "budget": TABLE}
BUDGET_FIELDS = {"rows": WHOLE, "amount_minor": WHOLE, "customers": WHOLE}
RULE_FIELDS = {
    "mode": TEXT,
    "severity_floor": TEXT,
    "assignee": TEXT,
    "sla_hours": WHOLE,
    "alert_channel": TEXT,
    "valid_hours": WHOLE,
    "caps": TABLE,
}
CAP_FIELDS = {
    "rows_per_run": WHOLE,
    "amount_per_correction_minor": WHOLE,
    "amount_per_run_minor": WHOLE,
}
KINDS: Mapping[str, Callable[[Any], bool]] = {
    TEXT: lambda value: isinstance(value, str) and bool(value),
    WHOLE: lambda value: type(value) is int and value >= 0,
    TABLE: lambda value: isinstance(value, dict),
}


class _Reader:
    """Walks the document once and collects what is wrong with it."""

    def __init__(self, name: str, lines: Mapping[tuple[str, ...], int]) -> None:
        self.name = name
        self.lines = lines
        self.problems: list[str] = []
        self.valid_hours = DEFAULT_VALID_HOURS

    def policy(self, document: Mapping[str, Any]) -> Policy:
        top = document.get("policy")
        general = self.table(top or {}, ("policy",), TOP_FIELDS, optional=("valid_hours", "budget"))
        self.valid_hours = general.get("valid_hours", DEFAULT_VALID_HOURS)
        if top is None:
            self.problems.append(f"{self.name}: the table [policy] is missing")
        rules = {
            (rule.code, rule.cause): rule
            for code, table in document.items()
            if code != "policy"
            for rule in self.rules_of(code, table)
        }
        for code in CODES:
            if code not in document:
                self.problems.append(f"{self.name}: no table [{code}]; every class needs one")
        return Policy(
            reporting_currency=general.get("reporting_currency", ""),
            rules=rules,
            budgets=self.budgets(general.get("budget")),
        )

    def budgets(self, table: Any) -> Budgets:
        """Both budgets, or the ones that come with Tieout."""
        if table is None:
            return DEFAULT_BUDGETS
        scopes = self.table(table, ("policy", "budget"), {"run": TABLE, "day": TABLE})
        read = {
            name: self.table(scopes[name], ("policy", "budget", name), BUDGET_FIELDS)
            for name in scopes
        }
        made = {
            name: Budget(**{key: values.get(key, 0) for key in BUDGET_FIELDS})
            for name, values in read.items()
        }
        nothing = Budget(0, 0, 0)
        return Budgets(made.get("run", nothing), made.get("day", nothing))

    def rules_of(self, code: str, table: Any) -> Iterator[Rule]:
        if code not in CODES or not isinstance(table, dict):
            self.wrong((code,), f"unknown table [{code}]; the classes are {', '.join(CODES)}")
            return
        causes = table.get("cause", {})
        own = {key: value for key, value in table.items() if key != "cause"}
        yield self.rule((code,), code, None, own)
        if not isinstance(causes, dict):
            self.wrong((code, "cause"), "causes are tables, such as [CUS-MISS-01.cause.link_lost]")
            return
        for cause, overrides in causes.items():
            path = (code, "cause", cause)
            if cause not in CAUSES.get(code, ()) or not isinstance(overrides, dict):
                known = ", ".join(CAUSES.get(code, ())) or "none"
                self.wrong(path, f"unknown cause; {code} knows {known}")
                continue
            inherited = {key: own[key] for key in RULE_FIELDS if key in own and key != "caps"}
            yield self.rule(path, code, cause, inherited | overrides)

    def rule(
        self, path: tuple[str, ...], code: str, cause: str | None, table: Mapping[str, Any]
    ) -> Rule:
        read = self.table(table, path, RULE_FIELDS, optional=("valid_hours", "caps"))
        mode = self.choice(path, "mode", read, tuple(Mode), Mode.REPORT)
        floor = self.choice(path, "severity_floor", read, SEVERITIES, "S4")
        caps = self.caps(path, Mode(mode), read.get("caps"))
        self.check_ceiling(path, code, cause, Mode(mode))
        return Rule(
            code=code,
            cause=cause,
            mode=Mode(mode),
            severity_floor=floor,
            assignee=read.get("assignee", ""),
            sla_hours=read.get("sla_hours", 0),
            alert_channel=read.get("alert_channel", ""),
            caps=caps,
            valid_hours=read.get("valid_hours", self.valid_hours),
        )

    def caps(self, path: tuple[str, ...], mode: Mode, table: Any) -> Caps | None:
        if table is None:
            if mode is not Mode.REPORT:
                self.wrong(path, f'mode "{mode}" writes, so it needs caps')
            return None
        read = self.table(table, (*path, "caps"), CAP_FIELDS)
        return Caps(**{name: read.get(name, 0) for name in CAP_FIELDS})

    def check_ceiling(
        self, path: tuple[str, ...], code: str, cause: str | None, mode: Mode
    ) -> None:
        ceiling = CEILINGS.get((code, cause)) or CEILINGS.get((code, None), Mode.REPORT)
        if FREEDOM[mode] > FREEDOM[ceiling]:
            self.wrong(
                (*path, "mode"),
                f'mode "{mode}" is freer than this class allows; the most is "{ceiling}"',
            )

    def table(
        self,
        table: Mapping[str, Any],
        path: tuple[str, ...],
        fields: Mapping[str, str],
        optional: tuple[str, ...] = (),
    ) -> dict[str, Any]:
        """The fields of a table that are right; the rest become problems."""
        right: dict[str, Any] = {}
        for key, value in table.items():
            if key not in fields:
                self.wrong((*path, key), f"unknown key; known are {', '.join(fields)}")
            elif not KINDS[fields[key]](value):
                self.wrong((*path, key), f"must be a {fields[key]}, not {value!r}")
            else:
                right[key] = value
        for key in fields:
            if key not in table and key not in optional:
                self.wrong((*path, key), "is missing")
        return right

    def choice(
        self,
        path: tuple[str, ...],
        key: str,
        read: Mapping[str, Any],
        choices: tuple[str, ...],
        default: str,
    ) -> str:
        value = read.get(key, default)
        if value not in choices:
            self.wrong((*path, key), f"{value!r} is not one of {', '.join(choices)}")
            return default
        return str(value)

    def wrong(self, path: tuple[str, ...], message: str) -> None:
        parents = (path[:depth] for depth in range(len(path), 0, -1))
        line = next((self.lines[parent] for parent in parents if parent in self.lines), 1)
        self.problems.append(f"{self.name} line {line}, {'.'.join(path)}: {message}")
