"""Threads as one page that needs nothing else: readable offline, in the dark, on paper."""

from collections.abc import Iterable, Mapping
from functools import cache, partial
from importlib.resources import files

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from reconcilers.report.amounts import amount
from reconcilers.trace.folded import Rest, duration, folded
from reconcilers.trace.thread import Found, Node

NAMES = {
    "contract_line": "contract line",
    "crm_subscription": "CRM copy",
    "erp_invoice": "ERP invoice",
    "erp_payment": "ERP payment",
    "erp_credit_note": "ERP credit",
    "erp_refund": "ERP refund",
    "erp_deposit": "ERP deposit",
    "revenue_schedule_line": "revenue",
    "erp_revenue_line": "ERP revenue",
}
# What the page opens at once; deeper branches open at a click, and where the asked record is.
OPEN_KINDS = {"opportunity", "contract", "subscription"}


def name_of(kind: str) -> str:
    """The kind of a record for people."""
    return NAMES.get(kind, kind.replace("_", " "))


def render_trace(found: Found, exponents: Mapping[str, int]) -> str:
    """The page of an id. The same data give the same bytes."""
    return _template().render(
        found=found,
        folded=folded,
        is_rest=is_rest,
        open_kinds=OPEN_KINDS,
        kinds=_kinds(found),
        amount=partial(_amount, exponents=exponents),
    )


@cache
def _template() -> Template:
    """Compiled once: a report has hundreds of pages."""
    environment = Environment(
        loader=FileSystemLoader(str(files("reconcilers.trace"))),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"duration": duration, "kind": name_of}
    return environment.get_template("page.html.j2")


def _amount(minor: int | None, currency: str | None, *, exponents: Mapping[str, int]) -> str:
    return amount(minor, currency or "", exponents) if currency else ""


def is_rest(item: object) -> bool:
    """Whether a line stands for several records."""
    return isinstance(item, Rest)


def _kinds(found: Found) -> list[tuple[str, int]]:
    """How many records of each kind the threads hold, in the order of the business."""
    nodes: Iterable[Node] = [node for thread in found.threads for node in thread.nodes.values()]
    counts: dict[tuple[int, str], int] = {}
    for node in nodes:
        counts[node.rank, node.kind] = counts.get((node.rank, node.kind), 0) + 1
    return [(kind, count) for (_, kind), count in sorted(counts.items())]
