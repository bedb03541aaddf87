"""HIE-PAR-01: a customer is below another parent for finance than for sales, none, or below one."""

from extractors.sandbox.drift.customers import known, number_of
from extractors.sandbox.drift.ground import Ground
from extractors.sandbox.tables import Record
from extractors.sandbox.world.state import Company

_MOVES = {"take_over", "copy_parent"}


def plant_other_parent(ground: Ground, count: int) -> None:
    """The parent in the ERP is taken away, another one, or one that sales does not know of."""
    free = [who for who in known(ground) if _is_free(ground, who)]
    below = [
        who for who in free if _erp(ground, who)["parent"] and _account(ground, who)["ParentId"]
    ]
    alone = [who for who in free if stands_alone(ground, who)]
    pools = {"parent_removed": below, "other_parent": below, "unknown_to_sales": alone}
    chosen = ground.choose(count, pools, number_of)
    taken = {who.number for _, who in chosen}
    others = [who for who in alone if who.number not in taken]
    for variant, who in chosen:
        parent = None if variant == "parent_removed" else _another(ground, others)
        subjects = [f"attributes:{who.number}", f"account:{who.account_id}"]
        ground.change("netsuite", "customer", who.erp_id or "", ground.tick(), parent=parent)
        ground.freeze(who, *subjects)
        ground.planted(
            ("salesforce", who.account_id or ""),
            ("netsuite", who.erp_id or ""),
            attribute="parent",
            variant=variant,
        )


def _erp(ground: Ground, who: Company) -> Record:
    erp = ground.store.get("netsuite", "customer", who.erp_id or "")
    assert erp is not None
    return erp


def _account(ground: Ground, who: Company) -> Record:
    account = ground.store.get("salesforce", "Account", who.account_id or "")
    assert account is not None
    return account


def _is_free(ground: Ground, who: Company) -> bool:
    """Whether sales knows a customer, whom nobody is about to take over."""
    moving = {args["company"] for _, _, kind, args in ground.facts.agenda if kind in _MOVES}
    return (
        who.account_id is not None
        and who.number not in moving
        and ground.is_free(f"account:{who.account_id}")
    )


def stands_alone(ground: Ground, who: Company) -> bool:
    """Whether nobody is above or below a customer, anywhere."""
    is_top = not _erp(ground, who)["parent"] and not _account(ground, who)["ParentId"]
    below = ground.store.rows("netsuite", "customer", parent=who.erp_id)
    return (
        is_top
        and not below
        and not ground.store.rows("salesforce", "Account", ParentId=who.account_id)
    )


def _another(ground: Ground, others: list[Company]) -> str:
    """A customer without family, who is left as it is."""
    if not others:
        raise ValueError(f"no company is left to stand above another for {ground.code}")
    other = others.pop(ground.rng.randrange(len(others)))
    ground.freeze(other, f"attributes:{other.number}", f"account:{other.account_id}")
    return other.erp_id or ""
