"""A report of any size without a night: its rows are as long and as unlike as a company's are."""

import random
import string
from datetime import UTC, date, datetime, timedelta

from reconcilers.corrections.policy import load_policy
from reconcilers.report.data import (
    CodeLine,
    ObjectLine,
    PairLine,
    ReportData,
    TieoutLine,
    Totals,
    TrendPoint,
)
from reconcilers.report.identity import IdentityLine
from reconcilers.report.latency import LatencyLine, PostingLine
from reconcilers.report.process import HopLine, StuckLine
from reconcilers.report.risk import risk_lines
from reconcilers.report.rows import CorrectionLine, ExceptionLine
from reconcilers.rules.codes import CODES

DAY = date(2026, 6, 30)
NOW = datetime(2026, 7, 1, 3, 5, tzinfo=UTC)
CURRENCIES = (("EUR", 2), ("GBP", 2), ("JPY", 0), ("USD", 2))
LETTERS = string.ascii_letters + string.digits
SYSTEMS = ("salesforce", "stripe", "netsuite")
COMPARISONS = ("cmp_invoice__billing_vs_erp", "cmp_contract__crm_vs_billing")
POLICY = load_policy()


def sample_report(exceptions: int = 40, corrections: int = 10, seed: int = 7) -> ReportData:
    """The same seed gives the same report. One of seven exceptions is resolved tonight."""
    chance = random.Random(seed)
    lines = [exception_sample(chance, number) for number in range(exceptions)]
    resolved = [line for line in lines if line.resolved_on]
    opened = [line for line in lines if not line.resolved_on]
    impacts = [line.counted_reporting_minor for line in opened]
    return ReportData(
        snapshot_date=DAY,
        run_id="run-1",
        recorded_at=NOW,
        findings_sha256="0" * 64,
        verdict="DRIFT",
        headline=f"{len(opened)} exceptions are open; every tie-out holds.",
        incomplete=(),
        reporting_currency="EUR",
        totals=Totals(
            open=len(opened),
            open_before=sum(not line.is_new for line in lines),
            explained=sum(bool(line.explained_by) for line in opened),
            new=sum(line.is_new for line in opened),
            reopened=0,
            reopened_tonight=0,
            ineffective=0,
            waived=0,
            overdue=sum(line.is_overdue for line in opened),
            resolved_self=sum(line.state == "RESOLVED_SELF" for line in resolved),
            resolved_verified=sum(line.state == "RESOLVED_VERIFIED" for line in resolved),
            in_flight=0,
            unproven=0,
            gross_reporting_minor=sum(map(abs, impacts)),
            net_reporting_minor=sum(impacts),
            tieouts=2,
            tieouts_broken=0,
            match_rate=0.998,
        ),
        tieouts=tuple(_tieout(entity) for entity in ("DE", "UK")),
        pairs=(PairLine(COMPARISONS[0], "billing", 1000, 940, 20, 0, 30, 0, 10),),
        money=(),
        codes=tuple(_code(code, opened) for code in sorted(CODES)),
        risks=risk_lines(opened),
        exceptions=tuple(opened),
        resolved=tuple(resolved),
        pending=(),
        corrections=tuple(correction_sample(chance, lines) for _ in range(corrections)),
        correction_counts=(("approve", "proposed", corrections),),
        objects=(ObjectLine("stripe", "invoice", 1000, 1000, 0, NOW, is_complete=True),),
        trend=tuple(TrendPoint(DAY - timedelta(days=n), 40 - n, n) for n in range(20, -1, -1)),
        exponents=CURRENCIES,
        hops=(HopLine("posted", "First invoice in the ledger", 50, 40, 2, 1, 9, 60, 7200, 86400),),
        stuck=(StuckLine("800A", "q2c_1", "posted", "First invoice in the ledger", "invoice:in_9", 180000, 86400, 5000, "JPY"),),
        identity=(IdentityLine("customers", 300),),
        latencies=(LatencyLine("invoice", 240, 6120, 9840, 10320),),
        slowest=(PostingLine("invoice", "in_9", "77", "DE", "2026-06-01 00:00:00", "2026-06-01 02:53:00", 10380),),
    )  # fmt: skip


def exception_sample(chance: random.Random, number: int) -> ExceptionLine:
    """Ids as random as the vendors' own: they are what a page of many rows weighs."""
    age = min(int(chance.expovariate(1 / 12)), 200)
    opened = DAY - timedelta(days=age)
    currency, _ = chance.choice(CURRENCIES)
    impact = int(chance.lognormvariate(8, 2)) * chance.choice((1, 1, -1))
    is_gone = number % 7 == 6
    owner, replica = chance.sample(SYSTEMS, 2)
    ours = chance.random() < 0.5
    return ExceptionLine(
        exception_key=f"{chance.getrandbits(128):032x}",
        state=("RESOLVED_VERIFIED" if ours else "RESOLVED_SELF") if is_gone else "OPEN",
        severity=chance.choices(("S1", "S2", "S3", "S4"), (1, 4, 15, 40))[0],
        code=chance.choice(sorted(CODES)),
        cause=chance.choice(("", "never_posted", "rate_changed", "link_lost")),
        entity=chance.choice(("invoice", "payment", "contract", "customer")),
        canonical_id=f"cus_{_word(chance, 14)}",
        correlation_id=f"q2c_006{_word(chance, 15)}",
        owner_system=owner,
        owner_id=f"in_{_word(chance, 24)}",
        replica_system=replica,
        replica_id=str(chance.randrange(10**7)) if chance.random() < 0.6 else "",
        attribute=chance.choice(("", "total", "status", "due_date")),
        expected=str(abs(impact)),
        observed=str(chance.randrange(10**6)),
        impact_minor=impact,
        currency=currency,
        impact_reporting_minor=impact,
        legal_entity=chance.choice(("DE", "UK", "US", "JP", "")),
        period=f"2026-0{chance.randrange(1, 7)}",
        opened_on=opened,
        last_seen_on=DAY,
        resolved_on=DAY if is_gone else None,
        age_days=age,
        is_new=not age and not is_gone,
        is_overdue=not is_gone and age > 14,
        assignee=chance.choice(("billing-operations", "general-ledger", "tax")),
        correction_id="",
        correction_state="",
        comparison=chance.choice(COMPARISONS),
        row_key=str(number),
        explained_by="",
        decomposition="",
        is_reopened=False,
    )


def correction_sample(chance: random.Random, lines: list[ExceptionLine]) -> CorrectionLine:
    line = chance.choice(lines)
    return CorrectionLine(
        correction_id=f"{chance.getrandbits(128):032x}",
        code=line.code,
        cause=line.cause,
        mode="approve",
        state="proposed",
        target="netsuite invoice",
        record_id=line.owner_id,
        attribute="status",
        change=f"status: open → {chance.choice(('paid', 'void'))}",
        reason=f"Billing says so of {line.owner_id}.",
        state_reason="",
        refusals=(),
        impact_minor=line.impact_minor,
        currency=line.currency,
        assignee=line.assignee,
        exception_key=line.exception_key,
        severity=line.severity,
        impact_reporting_minor=line.impact_reporting_minor,
        planned_at=NOW,
        sent_at=None,
        accepted_at=None,
        verdict_on=None,
    )


def _tieout(entity: str) -> TieoutLine:
    return TieoutLine(
        "TO-INV", entity, "EUR", "2026-06", "billing", 3, 36000, "ERP", 2, 24000, 12000, 0, 0, True, "one left"
    )  # fmt: skip


def _code(code: str, opened: list[ExceptionLine]) -> CodeLine:
    lines = [line for line in opened if line.code == code]
    impacts = [line.counted_reporting_minor for line in lines]
    return CodeLine(
        code=code,
        name=CODES[code],
        severity=min((line.severity for line in lines), default=""),
        open=len(lines),
        new=sum(line.is_new for line in lines),
        in_flight=0,
        unproven=0,
        gross_reporting_minor=sum(map(abs, impacts)),
        net_reporting_minor=sum(impacts),
        assignee=POLICY.rule(code, None).assignee,
    )


def _word(chance: random.Random, length: int) -> str:
    return "".join(chance.choices(LETTERS, k=length))
