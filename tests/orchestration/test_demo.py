"""What the demo says of what it finds; the demo itself runs end to end elsewhere."""

from types import SimpleNamespace

from orchestration.demo import why_refused


def correction(state, *refusals):
    told = tuple(
        {"check": check, "fix": fix, "field": "", "problem": ""} for check, fix in refusals
    )
    return SimpleNamespace(state=state, refusals=told)


def test_refused_corrections_say_why_the_commonest_reason_first():
    customer, closed = ("customer", "create it"), ("period", "reopen it")
    corrections = [
        correction("refused", customer, closed),
        correction("refused", customer, customer),
        correction("refused", ("tax", "map it")),
        correction("refused", ("balance", "compare it")),
        correction("proposed"),
    ]
    assert list(why_refused(corrections)) == [
        "refused, 2 of 4 by the check of the customer: create it",
        "refused, 1 of 4 by the check of the balance: compare it",
        "refused, 1 of 4 by the check of the period: reopen it",
    ]
    assert list(why_refused(corrections[-1:])) == []
