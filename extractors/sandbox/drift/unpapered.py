"""CON-MISS-02: billing goes on for a customer whose paper was never signed, or is gone."""

from collections import Counter

from extractors.sandbox.drift.ground import Ground
from extractors.sandbox.drift.sold_lines import Sold, sold_lines, subscription_of
from extractors.sandbox.tables import Record


def plant_no_contract(ground: Ground, count: int) -> None:
    """The contract of a subscription is deleted or opened again, or its deal was not won."""
    alone = _on_their_only_contract(ground)
    variants = ("contract_deleted", "contract_in_draft", "deal_not_won")
    for variant, sold in ground.choose(count, dict.fromkeys(variants, alone), subscription_of):
        at = ground.tick()
        _withdraw(ground, variant, sold.contract_id, at)
        # nobody signs another one meanwhile, which could stand for it
        account = f"account:{sold.who.account_id}"
        ground.freeze(sold.who, f"subscription:{sold.subscription_id}", account)
        ground.planted(("stripe", sold.subscription_id), variant=variant)


def _withdraw(ground: Ground, variant: str, contract_id: str, at: int) -> None:
    contract = _record(ground, "Contract", contract_id)
    if variant == "contract_deleted":
        for line in ground.store.rows("salesforce", "Contract_Line__c", Contract__c=contract_id):
            ground.change("salesforce", "Contract_Line__c", line["Id"], at, IsDeleted=True)
        ground.change("salesforce", "Contract", contract_id, at, IsDeleted=True)
    elif variant == "contract_in_draft":
        ground.change("salesforce", "Contract", contract_id, at, Status="Draft", ActivatedDate=None)
    else:
        lost = {"StageName": "Closed Lost", "IsWon": False}
        ground.change("salesforce", "Opportunity", contract["Opportunity__c"], at, **lost)


def _on_their_only_contract(ground: Ground) -> list[Sold]:
    """Lines of customers without family who signed one contract and plan no other."""
    accounts = ground.store.rows("salesforce", "Account")
    parents = {account["ParentId"] for account in accounts}
    signed = Counter(row["AccountId"] for row in ground.store.rows("salesforce", "Contract"))
    plans = {args["deal"]["company"] for _, _, kind, args in ground.facts.agenda if "deal" in args}
    return [
        sold
        for sold in sold_lines(ground)
        if signed[sold.who.account_id] == 1
        and sold.who.account_id not in parents
        and not _record(ground, "Account", sold.who.account_id or "")["ParentId"]
        and ground.is_free(f"account:{sold.who.account_id}")
        and sold.who.number not in plans
    ]


def _record(ground: Ground, kind: str, key: str) -> Record:
    record = ground.store.get("salesforce", kind, key)
    assert record is not None
    return record
