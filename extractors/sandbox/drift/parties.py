"""HIE-BILL-01: who bought, who is billed and who owes are not of one family."""

from extractors.sandbox.drift.customers import known
from extractors.sandbox.drift.documents import Posted, posted_invoices
from extractors.sandbox.drift.ground import Ground
from extractors.sandbox.drift.parents import stands_alone
from extractors.sandbox.drift.sold_lines import Sold, sold_lines
from extractors.sandbox.world.state import Company

Case = tuple[Company, Sold | Posted]


def plant_other_party(ground: Ground, count: int) -> None:
    """A contract hangs on a stranger's account, or an invoice is posted to a stranger."""
    alone = [who for who in known(ground) if who.account_id and _is_free(ground, who)]
    strangers = [who for who in alone if stands_alone(ground, who)]
    sold: list[Case] = [(each.who, each) for each in sold_lines(ground)]
    posted: list[Case] = [(p.who, p) for p in posted_invoices(ground) if p.is_paid]
    pools = {
        "sold_to_stranger": [case for case in sold if case[0].account_id],
        "posted_to_stranger": [case for case in posted if case[0].account_id],
    }
    free = {name: [c for c in pool if _is_free(ground, c[0])] for name, pool in pools.items()}
    chosen = ground.choose(count, free, lambda case: f"{case[0].number:06d}")
    taken = {who.number for _, (who, _) in chosen}
    others = [who for who in strangers if who.number not in taken]
    for variant, (who, subject) in chosen:
        stranger = _stranger(ground, others, who)
        ground.claim(who, f"account:{who.account_id}", f"attributes:{who.number}")
        ground.claim(stranger, f"account:{stranger.account_id}", f"attributes:{stranger.number}")
        if isinstance(subject, Sold):
            _sell_to(ground, subject, stranger, variant)
        else:
            _post_to(ground, subject, stranger, variant)


def _is_free(ground: Ground, who: Company) -> bool:
    return ground.is_free(f"account:{who.account_id}", f"attributes:{who.number}")


def _stranger(ground: Ground, others: list[Company], who: Company) -> Company:
    """A customer of the same legal entity and currency without family."""
    fit = [o for o in others if (o.entity, o.currency) == (who.entity, who.currency)]
    if not fit:
        raise ValueError(f"no stranger is left for {ground.code} at {who.entity}")
    stranger = ground.rng.choice(fit)
    others.remove(stranger)
    return stranger


def _sell_to(ground: Ground, sold: Sold, stranger: Company, variant: str) -> None:
    at = ground.tick()
    contract = ground.change(
        "salesforce", "Contract", sold.contract_id, at, AccountId=stranger.account_id
    )
    deal = contract["Opportunity__c"]
    ground.change("salesforce", "Opportunity", deal, at, AccountId=stranger.account_id)
    ground.freeze(sold.who, f"subscription:{sold.subscription_id}")
    ground.planted(
        ("salesforce", sold.contract_id),
        ("stripe", sold.subscription_id),
        attribute="bill_to",
        variant=variant,
    )


def _post_to(ground: Ground, posted: Posted, stranger: Company, variant: str) -> None:
    at = ground.tick()
    ground.change("netsuite", "transaction", posted.internal, at, entity=stranger.erp_id)
    ground.freeze(posted.who, posted.subject)
    ground.planted(
        ("stripe", posted.id),
        ("netsuite", posted.internal),
        attribute="posted_to",
        variant=variant,
    )
