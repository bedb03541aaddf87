"""Revenue plans against the policies."""

from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from tests.unit.sandbox.books import Books, Clusters, instant
from tests.unit.sandbox.disagreements.common import Row, local_day


def plans(books: Books, clusters: Clusters):
    """Of each billed line that is deferred in the ERP: one plan, of its amount, by its policy."""
    by_line = defaultdict(list)
    for plan in books.plans.values():
        by_line[plan["sourcetransaction"], plan["sourceline"]].append(plan)
    first = {}
    for transaction in sorted(books.transactions.values(), key=lambda t: int(t["id"])):
        if transaction["type"] == "CustInvc" and transaction["voided"] == "F":
            first.setdefault(transaction["custbody_stripe_invoice_id"], transaction)
    for invoice_id, transaction in first.items():
        invoice = books.invoices.get(invoice_id)
        total = books.minor(transaction["foreigntotal"], transaction["currency"])
        if not invoice or invoice["status"] == "void" or abs(invoice["total"] - total) > 5:
            continue
        billed = {line["id"]: line for line in invoice["lines"]["data"]}
        for line in books.lines[transaction["id"]]:
            source = billed.get(line.get("custcol_stripe_line_id"))
            if source and line["custcol_rev_start"]:
                net = source["amount"] - sum(d["amount"] for d in source["discount_amounts"])
                plans = by_line[transaction["id"], line["id"]]
                yield from _plan_of(books, source["id"], net, plans)


def _plan_of(books: Books, line_id, net, plans):
    if len(plans) != 1:
        if net:
            found = min((plan["id"] for plan in plans), default=None)
            yield Row("REV-SCH-01", "", line_id, found)
        return
    (plan,) = plans
    months = books.months(plan)
    wanted = _by_policy(plan, net)
    if sum(months.values()) == net:
        for month in months | wanted:
            over = (date.fromisoformat(f"{month}-01") + timedelta(days=31)).replace(day=1)
            gap = abs(months.get(month, 0) - wanted.get(month, 0))
            if plan["rule"] != "As used" and gap > 1 and books.age(over) >= timedelta(days=1):
                yield Row("REV-PER-01", f"recognised:{month}", line_id, plan["id"])
        return
    known = {month: wanted.get(month) for month in months}
    is_short = max(months) < plan["enddate"][:7] and known == months
    code, attribute = ("REV-STOP-01", "end") if is_short else ("REV-AMT-01", "amount")
    yield Row(code, attribute, line_id, plan["id"])


def _by_policy(plan, net) -> dict[str, int]:
    """By the day, or by the month; what is earned so far is rounded."""
    day, end = date.fromisoformat(plan["startdate"]), date.fromisoformat(plan["enddate"])
    days = Counter()
    while day <= end:
        days[f"{day:%Y-%m}"] += 1
        day += timedelta(days=1)
    if "even" in plan["rule"]:
        days = Counter(dict.fromkeys(days, 1))
    earned, so_far, shares = 0, 0, {}
    for month, weight in days.items():
        so_far += weight
        part = Decimal(net) * so_far / days.total()
        shares[month] = int(part.to_integral_value(ROUND_HALF_UP)) - earned
        earned += shares[month]
    return shares


def modifications(books: Books, clusters: Clusters):
    """Parts of periods that changed: each is planned, a credit too, over the days that are left."""
    plans = {(p["sourcetransaction"], p["sourceline"]): p for p in books.plans.values()}
    for transaction in books.transactions.values():
        invoice = books.invoices.get(transaction.get("custbody_stripe_invoice_id"))
        if not invoice or transaction["type"] != "CustInvc" or transaction["voided"] == "T":
            continue
        parts = {
            line["id"]: line
            for line in invoice["lines"]["data"]
            if (line["parent"].get("subscription_item_details") or {}).get("proration")
        }
        planned = [
            (parts[line["custcol_stripe_line_id"]], plans.get((transaction["id"], line["id"])))
            for line in books.lines[transaction["id"]]
            if line.get("custcol_stripe_line_id") in parts
        ]
        since = [instant(part["period"]["start"]) for part, _ in planned]
        if planned and _business_days(min(since), books.now) > 5 and _is_amiss(books, planned):
            yield Row("REV-MOD-01", "plan", invoice["id"], transaction["id"])


def _is_amiss(books: Books, planned) -> bool:
    if any(part["amount"] < 0 and plan is None for part, plan in planned):
        return True
    if all(plan is None for _, plan in planned):
        return True
    return any(
        len([m for m in books.months(plan).values() if m]) == 1
        and plan["startdate"][:7] < plan["enddate"][:7]
        for _, plan in planned
        if plan
    )


def _business_days(since, now) -> int:
    days = (since.date() + timedelta(days=n) for n in range(1, (now - since).days + 1))
    return sum(day.weekday() < 5 for day in days)


def lone_plans(books: Books, clusters: Clusters):
    for plan in books.plans.values():
        source = books.transactions.get(plan["sourcetransaction"])
        if source is None:
            yield Row("REV-SCH-01", "", plan["id"], None)
        elif source["voided"] == "T" and source["type"] == "CustInvc":
            stopped = source["custbody_status_changed_at"][:7]
            lines = [x for x in books.plan_lines if x["revenueplan"] == plan["id"]]
            if any(x["isrecognized"] == "T" and x["periodname"] > stopped for x in lines):
                yield Row("REV-STOP-01", "end", plan["id"], None)


def deferred(books: Books, clusters: Clusters):
    """Journals on deferred revenue that are no run of recognition; a run is judged by its plans."""
    for journal_id, journal in books.transactions.items():
        if journal["type"] != "Journal" or journal["tranid"].startswith("JE-REV-"):
            continue
        if any(p["account"] == "210" for p in books.postings[journal_id]):
            yield Row("REV-ROLL-01", "deferred", journal_id, None)


def months_lost(books: Books, clusters: Clusters):
    """Months that no invoice of a subscription charges, between months that one does."""
    charged, void = defaultdict(set), defaultdict(set)
    for invoice in books.invoices.values():
        details = (invoice.get("parent") or {}).get("subscription_details")
        if not details:
            continue
        at = invoice["status_transitions"]
        is_paused = invoice["status"] == "void" and at["voided_at"] - at["finalized_at"] < 60
        for line in invoice["lines"]["data"]:
            about = line["parent"].get("subscription_item_details") or {}
            is_part = about.get("proration", True) or not line["pricing"]["unit_amount_decimal"]
            into = void if is_paused else charged
            if (line["amount"] and not is_part) or is_paused:
                into[details["subscription"]] |= set(_month_ends(line, invoice))
    for subscription, months in charged.items():
        for month in months - {max(months)}:
            after = _next(month)
            if after not in months and after not in void[subscription]:
                yield Row("MRR-ROLL-01", f"movement:{after}", subscription, None)


def _month_ends(line, invoice):
    """Months whose last day a line charges for."""
    day = date.fromisoformat(local_day(line["period"]["start"], invoice))
    end = date.fromisoformat(local_day(line["period"]["end"], invoice))
    while day < end:
        if (day + timedelta(days=1)).day == 1:
            yield f"{day:%Y-%m}"
        day += timedelta(days=1)


def _next(month: str) -> str:
    return f"{date.fromisoformat(month + '-01') + timedelta(days=31):%Y-%m}"


def usage(books: Books, clusters: Clusters):
    """Of each billed period of a meter: what its events count, and the units of its lines."""
    for invoice in books.invoices.values():
        if invoice["status"] in {"void", "draft"} or invoice["customer"] not in books.usage:
            continue
        periods = defaultdict(list)
        for line in invoice["lines"]["data"]:
            price = books.price_by_id[line["pricing"]["price_details"]["price"]]
            if (price["recurring"] or {}).get("usage_type") == "metered":
                periods[line["period"]["start"], line["period"]["end"]].append(line)
        for (start, end), lines in periods.items():
            within = [e for e in books.usage[invoice["customer"]] if start <= e["timestamp"] < end]
            counted = sum(int(event["payload"]["value"]) for event in within)
            first = min(line["id"] for line in lines)
            if within and counted != sum(line["quantity"] for line in lines):
                yield Row("USG-QTY-01", "quantity", first, None)
            elif within:
                price = books.price_by_id[lines[0]["pricing"]["price_details"]["price"]]
                charged = sum(line["amount"] for line in lines)
                if abs(cost_of(counted, price) - charged) > len(lines):
                    yield Row("USG-RATE-01", "amount", first, None)


def cost_of(units, price) -> Decimal:
    """Minor units that graduated tiers, or one price, make of that many units."""
    if not price.get("tiers"):
        return units * Decimal(price["unit_amount_decimal"])
    cost, below = Decimal(0), 0
    for tier in price["tiers"]:
        upto = units if tier["up_to"] is None else min(units, tier["up_to"])
        cost += max(upto - below, 0) * Decimal(tier["unit_amount_decimal"])
        below = max(below, upto)
    return cost
