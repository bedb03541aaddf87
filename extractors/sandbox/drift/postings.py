"""JE-MISS, JE-DUP and JE-PER: events without a journal, with two, or in another period."""

from collections.abc import Iterator

from extractors.sandbox.drift.disputes import Followed, followed
from extractors.sandbox.drift.documents import (
    copy_document,
    other_month,
    posted_invoices,
    postings_of,
)
from extractors.sandbox.drift.ground import Ground
from extractors.sandbox.reference import period_id
from extractors.sandbox.tables import Record
from extractors.sandbox.world.state import Company

Found = tuple[str, Company | None, Record]  # subjects, who, ERP record


def plant_no_journal(ground: Ground, count: int) -> None:
    """JE-MISS-01: a document that waits for approval, one without ledger lines, revenue not run."""
    invoices: list[Found] = [(p.subject, p.who, p.transaction) for p in posted_invoices(ground)]
    payments = list(_payments(ground))
    pools: dict[str, list[Found]] = {
        "invoice_not_approved": invoices,
        "payment_not_approved": payments,
        "ledger_lines_gone": invoices,
        "not_recognised": list(_recognised(ground)),
    }
    for variant, (subject, who, record) in ground.choose(count, pools, lambda each: each[0]):
        ground.freeze(who, subject)
        _unpost(ground, variant, record, ground.tick())
        ground.planted(("netsuite", record["id"]), variant=variant)


def _payments(ground: Ground) -> Iterator[Found]:
    """Payments of invoices that nothing happens to."""
    for posted in posted_invoices(ground):
        if posted.is_paid:
            links = ground.store.rows(
                "netsuite", "previoustransactionlinelink", previousdoc=posted.internal
            )
            for link in links[:1]:
                payment = ground.store.get("netsuite", "transaction", link["nextdoc"])
                if payment is not None and ground.is_settled(payment["lastmodifieddate"]):
                    yield posted.subject, posted.who, payment


def _recognised(ground: Ground) -> Iterator[Found]:
    """One recognised month of each invoice that nothing happens to."""
    for posted in posted_invoices(ground):
        for plan in ground.store.rows("netsuite", "revenueplan", sourcetransaction=posted.internal)[
            :1
        ]:
            lines = ground.store.rows("netsuite", "revenueplanline", revenueplan=plan["id"])
            # what was entered after its first month is not due before the next run
            in_time = posted.transaction["createddate"][:7]
            for line in lines[:1]:
                is_due = line["isrecognized"] == "T" and line["periodname"] >= in_time
                if is_due and line["amount"].strip("0.-"):
                    yield posted.subject, posted.who, line


def _unpost(ground: Ground, variant: str, record: Record, at: int) -> None:
    if variant == "not_recognised":
        line = record | {"isrecognized": "F", "journal": None}
        ground.store.put("netsuite", "revenueplanline", line, stamp=False)
        ground.change("netsuite", "revenueplan", record["revenueplan"], at)
        ground.freeze(None, f"revenueplanline:{record['id']}")
        return
    for posting in postings_of(ground, record["id"]):
        if variant == "ledger_lines_gone":
            key = (record["id"], posting["transactionline"], posting["accountingbook"])
            ground.store.delete("netsuite", "transactionaccountingline", key)
        else:
            ground.add("netsuite", "transactionaccountingline", posting | {"posting": "F"}, at)
    posts = {} if variant == "ledger_lines_gone" else {"posting": "F"}
    ground.change("netsuite", "transaction", record["id"], at, **posts)


def plant_journal_twice(ground: Ground, count: int) -> None:
    """JE-DUP-01: a run of recognition, a cost allocation or a stage of a dispute entered again."""
    journals = [
        journal
        for journal in ground.store.rows("netsuite", "transaction", type="Journal")
        if ground.is_free(f"transaction:{journal['id']}")
        and ground.is_settled(journal["lastmodifieddate"])
    ]
    stages = {str(stage.entry["id"]): stage for stage in followed(ground)}
    pools = {
        "recognised_twice": [j for j in journals if j["tranid"].startswith("JE-REV-")],
        "cost_twice": [j for j in journals if j["tranid"].startswith("JE-COST-")],
        "dispute_twice": [stage.entry for stage in stages.values()],
    }
    for variant, journal in ground.choose(count, pools, lambda each: str(each["id"])):
        copy = copy_document(ground, journal, ground.tick())
        ground.freeze(None, f"transaction:{journal['id']}", f"transaction:{copy}")
        ground.planted(("netsuite", copy), variant=variant)
        if variant == "dispute_twice":
            _tell_dispute(ground, stages[str(journal["id"])], copy)


def _tell_dispute(ground: Ground, stage: Followed, copy: str) -> None:
    """The provider knows of no second stage, which follows from the copy."""
    ground.freeze(stage.who, f"invoice:{stage.invoice_id}", f"charge:{stage.dispute['charge']}")
    attribute = f"stage:{stage.phase}"
    ground.follows(
        "DSP-LIFE-01", ("netsuite", copy), attribute=attribute, variant="copy", caused_by=copy
    )


def plant_other_period(ground: Ground, count: int) -> None:
    """JE-PER-01: an invoice, a payment or a run of recognition stands in a month of its own choice.

    A payment that is dated otherwise as well differs from the day on which billing has it.
    """
    payments = list(_payments(ground))
    runs: list[Found] = [
        (f"transaction:{journal['id']}", None, journal)
        for journal in ground.store.rows("netsuite", "transaction", type="Journal")
        if journal["tranid"].startswith("JE-REV-")
        and ground.is_free(f"transaction:{journal['id']}")
    ]
    pools: dict[str, list[Found]] = {
        "invoice_other_period": [
            (p.subject, p.who, p.transaction) for p in posted_invoices(ground)
        ],
        "payment_other_period": payments,
        "payment_other_date": [each for each in payments if each[2]["custbody_stripe_charge_id"]],
        "recognition_other_period": runs,
    }
    movable = {
        variant: [each for each in pool if other_month(ground, each[2])]
        for variant, pool in pools.items()
    }
    for variant, (subject, who, record) in ground.choose(count, movable, lambda each: each[0]):
        ground.freeze(who, subject)
        day = other_month(ground, record)
        assert day is not None
        fields = {"postingperiod": period_id(day)}
        if variant == "payment_other_date":
            fields["trandate"] = day.isoformat()
        ground.change("netsuite", "transaction", record["id"], ground.tick(), **fields)
        ground.planted(("netsuite", record["id"]), attribute="period", variant=variant)
        for _ in range(1, _currencies(ground, record["id"])):
            # money of each currency is a row of its own
            ground.follows(
                ground.code,
                ("netsuite", record["id"]),
                attribute="period",
                variant=variant,
                caused_by=record["id"],
            )


def _currencies(ground: Ground, journal: str) -> int:
    """In how many currencies a journal recognised revenue; 0 where it recognised none."""
    lines = ground.store.rows("netsuite", "revenueplanline", journal=journal)
    plans = {line["revenueplan"] for line in lines}
    found = (ground.store.get("netsuite", "revenueplan", plan) for plan in plans)
    return len({plan["currency"] for plan in found if plan})
