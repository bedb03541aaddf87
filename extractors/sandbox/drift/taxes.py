"""TAX: ERP invoices with billing's net amounts, and another tax or tax code on them."""

from collections.abc import Callable

from extractors.sandbox.drift.documents import (
    Posted,
    applications,
    lines_of,
    posted_invoices,
    remove_line,
    retotal,
    set_line,
)
from extractors.sandbox.drift.ground import Ground, minor_of, text_of
from extractors.sandbox.schema import System
from extractors.sandbox.tables import Record

_TAX_PER_LINE = 8
"""Half of the tax stands out from what rounding on each line may cost."""


def plant_other_tax(ground: Ground, count: int) -> None:
    """TAX-AMT-01: no tax, half of it, or half as much again; so the total differs (INV-AMT-01)."""
    posted = [p for p in posted_invoices(ground) if _is_taxed(ground, p)]
    unpaid = [p for p in posted if p.is_open]
    pools = {
        "tax_missing": unpaid,
        "tax_too_low": unpaid,
        "tax_too_high": unpaid,
        "low_and_paid": [p for p in posted if _is_paid_once(ground, p)],
    }
    for variant, chosen in ground.choose(count, pools, lambda p: p.id):
        _CHANGES[variant](ground, chosen, ground.tick())
        ground.freeze(chosen.who, chosen.subject)
        _tell(ground, chosen, variant)


def _tell(ground: Ground, posted: Posted, variant: str) -> None:
    owner: tuple[System, str] = ("stripe", posted.id)
    replica: tuple[System, str] = ("netsuite", posted.internal)
    attribute = f"tax:{posted.who.legal_entity.country}"
    ground.planted(owner, replica, attribute=attribute, variant=variant)
    ground.follows(
        "INV-AMT-01", owner, replica, attribute="total", variant=variant, caused_by=posted.id
    )


def _is_taxed(ground: Ground, posted: Posted) -> bool:
    """Whether both charge one tax, on the same net, that is well above what rounding may cost."""
    charged = [tax["amount"] for tax in posted.invoice["total_taxes"] if tax["amount"]]
    lines = posted.invoice["lines"]["data"]
    if len(charged) != 1 or charged[0] < _TAX_PER_LINE * len(lines):
        return False
    return abs(_tax(posted, _tax_line(ground, posted)) - charged[0]) <= len(lines)


def _is_paid_once(ground: Ground, posted: Posted) -> bool:
    return posted.is_paid and len(applications(ground, posted.internal)) == 1


def _tax_line(ground: Ground, posted: Posted) -> Record:
    (line,) = (line for line in lines_of(ground, posted.internal) if line["taxline"] == "T")
    return line


def _tax(posted: Posted, line: Record) -> int:
    return -minor_of(line["foreignamount"], posted.transaction["currency"])


def _drop(ground: Ground, posted: Posted, at: int) -> None:
    remove_line(ground, posted.internal, _tax_line(ground, posted))
    _leave_open(ground, posted, at)


def _lower(ground: Ground, posted: Posted, at: int) -> None:
    _charge(ground, posted, at, halves=1)
    _leave_open(ground, posted, at)


def _raise(ground: Ground, posted: Posted, at: int) -> None:
    _charge(ground, posted, at, halves=3)
    _leave_open(ground, posted, at)


def _lower_paid(ground: Ground, posted: Posted, at: int) -> None:
    """A part of the payment is left unapplied."""
    _charge(ground, posted, at, halves=1)
    text = text_of(retotal(ground, posted.internal, at), posted.transaction["currency"])
    (link,) = applications(ground, posted.internal)
    ground.add("netsuite", "previoustransactionlinelink", link | {"foreignamount": text}, at)
    ground.change("netsuite", "transaction", link["nextdoc"], at)


def _charge(ground: Ground, posted: Posted, at: int, *, halves: int) -> None:
    line = _tax_line(ground, posted)
    set_line(ground, posted.transaction, line, _tax(posted, line) * halves // 2, at)


def _leave_open(ground: Ground, posted: Posted, at: int) -> None:
    text = text_of(retotal(ground, posted.internal, at), posted.transaction["currency"])
    ground.change("netsuite", "transaction", posted.internal, at, foreignamountunpaid=text)


_CHANGES: dict[str, Callable[[Ground, Posted, int], None]] = {
    "tax_missing": _drop,
    "tax_too_low": _lower,
    "tax_too_high": _raise,
    "low_and_paid": _lower_paid,
}


def plant_other_code(ground: Ground, count: int) -> None:
    """TAX-CODE-01: a code of another country, or the reduced one, with billing's tax or its own.

    Its own tax is another one (TAX-AMT-01), and so is the total (INV-AMT-01).
    """
    posted = [p for p in posted_invoices(ground) if _is_taxed(ground, p)]
    unpaid = [p for p in posted if p.is_open]
    pools = {"other_country": posted, "reduced_code": posted, "reduced_rate": unpaid}
    for variant, chosen in ground.choose(count, pools, lambda p: p.id):
        at, country = ground.tick(), chosen.who.legal_entity.country
        code, percent = _OTHER[country] if variant == "other_country" else _REDUCED[country]
        _recode(ground, chosen, code, at)
        ground.freeze(chosen.who, chosen.subject)
        owner: tuple[System, str] = ("stripe", chosen.id)
        replica: tuple[System, str] = ("netsuite", chosen.internal)
        ground.planted(owner, replica, attribute=f"tax_code:{country}", variant=variant)
        if variant == "reduced_rate":
            line = _tax_line(ground, chosen)
            net = chosen.invoice["total"] - sum(t["amount"] for t in chosen.invoice["total_taxes"])
            set_line(ground, chosen.transaction, line, net * percent // 100, at)
            _leave_open(ground, chosen, at)
            for name, attribute in (("TAX-AMT-01", f"tax:{country}"), ("INV-AMT-01", "total")):
                ground.follows(
                    name, owner, replica, attribute=attribute, variant=variant, caused_by=chosen.id
                )


_REDUCED = {"GB": ("5", 5), "DE": ("6", 7), "JP": ("7", 8)}
_OTHER = {"GB": ("3", 19), "DE": ("2", 20), "JP": ("3", 19)}
"""Country -> NetSuite's tax code of a reduced rate there, or of another country; its percent."""


def _recode(ground: Ground, posted: Posted, code: str, at: int) -> None:
    for line in lines_of(ground, posted.internal):
        if line["item"] or line["taxline"] == "T":
            ground.add("netsuite", "transactionline", line | {"taxcode": code}, at)
