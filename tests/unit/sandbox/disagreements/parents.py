"""Who is above a customer, for sales and for finance."""

from datetime import timedelta

from tests.unit.sandbox.books import Books, Clusters
from tests.unit.sandbox.disagreements.common import Row

DAY = timedelta(days=1)


def trees(books: Books, clusters: Clusters):
    """Cluster -> the one above it, in the CRM and in the ERP."""
    sales = {
        clusters.root("crm", key): clusters.root("crm", account["ParentId"])
        for key, account in books.accounts.items()
        if account["ParentId"] in books.accounts
    }
    finance = {
        clusters.root("erp", key): clusters.root("erp", customer["parent"])
        for key, customer in books.erp_customers.items()
        if customer["parent"] in books.erp_customers
    }
    return sales, finance


def parents(books: Books, clusters: Clusters):
    sales, finance = trees(books, clusters)
    for root, members in clusters.members.items():
        if not members["crm"] or not members["erp"] or sales.get(root) == finance.get(root):
            continue
        if finance.get(root) in above(root, sales):
            continue
        has_place = finance.get(root) or clusters.members[sales[root]]["erp"]
        account = min(members["crm"])
        if has_place and books.age(books.accounts[account]["LastModifiedDate"]) > DAY:
            yield Row("HIE-PAR-01", "parent", account, min(members["erp"], key=int))


def above(root, tree):
    seen = []
    while root in tree and tree[root] not in seen:
        root = tree[root]
        seen.append(root)
    return seen
