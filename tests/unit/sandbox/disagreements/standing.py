"""Customers that finance has taken out of use."""

from tests.unit.sandbox.books import Books, Clusters
from tests.unit.sandbox.disagreements.common import Row


def out_of_use(books: Books, clusters: Clusters):
    served = {
        subscription["customer"]
        for subscription in books.subscriptions.values()
        if subscription["status"] in {"active", "past_due", "trialing"}
    }
    owing = {i["customer"] for i in books.invoices.values() if i["status"] == "open"}
    for erp_id, erp in books.erp_customers.items():
        if erp["isinactive"] == "F":
            continue
        for customer_id in clusters.of("erp", erp_id, "billing"):
            if customer_id in served | owing:
                yield Row("CUS-STAT-01", "is_active", erp_id, customer_id)
        for account_id, account in books.accounts.items():
            if account["NetSuite_Customer_Id__c"] == erp_id:
                yield Row("CUS-LINK-01", "erp_customer_ref", account_id, None)
        for customer_id, customer in books.customers.items():
            if customer["metadata"].get("netsuite_customer_id") == erp_id:
                yield Row("CUS-LINK-01", "erp_customer_ref", customer_id, None)
