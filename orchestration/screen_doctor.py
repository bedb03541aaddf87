"""How findings of the doctor look on the command line."""

from collections.abc import Iterable

from rich.console import Console

from extractors.findings import Finding

_MARKS = {"ok": "[green]ok  [/]", "warning": "[yellow]WARN[/]", "error": "[red]FAIL[/]"}


def show_findings(out: Console, findings: Iterable[Finding]) -> bool:
    """Each as it is found, with what to do; whether there was no error."""
    healthy = True
    for finding in findings:
        out.print(f"{_MARKS[finding.level]} {finding.subject}: {finding.detail}", soft_wrap=True)
        if not finding.is_ok:
            out.print(f"       -> {finding.remedy}", soft_wrap=True)
        healthy = healthy and finding.level != "error"
    return healthy
