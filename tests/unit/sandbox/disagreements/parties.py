"""Who bought, who is billed and who owes."""

from tests.unit.sandbox.books import Books, Clusters
from tests.unit.sandbox.disagreements.common import Row
from tests.unit.sandbox.disagreements.parents import above, trees


def parties(books: Books, clusters: Clusters):
    sales, finance = trees(books, clusters)
    tree = finance | sales

    def family(kind, row_id):
        root = clusters.root(kind, row_id)
        return ([root, *above(root, tree)])[-1]

    for subscription_id, subscription in books.subscriptions.items():
        contract = books.contracts.get(subscription["metadata"].get("crm_contract_id"))
        if contract is None or contract["AccountId"] not in books.accounts:
            continue
        won = books.opportunities[contract["Opportunity__c"]]["IsWon"]
        if contract["Status"] == "Draft" or not won:
            continue
        if family("crm", contract["AccountId"]) != family("billing", subscription["customer"]):
            yield Row("HIE-BILL-01", "bill_to", contract["Id"], subscription_id)
    for erp_id, document in books.transactions.items():
        invoice = books.invoices.get(document["custbody_stripe_invoice_id"] or "")
        is_posted = document["type"] == "CustInvc" and document["voided"] != "T"
        if invoice is None or not is_posted or document["entity"] not in books.erp_customers:
            continue
        if family("erp", document["entity"]) != family("billing", invoice["customer"]):
            yield Row("HIE-BILL-01", "posted_to", invoice["id"], erp_id)
