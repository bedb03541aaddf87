"""The cast: companies whose course is written down, whatever the seed.

By them every world holds each legitimate case that a careless rule would call drift. Times are
relative to the end of the build, 02:00 UTC of the first night.
"""

from collections.abc import Callable
from datetime import date
from typing import Any

from extractors.sandbox.reference import PRODUCTS
from extractors.sandbox.world.deals import (
    fixed_deal,
    lead,
    new_company,
    platform,
    sign_up,
    start_deal,
)
from extractors.sandbox.world.moments import (
    DAY,
    HOUR,
    MINUTE,
    add_months,
    boundary,
    moment,
    opening,
)
from extractors.sandbox.world.state import Company, SoldLine, World

_MONTHS_AGO = 6


def _player(world: World, **traits: Any) -> Company:
    """A company to which nothing happens but what is written here."""
    company = new_company(world, **traits)
    company.quirks["scripted"] = 1
    company.terms = 30 if company.channel == "sales_led" else 0
    return company


def _course(at: int) -> tuple[int, int]:
    """(anchor, day of the month) of a monthly subscription that renews exactly at `at`."""
    day = moment(at).date()
    return boundary(at, day.day, -_MONTHS_AGO), day.day


def _monthly(world: World, company: Company, renews_at: int, quantity: int = 12) -> None:
    anchor, day = _course(renews_at)
    start_deal(
        world, company, fixed_deal(company, [platform(company, quantity)], anchor, anchor_day=day)
    )


def _past_noon(end: int, days: int) -> int:
    """11:40 UTC, some days before the end."""
    return end - days * DAY - 14 * HOUR - 20 * MINUTE


def _two_currencies(world: World, end: int) -> None:
    company = _player(world, entity="UK", channel="sales_led", currency="GBP", pay_by="card")
    for currency, ago in (("GBP", 200), ("EUR", 140)):
        line = platform(company, 18, currency)
        deal = fixed_deal(company, [line], _past_noon(end, ago), currency=currency)
        start_deal(world, company, deal)


def _foreign_currency(world: World, end: int) -> None:
    company = _player(world, entity="UK", channel="sales_led", currency="EUR", pay_by="card")
    lines = [platform(company, 33), SoldLine("ANLT", 33, 1199), SoldLine("AUDT", 31, 259)]
    start_deal(world, company, fixed_deal(company, lines, _past_noon(end, 190)))


def _tax_per_line(world: World, end: int) -> None:
    # 19 % of 17.07 is 3.2433: three lines lose a cent against 19 % of their sum
    company = _player(world, entity="DE", channel="sales_led", pay_by="transfer")
    company.quirks["erp_rounds_tax_by_line"] = 1
    lines = [SoldLine(sku, 3, 569) for sku in ("PLAT-TEAM", "SSO", "AUDT")]
    start_deal(world, company, fixed_deal(company, lines, _past_noon(end, 170)))


def _yearly_price_monthly_bill(world: World, end: int) -> None:
    company = _player(world, entity="US", channel="sales_led", pay_by="card")
    line = SoldLine("PLAT-BIZ", 35, 59_000, "Year", "12.5")
    start_deal(world, company, fixed_deal(company, [line], _past_noon(end, 160)))


def _split_line(world: World, end: int) -> None:
    company = _player(world, entity="US", channel="sales_led", pay_by="card")
    line = SoldLine("PLAT-BIZ", 41, 5_900, discount="10", is_split=True)
    start_deal(world, company, fixed_deal(company, [line], _past_noon(end, 150)))


def _starts_later(world: World, end: int) -> None:
    company = _player(world, entity="DE", channel="sales_led", pay_by="card")
    starts = end + 40 * DAY + 8 * HOUR
    deal = fixed_deal(company, [platform(company, 22)], starts)
    deal.signed_at = _past_noon(end, 10)
    deal.provision_at, deal.trial_until = starts - 7 * DAY + 11 * HOUR, starts
    start_deal(world, company, deal)


def _starts_this_week(world: World, end: int) -> None:
    company = _player(world, entity="US", channel="sales_led", pay_by="card")
    starts = end + 4 * DAY + 12 * HOUR
    deal = fixed_deal(company, [platform(company, 27)], starts)
    deal.signed_at, deal.provision_at = _past_noon(end, 4), _past_noon(end, 3)
    deal.trial_until = starts
    start_deal(world, company, deal)


def _no_subscription(world: World, end: int, *, is_draft: bool) -> None:
    company = _player(world, entity="UK", channel="sales_led", pay_by="card")
    line = platform(company, 16)
    line.unit_minor = line.unit_minor if is_draft else 0
    deal = fixed_deal(company, [line], _past_noon(end, 30))
    deal.provision_at, deal.is_draft = None, is_draft
    start_deal(world, company, deal)


def _draft_contract(world: World, end: int) -> None:
    _no_subscription(world, end, is_draft=True)


def _free_contract(world: World, end: int) -> None:
    _no_subscription(world, end, is_draft=False)


def _on_trial(world: World, end: int) -> None:
    company = _player(world, channel="self_serve", pay_by="card")
    sign_up(world, company, _past_noon(end, 5), world.rng("trial"), on_trial=True)


def _leaves_at_period_end(world: World, end: int) -> None:
    company = _player(world, entity="US", channel="sales_led", pay_by="card")
    _monthly(world, company, end + 10 * DAY + 15 * HOUR)
    world.schedule(_past_noon(end, 5), "cancel_company", company=company.number)


def _twin_subscriptions(world: World, end: int) -> None:
    company = _player(world, entity="US", channel="sales_led", pay_by="card")
    _monthly(world, company, _past_noon(end, 9), 15)
    _monthly(world, company, _past_noon(end, 7), 15)


def _reposted(world: World, end: int) -> None:
    company = _player(world, entity="UK", channel="sales_led", pay_by="transfer")
    company.quirks["reposted"] = 1
    _monthly(world, company, _past_noon(end, 12), 20)


def _amended(world: World, end: int) -> None:
    company = _player(world, entity="DE", channel="sales_led", pay_by="card")
    _monthly(world, company, _past_noon(end, 15), 25)
    world.schedule(_past_noon(end, 60), "amend_company", company=company.number, lag=9 * HOUR)


def _amended_just_now(world: World, end: int) -> None:
    company = _player(world, entity="US", channel="sales_led", pay_by="card")
    _monthly(world, company, _past_noon(end, 15), 30)
    at = end - 10 * HOUR
    world.schedule(at, "amend_company", company=company.number, lag=30 * HOUR)


def _pending_transfer(world: World, end: int) -> None:
    company = _player(world, entity="US", channel="sales_led", pay_by="transfer")
    company.quirks["pays_at"] = end - 20 * HOUR
    _monthly(world, company, _past_noon(end, 10))


def _renews_tonight(world: World, end: int) -> None:
    company = _player(world, entity="US", channel="sales_led", pay_by="card")
    _monthly(world, company, end - 30 * MINUTE)


def _invoiced_tonight(world: World, end: int) -> None:
    company = _player(world, entity="US", channel="sales_led", pay_by="card")
    _monthly(world, company, end - 110 * MINUTE)


def _pays_tonight(world: World, end: int) -> None:
    company = _player(world, entity="UK", channel="sales_led", pay_by="wire")
    company.quirks["pays_at"] = end - 50 * MINUTE
    _monthly(world, company, _past_noon(end, 10))


def _cancels_tonight(world: World, end: int) -> None:
    company = _player(world, entity="US", channel="sales_led", pay_by="card")
    _monthly(world, company, _past_noon(end, 8))
    world.schedule(end - 50 * MINUTE, "terminate_company", company=company.number)


def _paused(world: World, end: int) -> None:
    company = _player(world, entity="UK", channel="sales_led", pay_by="card")
    _monthly(world, company, _past_noon(end, 18))
    world.schedule(_past_noon(end, 70), "pause_company", company=company.number, days=95)


def _signed_today(world: World, end: int) -> None:
    company = _player(world, entity="US", channel="sales_led", pay_by="card")
    deal = fixed_deal(company, [platform(company, 28)], end + 20 * HOUR)
    deal.signed_at = end - 12 * HOUR
    start_deal(world, company, deal)


def _pays_in_part(world: World, end: int) -> None:
    company = _player(world, entity="DE", channel="sales_led", pay_by="wire")
    company.quirks |= {"pays_at": _past_noon(end, 3), "in_two_parts": 1}
    _monthly(world, company, _past_noon(end, 20))


def _many_lines(world: World, end: int) -> None:
    company = _player(world, entity="US", channel="sales_led", pay_by="transfer")
    lines = [SoldLine(p.sku, 60 if p.is_seat else 1, p.monthly["USD"]) for p in PRODUCTS[1:13]]
    start_deal(world, company, fixed_deal(company, lines, _past_noon(end, 140)))


def _card_fails(world: World, end: int) -> None:
    company = _player(world, entity="US", channel="sales_led", pay_by="card")
    company.quirks["card_fails_from"] = end - 2 * DAY
    company.quirks["card_fails_until"] = end
    _monthly(world, company, _past_noon(end, 1) - HOUR)


def _void_after_posting(world: World, end: int) -> None:
    company = _player(world, entity="UK", channel="sales_led", pay_by="wire")
    company.quirks["voids_cycle"] = 2
    _monthly(world, company, _past_noon(end, 14))


def _void_before_posting(world: World, end: int) -> None:
    company = _player(world, entity="DE", channel="sales_led", pay_by="wire")
    company.quirks["voids_cycle"] = 3
    company.quirks["voids_at_once"] = 1
    _monthly(world, company, _past_noon(end, 16))


def _in_yen(world: World, end: int) -> None:
    company = _player(world, entity="JP", channel="sales_led", pay_by="transfer")
    company.quirks["wide_name"] = 1
    lines = [platform(company, 37), SoldLine("AUDT", 37, 373, discount="12.5")]
    start_deal(world, company, fixed_deal(company, lines, _past_noon(end, 165)))


def _only_a_lead(world: World, end: int) -> None:
    company = _player(world, entity="US", channel="sales_led", pay_by="card")
    lead(world, company, _past_noon(end, 25))


CAST: tuple[Callable[[World, int], None], ...] = (
    _two_currencies,
    _foreign_currency,
    _tax_per_line,
    _yearly_price_monthly_bill,
    _split_line,
    _starts_later,
    _starts_this_week,
    _draft_contract,
    _free_contract,
    _on_trial,
    _leaves_at_period_end,
    _twin_subscriptions,
    _reposted,
    _amended,
    _amended_just_now,
    _pending_transfer,
    _renews_tonight,
    _invoiced_tonight,
    _pays_tonight,
    _cancels_tonight,
    _paused,
    _signed_today,
    _pays_in_part,
    _many_lines,
    _card_fails,
    _void_after_posting,
    _void_before_posting,
    _in_yen,
    _only_a_lead,
)


def first_day(end: date, months: int) -> date:
    """The first simulated day of a world; the cast needs more than half a year."""
    if months < _MONTHS_AGO + 2:
        raise ValueError(f"A world needs at least {_MONTHS_AGO + 2} months, not {months}")
    return add_months(end, -months)


def end_of(end: date) -> int:
    """02:00 UTC after the last simulated day."""
    return opening(end) + DAY
