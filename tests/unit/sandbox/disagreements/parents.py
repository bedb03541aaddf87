"""Who is above a customer, for sales and for finance."""

from datetime import timedelta

from tests.unit.sandbox.books import Books, Clusters
from tests.unit.sandbox.disagreements.common import Row

DAY = timedelta(days=1)


def parents(books: Books, clusters: Clusters):
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
    for root, members in clusters.members.items():
        if not members["crm"] or not members["erp"] or sales.get(root) == finance.get(root):
            continue
        if finance.get(root) in _above(root, sales):
            continue
        above = sales.get(root)
        has_place = finance.get(root) or clusters.members[above]["erp"]
        account = min(members["crm"])
        if has_place and books.age(books.accounts[account]["SystemModstamp"]) > DAY:
            yield Row("HIE-PAR-01", "parent", account, min(members["erp"], key=int))


def _above(root, tree):
    seen = []
    while root in tree and tree[root] not in seen:
        root = tree[root]
        seen.append(root)
    return seen
