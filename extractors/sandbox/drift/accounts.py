"""JE-ACC: lines of the ledger on other accounts than the mapping gives them."""

from collections.abc import Callable

from extractors.sandbox.drift.documents import Posted, lines_of, posted_invoices
from extractors.sandbox.drift.ground import Ground
from extractors.sandbox.reference import ACCRUED, DISPUTED, SUBSCRIPTION_REVENUE
from extractors.sandbox.tables import Record

_IsWanted = Callable[[Record], object]
_VARIANTS: dict[str, tuple[_IsWanted, str]] = {
    "income_at_once": (lambda line: line.get("custcol_rev_start"), SUBSCRIPTION_REVENUE.id),
    "tax_in_suspense": (lambda line: line["taxline"] == "T", ACCRUED.id),
    "receivable_elsewhere": (lambda line: line["mainline"] == "T", DISPUTED.id),
}
"""Which line is moved, and to which account: to income, to one of no event, to one of another."""


def plant_other_account(ground: Ground, count: int) -> None:
    """JE-ACC-01: revenue booked before it is earned, tax in suspense, a receivable elsewhere."""
    posted = posted_invoices(ground)
    pools = {
        variant: [each for each in posted if line_to_move(ground, each, variant)]
        for variant in _VARIANTS
    }
    for variant, chosen in ground.choose(count, pools, lambda each: each.id):
        ground.freeze(chosen.who, chosen.subject)
        line = line_to_move(ground, chosen, variant)
        assert line is not None
        move_line(ground, chosen, line, _VARIANTS[variant][1])
        key = f"{chosen.internal}-{line['id']}"
        ground.planted(("netsuite", key), attribute="account", variant=variant)


def line_to_move(ground: Ground, posted: Posted, variant: str) -> Record | None:
    """The first line of the kind that is worth anything."""
    is_wanted, _ = _VARIANTS[variant]
    lines = lines_of(ground, posted.internal)
    return next((x for x in lines if is_wanted(x) and x["netamount"].strip("0.-")), None)


def move_line(ground: Ground, posted: Posted, line: Record, account: str) -> None:
    """Post a line of an invoice on another account."""
    at = ground.tick()
    posting = ground.store.get(
        "netsuite", "transactionaccountingline", (posted.internal, line["id"], "1")
    )
    assert posting is not None
    ground.add("netsuite", "transactionaccountingline", posting | {"account": account}, at)
    ground.change("netsuite", "transaction", posted.internal, at)
