"""Lines that were sold to end with their contract."""

from collections import defaultdict

from tests.unit.sandbox.books import Books, Clusters
from tests.unit.sandbox.disagreements.common import HOURS_BILLING, Row


def add_ons(books: Books, clusters: Clusters):
    billing, executing = defaultdict(list), {}
    for subscription in sorted(books.subscriptions.values(), key=lambda s: s["start_date"]):
        if subscription["status"] == "canceled":
            continue
        executing.setdefault(subscription["metadata"].get("crm_contract_id"), subscription["id"])
        for item in subscription["items"]["data"]:
            billing[item["metadata"].get("crm_contract_line_id")].append(subscription["id"])
    for line in books.contract_lines:
        contract = books.contracts[line["Contract__c"]]
        own = executing.get(contract["Id"])
        is_old = books.age(line["Effective_At__c"]) > HOURS_BILLING
        if not line["Co_Termed__c"] or contract["Status"] != "Activated" or not own or not is_old:
            continue
        sku = books.crm_products[line["Product__c"]]["ProductCode"]
        if line["End_Date__c"] != contract["EndDate"]:
            yield Row("CON-COT-01", f"end_date:{sku}", line["Id"], own)
        if billing[line["Id"]] and own not in billing[line["Id"]]:
            yield Row("CON-COT-01", f"subscription:{sku}", line["Id"], billing[line["Id"]][0])
