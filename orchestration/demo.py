"""The whole job on the sandbox, told in two screenfuls: night, decisions, dispatch, night."""

import asyncio
import datetime as dt
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.rule import Rule
from rich.table import Table

from extractors.sandbox import control
from orchestration.console import money, table
from orchestration.evaluate import compare, reconcilable_day
from orchestration.night import NightResult, run_night
from orchestration.scoring import Evaluation
from orchestration.screen import watching
from orchestration.sending import send
from orchestration.settings import Settings
from orchestration.stores import opened_state
from reconcilers.corrections.approval import approve
from reconcilers.engine import open_warehouse
from reconcilers.rules.codes import CODES
from reconcilers.state.views import CorrectionView, list_corrections, list_exceptions

# What drifted since the systems last agreed; small enough to read, every implemented code in it.
PLANTS = {
    "CTL-CNT-01": 1,
    "CTL-STALE-01": 1,
    "CTL-XREF-01": 2,
    "CTL-CORR-01": 3,
    "CUS-MISS-01": 4,
    "CUS-MISS-02": 1,
    "CUS-DUP-01": 2,
    "CUS-LINK-01": 4,
    "CUS-ATTR-01": 6,
    "CUS-STAT-01": 2,
    "HIE-PAR-01": 2,
    "HIE-BILL-01": 2,
    "PRD-MAP-01": 1,
    "PRD-GL-01": 1,
    "PRD-PRC-01": 2,
    "PRD-BAS-01": 3,
    "CON-MISS-01": 2,
    "CON-MISS-02": 2,
    "CON-AMT-01": 3,
    "CON-TERM-01": 4,
    "CON-AMD-01": 2,
    "CON-AMD-02": 2,
    "CON-DISC-01": 2,
    "CON-REN-01": 3,
    "CON-RAMP-01": 3,
    "CON-COT-01": 2,
    "SUB-STAT-01": 4,
    "SUB-QTY-01": 3,
    "SUB-DUP-01": 2,
    "USG-QTY-01": 3,
    "USG-RATE-01": 2,
    "INV-MISS-01": 6,
    "INV-MISS-02": 2,
    "INV-DUP-01": 2,
    "INV-AMT-01": 4,
    "INV-LINE-01": 3,
    "INV-DATE-01": 3,
    "INV-STAT-01": 3,
    "INV-SCHD-01": 3,
    "CRN-MISS-01": 3,
    "CRN-AMT-01": 2,
    "CRN-APPL-01": 2,
    "TAX-AMT-01": 3,
    "TAX-CODE-01": 3,
    "PAY-MISS-01": 3,
    "PAY-DUP-01": 2,
    "PAY-AMT-01": 3,
    "PAY-APPL-01": 4,
    "PAY-OOB-01": 3,
    "PAY-RET-01": 3,
    "RFD-MISS-01": 3,
    "RFD-DUP-01": 3,
    "DSP-LIFE-01": 4,
    "PYT-COMP-01": 2,
    "PYT-DEP-01": 7,
    "REV-SCH-01": 3,
    "REV-AMT-01": 2,
    "REV-PER-01": 3,
    "REV-MOD-01": 3,
    "REV-STOP-01": 2,
    "REV-ROLL-01": 3,
    "REV-FX-01": 3,
    "JE-MISS-01": 4,
    "JE-DUP-01": 3,
    "JE-PER-01": 4,
    "JE-ACC-01": 3,
    "JE-ENT-01": 3,
    "PYT-CLR-01": 3,
    "PYT-BANK-01": 4,
    "JE-BAL-01": 1,
    "JE-EDIT-01": 5,
    "JE-CLS-01": 2,
    "MRR-ROLL-01": 3,
    "MRR-XSYS-01": 4,
}
BATCH = "INV-MISS-01"
REASONS_TOLD = 3


def run_demo(settings: Settings, out: Console, *, seed: int, customers: int) -> bool:
    """Run it in a folder of its own, each time from nothing; True when all went as it should."""
    demo = _fresh(settings)
    try:
        with watching(out, "Setting the scene"):
            control.up(demo.sandbox_dir, seed=seed, customers=customers)
            for number, (code, count) in enumerate(PLANTS.items()):
                control.plant(demo.sandbox_dir, code, count, seed=seed * 1000 + number)
        return _two_nights(demo, out, seed, customers)
    finally:
        control.down(demo.sandbox_dir)


def _fresh(settings: Settings) -> Settings:
    home = settings.home / "demo"
    if home.exists():
        control.down(home / "sandbox")
        shutil.rmtree(home)
    return settings.practising_in(home)


def _two_nights(demo: Settings, out: Console, seed: int, customers: int) -> bool:
    first_day = reconcilable_day(demo)
    out.print(Rule(f"First night: {first_day}, {customers} customers, seed {seed}"))
    if not _night(demo, out, first_day):
        return False
    score = compare(demo, seed, customers, first_day)
    out.print(_found(demo, score))
    _say_totals(demo, out)
    _say_corrections(demo, out, "Corrections planned")

    out.print(Rule("Decide and dispatch"))
    _decide(demo, out)
    with opened_state(demo) as state:
        summary = asyncio.run(send(demo, state))
    out.print(f"dispatched: {dict(summary.outcomes)}")

    now = control.advance(demo.sandbox_dir, 1)
    second_day = reconcilable_day(demo)
    out.print(
        Rule(f"Second night: {second_day} (the sandbox's clock says {now:%Y-%m-%d %H:%M} UTC)")
    )
    if not _night(demo, out, second_day):
        return False
    _say_corrections(demo, out, "Corrections after the second night")
    verified = _say_exceptions(demo, out, first_day)
    out.print(Rule("Where to look"))
    for day in (first_day, second_day):
        out.print(f"report of {day}: {demo.report_dir(day) / 'report.html'}", soft_wrap=True)
    out.print(f"exceptions (CSV): {demo.report_dir(second_day) / 'exceptions.csv'}", soft_wrap=True)
    out.print(
        f"go on with it: TIEOUT_HOME={demo.home} .venv/bin/tieout sandbox up, then any command",
        soft_wrap=True,
    )
    return score.perfect and verified


def _night(demo: Settings, out: Console, day: dt.date) -> bool:
    with watching(out, f"Night of {day}"):
        result: NightResult = run_night(demo, day)
    if not result.ok:
        out.print(f"[red]the night failed in {result.failed_step}[/]: {result.reason}")
    return result.ok


def _found(demo: Settings, score: Evaluation) -> Table:
    with open_warehouse(demo.warehouse_path) as con:
        at_risk = dict(
            con.sql(
                "select code, sum(abs(impact_reporting_minor)) from reconciliation.drift "
                "where disposition = 'exception' group by code"
            ).fetchall()
        )
    found = table("code", "what", "planted", "follows", "found", "false", "missed", "at risk, USD")
    for item in score.scores:
        found.add_row(
            item.code,
            CODES[item.code],
            str(item.planted),
            str(item.implied),
            str(item.found),
            f"[red]{item.false}[/]" if item.false else "0",
            f"[red]{item.missed}[/]" if item.missed else "0",
            money(at_risk.get(item.code, 0)),
        )
    found.add_section()
    found.add_row(
        "", "all", *(str(sum(column)) for column in _columns(score)), money(sum(at_risk.values()))
    )
    return found


def _columns(score: Evaluation) -> list[list[int]]:
    rows = [(s.planted, s.implied, s.found, s.false, s.missed) for s in score.scores]
    return [list(column) for column in zip(*rows, strict=True)]


def _say_totals(demo: Settings, out: Console) -> None:
    with open_warehouse(demo.warehouse_path) as con:
        rows = con.sql(
            "select system, sum(landed_count)::bigint from raw.snapshots group by 1 order by 1"
        ).fetchall()
        matched = con.sql(
            """
            select count(distinct comparison), sum(rows)::bigint,
                100.0 * sum(rows) filter (where disposition = 'matched') / sum(rows)
            from reconciliation.dispositions where disposition not like 'excluded%'
            """
        ).fetchall()
        ties = con.sql(
            "select code, count(*), count(*) filter (where not holds) "
            "from reconciliation.tieouts group by 1 order by 1"
        ).fetchall()
    out.print("rows read: " + ", ".join(f"{system} {count:,}" for system, count in rows))
    for comparisons, count, rate in matched:
        out.print(f"matched: {rate:.2f} % of {count:,} rows of {comparisons} comparisons")
    out.print(
        "tie-outs: "
        + ", ".join(
            f"{code} {lines - broken} of {lines} lines hold" for code, lines, broken in ties
        )
    )


def _say_corrections(demo: Settings, out: Console, title: str) -> None:
    with opened_state(demo) as state:
        corrections = list_corrections(state)
    counts = Counter((c.code, c.mode, c.state) for c in corrections)
    counted = table("code", "mode", "state", "corrections", title=title)
    for (code, mode, state_name), count in sorted(counts.items()):
        counted.add_row(code, mode, state_name, str(count))
    out.print(counted)
    for line in why_refused(corrections):
        out.print(line)


def why_refused(corrections: Iterable[CorrectionView]) -> Iterator[str]:
    """The commonest reasons why posting checks refused corrections, with what to do about each."""
    refused = [item for item in corrections if item.state == "refused"]
    reasons = Counter(
        reason for item in refused for reason in {(r["check"], r["fix"]) for r in item.refusals}
    )
    ranked = sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))
    for (check, fix), count in ranked[:REASONS_TOLD]:
        yield f"refused, {count} of {len(refused)} by the check of the {check}: {fix}"


def _decide(demo: Settings, out: Console) -> None:
    with opened_state(demo) as state:
        waiting = [
            item.correction_id for item in list_corrections(state, states=("proposed",), code=BATCH)
        ]
        approve(state, waiting, demo.actor, "demo: checked against the billing system")
    out.print(
        f"{demo.actor} approves {len(waiting)} postings, as by "
        f"`tieout corrections approve --code {BATCH} --comment ...`; "
        "what policy sets to auto was approved by the night"
    )


def _say_exceptions(demo: Settings, out: Console, first_day: dt.date) -> bool:
    with opened_state(demo) as state:
        lives = list_exceptions(state)
        states = Counter(correction.state for correction in list_corrections(state))
    verified = [item for item in lives if item.state == "RESOLVED_VERIFIED"]
    older = [item for item in lives if item.state == "OPEN" and item.opened_on == first_day]
    new = [item for item in lives if item.opened_on > first_day]
    out.print(
        f"{len(verified)} exceptions resolved by verification, {len(older)} still open and a day "
        f"older (age {max((item.age_days for item in older), default=0)} d), {len(new)} new"
    )
    return bool(verified) and len(verified) == states["verified"] and not states["ineffective"]
