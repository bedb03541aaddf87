"""REV: revenue plans of the ERP that are missing, twice, of another amount, or run otherwise."""

from collections.abc import Iterator
from dataclasses import dataclass

from extractors.sandbox.drift.documents import posted_invoices
from extractors.sandbox.drift.ground import Ground, minor_of, text_of
from extractors.sandbox.reference import ENTITY_BY_SUBSIDIARY
from extractors.sandbox.schema import System
from extractors.sandbox.tables import Record
from extractors.sandbox.world.state import Company


@dataclass(frozen=True)
class Planned:
    """The revenue plan of one line of an invoice, with its months in order."""

    who: Company | None
    subject: str
    line_id: str
    plan: Record
    months: list[Record]

    @property
    def id(self) -> str:
        return str(self.plan["id"])

    @property
    def earned(self) -> list[Record]:
        """Months that were recognised and are worth anything."""
        return [m for m in self.months if m["isrecognized"] == "T" and m["amount"].strip("0.-")]


def plant_plans_apart(ground: Ground, count: int) -> None:
    """REV-SCH-01: a line without a plan, with two, or a plan of a document that is gone."""
    planned = list(_planned(ground))
    pools = {"plan_missing": planned, "planned_twice": planned, "document_gone": planned}
    for variant, each in ground.choose(count, pools, lambda each: each.subject):
        ground.freeze(each.who, each.subject)
        at = ground.tick()
        if variant == "plan_missing":
            ground.store.delete("netsuite", "revenueplan", each.plan["id"])
            ground.planted(("stripe", each.line_id), variant=variant)
        elif variant == "planned_twice":
            _plan_again(ground, each, at)
            ground.planted(("stripe", each.line_id), ("netsuite", each.id), variant=variant)
        else:
            gone = ground.store.new_id("netsuite", "transaction")
            orphan = _plan_again(ground, each, at, sourcetransaction=gone)
            ground.planted(("netsuite", orphan), variant=variant)


def _plan_again(ground: Ground, each: Planned, at: int, **fields: str) -> str:
    again = str(int(each.id) + 500)
    ground.add("netsuite", "revenueplan", each.plan | {"id": again, **fields}, at)
    for number, month in enumerate(each.months, 1):
        copied = month | {"id": f"{again}-{number}", "revenueplan": again}
        ground.add("netsuite", "revenueplanline", copied, at)
    return again


def plant_other_amount(ground: Ground, count: int) -> None:
    """REV-AMT-01: the plan of a line comes to more or to less than the line."""
    planned = list(_planned(ground))
    factors = {"too_much": 1, "too_little": -1}
    for variant, each in ground.choose(
        count, dict.fromkeys(factors, planned), lambda each: each.subject
    ):
        ground.freeze(each.who, each.subject)
        minor = factors[variant] * ground.rng.randrange(200, 9_000)
        _change(ground, each, {each.months[-1]["id"]: minor})
        ground.planted(
            ("stripe", each.line_id), ("netsuite", each.id), attribute="amount", variant=variant
        )


def plant_other_months(ground: Ground, count: int) -> None:
    """REV-PER-01: revenue of one month was recognised in another one, which is off as well."""
    planned = [each for each in _planned(ground, in_closed_too=True) if len(each.earned) > 1]
    pools = {"too_early": planned, "too_late": planned}
    for variant, each in ground.choose(count, pools, lambda each: each.subject):
        ground.freeze(each.who, each.subject)
        first, second = each.earned[:2]
        moved = max(abs(minor_of(second["amount"], each.plan["currency"])) // 2, 2)
        moved = moved if variant == "too_early" else -moved
        _change(ground, each, {first["id"]: moved, second["id"]: -moved})
        names = [f"recognised:{month['periodname']}" for month in (first, second)]
        line: tuple[System, str] = ("stripe", each.line_id)
        plan: tuple[System, str] = ("netsuite", each.id)
        ground.planted(line, plan, attribute=names[0], variant=variant)
        ground.follows(
            ground.code, line, plan, attribute=names[1], variant=variant, caused_by=each.line_id
        )


def _change(ground: Ground, each: Planned, by: dict[str, int]) -> None:
    """Add to months of the plan, and to the plan itself, minor units."""
    at = ground.tick()
    currency = each.plan["currency"]
    for month in each.months:
        if month["id"] in by:
            amount = text_of(minor_of(month["amount"], currency) + by[month["id"]], currency)
            ground.add("netsuite", "revenueplanline", month | {"amount": amount}, at)
    total = text_of(minor_of(each.plan["amount"], currency) + sum(by.values()), currency)
    ground.change("netsuite", "revenueplan", each.id, at, amount=total)


def plant_other_end(ground: Ground, count: int) -> None:
    """REV-STOP-01: the plan of a live service ends early, or that of a void invoice runs on."""
    pools = {
        "stops_early": [
            p for p in _planned(ground) if len(p.months) > 1 and _is_worth(p.months[-1])
        ],
        "runs_after_void": list(_voided(ground)),
    }
    for variant, each in ground.choose(count, pools, lambda each: each.subject):
        ground.freeze(each.who, each.subject)
        plan: tuple[System, str] = ("netsuite", each.id)
        at = ground.tick()
        if variant == "stops_early":
            ground.store.delete("netsuite", "revenueplanline", each.months[-1]["id"])
            ground.planted(("stripe", each.line_id), plan, attribute="end", variant=variant)
        else:
            # the first month after the void is recognised all the same
            month = each.months[0]
            run = {"isrecognized": "T", "journal": _run_of(ground, each.plan, month)}
            ground.add("netsuite", "revenueplanline", month | run, at)
            ground.planted(plan, attribute="end", variant=variant)
        ground.change("netsuite", "revenueplan", each.id, at)


def _run_of(ground: Ground, plan: Record, month: Record) -> str | None:
    """The journal that recognised a month at the legal entity of a plan."""
    main = ground.store.get("netsuite", "transactionline", (plan["sourcetransaction"], "0"))
    assert main is not None
    code = ENTITY_BY_SUBSIDIARY[main["subsidiary"]].code
    number = f"JE-REV-{code}-{month['periodname']}"
    run = ground.store.rows("netsuite", "transaction", tranid=number)
    return str(run[0]["id"]) if run else None


def _is_worth(month: Record) -> bool:
    return bool(month["amount"].strip("0.-"))


def _planned(ground: Ground, *, in_closed_too: bool = False) -> Iterator[Planned]:
    """One plan of each invoice that nothing happens to; not those of usage, which no days tell."""
    for posted in posted_invoices(ground, in_closed_too=in_closed_too):
        for plan in ground.store.rows("netsuite", "revenueplan", sourcetransaction=posted.internal):
            line = ground.store.get(
                "netsuite", "transactionline", (posted.internal, plan["sourceline"])
            )
            months = _months(ground, plan)
            if line and plan["rule"] != "As used" and _is_worth(plan) and _is_worth(months[-1]):
                line_id = str(line["custcol_stripe_line_id"])
                yield Planned(posted.who, posted.subject, line_id, plan, months)
                break


def _voided(ground: Ground) -> Iterator[Planned]:
    """Plans of void invoices, with the months after the void whose run is over."""
    for document in ground.store.rows("netsuite", "transaction", type="CustInvc", voided="T"):
        subject = f"invoice:{document['custbody_stripe_invoice_id']}"
        stopped = document["custbody_status_changed_at"][:7]
        if not ground.is_free(subject) or not ground.is_settled(document["lastmodifieddate"]):
            continue
        for plan in ground.store.rows("netsuite", "revenueplan", sourcetransaction=document["id"])[
            :1
        ]:
            late = [
                month
                for month in _months(ground, plan)
                if stopped < month["periodname"]
                and _is_worth(month)
                and _run_of(ground, plan, month)
            ]
            if late:
                yield Planned(_billed(ground, document), subject, "", plan, late)


def _billed(ground: Ground, document: Record) -> Company | None:
    """Whose documents must not go meanwhile."""
    invoice = ground.store.get("stripe", "invoice", str(document["custbody_stripe_invoice_id"]))
    return ground.company_by_customer.get(invoice["customer"]) if invoice else None


def _months(ground: Ground, plan: Record) -> list[Record]:
    months = ground.store.rows("netsuite", "revenueplanline", revenueplan=plan["id"])
    return sorted(months, key=lambda month: str(month["periodname"]))
