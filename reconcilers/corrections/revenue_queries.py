"""The facts that corrections of revenue plans need: their SQL, and what it gives.

Part of what context.py reads, by the same rule: wire values from `raw`, money and dates from the
models.
"""

from collections.abc import Mapping

import polars as pl

# The plans that drift tells of; a plan of a void document has no owner in billing.
_CONCERNED = """
        with concerned as (
            select distinct coalesce(replica_id, owner_id) as plan_id from reconciliation.drift
            where code in ('REV-AMT-01', 'REV-STOP-01')
            union
            select events.revenue_plan_id from reconciliation.drift
            join canonical.revenue_events as events
                on drift.row_key = 'schedule:' || events.schedule_key
            where drift.code = 'REV-SCH-01' and drift.cause = 'planned_twice'
        )"""

REVENUE_QUERIES: Mapping[str, str] = {
    # Each month of a plan, or that it should have: what the policy gives it and what the ERP
    # planned and recognised, catch-ups too; a void document earns nothing after its month, and a
    # month that is over and has no line will never be run.
    # `run_gap_minor`: by how much the books of its runs differ from what the plans say.
    "revenue_months": _CONCERNED
    + """,
        planned as (
            select events.revenue_plan_id as plan_id, events.period,
                   min(events.schedule_key) as schedule_key,
                   min(events.erp_internal_id) as document_id,
                   min(events.legal_entity) as legal_entity,
                   cast(sum(events.amount_minor) as bigint) as erp_minor,
                   cast(sum(case when events.is_recognized then events.amount_minor else 0 end)
                       as bigint) as recognised_minor,
                   bool_and(events.is_recognized) as is_recognised,
                   min(runs.legal_entity) as run_entity,
                   max(abs(coalesce(runs.plans_amount_minor, 0)
                       - coalesce(runs.ledger_amount_minor, 0))) as run_gap_minor
            from canonical.revenue_events as events
            left join comparison.cmp_deferred_entry__plans_vs_ledger as runs
                on events.journal_id = runs.erp_id
            where events.revenue_plan_id in (select plan_id from concerned)
            group by events.revenue_plan_id, events.period
        ),
        plans as (
            select plan_id, min(schedule_key) as schedule_key, min(document_id) as document_id,
                   min(legal_entity) as legal_entity
            from planned group by plan_id
        ),
        due as (
            select plans.plan_id, lines.period, lines.amount_minor
            from plans
            join canonical.revenue_schedule_lines as lines
                on plans.schedule_key = lines.schedule_key
        ),
        months as (
            select coalesce(due.plan_id, planned.plan_id) as plan_id,
                   coalesce(due.period, planned.period) as period, due.amount_minor,
                   planned.* exclude (plan_id, period)
            from due
            full join planned on due.plan_id = planned.plan_id and due.period = planned.period
        ),
        documents as (
            select erp_internal_id, is_voided,
                   strftime(status_changed_at, '%Y-%m') as changed_period
            from conformed.invoice__erp
            union all
            select erp_internal_id, is_voided, strftime(modified_at, '%Y-%m')
            from conformed.credit_note__erp
        )
        select months.plan_id, plans.schedule_key, months.period,
               case
                   when months.amount_minor is not null then months.amount_minor
                   when documents.is_voided and months.period > documents.changed_period then 0
                   when documents.is_voided then months.recognised_minor
               end as policy_minor,
               case when documents.is_voided then coalesce(months.recognised_minor, 0)
                   else coalesce(months.erp_minor, 0) end as erp_minor,
               coalesce(documents.is_voided, false) or coalesce(
                   months.is_recognised,
                   months.period < (
                       select strftime(max(snapshot_date), '%Y-%m') from reconciliation.drift
                   )
               ) as is_recognised,
               months.run_entity, coalesce(months.run_gap_minor, 0) as run_gap_minor,
               plans.document_id, plans.legal_entity, wire.voided,
               cast(wire.trandate as date) as document_date,
               wire.exchangerate as exchange_rate, upper(currencies.symbol) as currency,
               items.incomeaccount as income_account_id,
               items.deferredrevenueaccount as deferred_account_id,
               sold.department as department_id, sold.class as class_id
        from months
        join plans on months.plan_id = plans.plan_id
        join raw.netsuite__revenue_plan as own on months.plan_id = own.id
        left join raw.netsuite__transaction as wire on plans.document_id = wire.id
        left join raw.netsuite__transaction_line as sold
            on own.sourcetransaction = sold.transaction and own.sourceline = sold.id
        left join raw.netsuite__currency as currencies on own.currency = currencies.id
        left join raw.netsuite__item as items on own.item = items.id
        left join documents on plans.document_id = documents.erp_internal_id
        order by months.plan_id, months.period
    """,
    # What is planned of them, and recognised by which runs: it must still stand when it is caught
    # up, or when another plan is taken back for it.
    "revenue_lines": _CONCERNED
    + """
        select lines.revenueplan as plan_id, lines.id as line_id, events.period, lines.amount,
               lines.isrecognized as is_recognised, lines.journal as run_id
        from raw.netsuite__revenue_plan_line as lines
        join canonical.revenue_events as events on lines.id = events.revenue_event_id
        where lines.revenueplan in (select plan_id from concerned)
        order by lines.revenueplan, lines.id
    """,
}

REVENUE_SCHEMAS: Mapping[str, dict[str, pl.DataType]] = {
    "revenue_months": {
        "plan_id": pl.String(),
        "schedule_key": pl.String(),
        "period": pl.String(),
        "policy_minor": pl.Int64(),
        "erp_minor": pl.Int64(),
        "is_recognised": pl.Boolean(),
        "run_entity": pl.String(),
        "run_gap_minor": pl.Int64(),
        "document_id": pl.String(),
        "legal_entity": pl.String(),
        "voided": pl.String(),
        "document_date": pl.Date(),
        "exchange_rate": pl.String(),
        "currency": pl.String(),
        "income_account_id": pl.String(),
        "deferred_account_id": pl.String(),
        "department_id": pl.String(),
        "class_id": pl.String(),
    },
    "revenue_lines": {
        "plan_id": pl.String(),
        "line_id": pl.String(),
        "period": pl.String(),
        "amount": pl.String(),
        "is_recognised": pl.String(),
        "run_id": pl.String(),
    },
}
