"""How much all corrections together may do, whatever is approved: per run and per day. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Use:
    """What corrections come to: how many, their money, and how many customers they touch.

    Money is in minor units of the reporting currency; what is owed either way adds up.
    """

    rows: int
    amount_minor: int
    customers: int


@dataclass(frozen=True)
class Budget:
    """The most that may be sent; the same three measures."""

    rows: int
    amount_minor: int
    customers: int

    def overdrawn_by(self, use: Use) -> str | None:
        """In words, the first measure of which `use` is more than there is."""
        measures = (
            ("corrections", use.rows, self.rows),
            ("minor units", use.amount_minor, self.amount_minor),
            ("customers", use.customers, self.customers),
        )
        return next(
            (f"{used} {name}, {most} are allowed" for name, used, most in measures if used > most),
            None,
        )


@dataclass(frozen=True)
class Budgets:
    """Of one dispatch run, and of one day (UTC) over all runs."""

    run: Budget
    day: Budget


DEFAULT_BUDGETS = Budgets(
    run=Budget(rows=200, amount_minor=200_000_000, customers=150),
    day=Budget(rows=500, amount_minor=500_000_000, customers=300),
)
