"""Which records hang together with what the last load changed: those of the customers it touched.

Raw records name each other by ids; from what changed they are followed both ways until nothing is
new. Documents that many customers share (a payout, its deposit, a journal) are not followed: they
are taken along with what they are made of, no more.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from extractors.raw_tables import FORMER, former_of
from reconcilers.engine import exists

CROSSWALK = "identity.crosswalk"
FORMER_CROSSWALK = "main.crosswalk_built_of"
"""The crosswalk of the last build of all that hangs on it."""

# Ids of Stripe and Salesforce, and correlation ids, are the same in no two objects: they stand in
# the namespace without a name. NetSuite numbers each kind of record by itself.
_COLUMNS: Mapping[str, str] = {
    "salesforce__account": "id parentid masterrecordid stripe_customer_id__c "
    "customer:netsuite_customer_id__c",
    "salesforce__opportunity": "id accountid contractid q2c_key__c",
    "salesforce__contract": "id accountid opportunity__c renews_contract__c",
    "salesforce__contract_line": "id contract__c",
    "salesforce__subscription": "id account__c contract__c stripe_subscription_id__c",
    "salesforce__opportunity_history": "opportunityid",
    "salesforce__contract_history": "contractid",
    "salesforce__contract_line_history": "parentid",
    "stripe__customer": "id metadata_crm_account_id customer:metadata_netsuite_customer_id",
    "stripe__tax_id": "customer",
    "stripe__subscription": "id customer schedule metadata_crm_opportunity_id "
    "metadata_crm_contract_id metadata_q2c_correlation_id",
    "stripe__subscription_schedule": "id customer subscription released_subscription "
    "metadata_crm_opportunity_id metadata_crm_contract_id metadata_q2c_correlation_id",
    "stripe__invoice": "id customer parent_subscription_details_subscription "
    "metadata_crm_contract_id metadata_q2c_correlation_id",
    "stripe__invoiceitem": "id customer parent_subscription_details_subscription "
    "metadata_q2c_correlation_id",
    "stripe__invoice_payment": "invoice payment_payment_intent payment_charge",
    "stripe__credit_note": "id invoice customer metadata_q2c_correlation_id",
    "stripe__charge": "id customer payment_intent balance_transaction failure_balance_transaction",
    "stripe__refund": "id charge payment_intent customer balance_transaction "
    "failure_balance_transaction",
    "stripe__dispute": "id charge payment_intent",
    "stripe__balance_transaction": "id source",
    "stripe__payout": "id balance_transaction failure_balance_transaction original_payout "
    "reversed_by",
    "stripe__usage": "customer",
    "netsuite__customer": "customer:id customer:parent custentity_stripe_id custentity_sfdc_id",
    "netsuite__transaction": "document:id customer:entity externalid custbody_stripe_invoice_id "
    "custbody_stripe_charge_id custbody_stripe_credit_note_id custbody_stripe_refund_id "
    "custbody_stripe_dispute_id custbody_stripe_payout_id custbody_q2c_correlation_id",
    "netsuite__transaction_line": "document:transaction custcol_stripe_balance_id",
    "netsuite__transaction_accounting_line": "document:transaction",
    "netsuite__transaction_link": "document:nextdoc document:previousdoc",
    "netsuite__revenue_plan": "plan:id document:sourcetransaction",
    "netsuite__revenue_plan_line": "plan:revenueplan",
    "netsuite__system_note": "document:recordid",
}
LINKED = frozenset({f"raw.{name}" for name in _COLUMNS} | {CROSSWALK})
"""Tables whose records are of a customer; those of all others are of the whole company."""

_HUBS = """
    SELECT 'document' AS namespace, id AS value FROM raw.netsuite__transaction
    WHERE type IN ('Deposit', 'Journal')
    UNION ALL
    SELECT '', id FROM raw.stripe__payout
"""
_PAYOUT_MEMBERS = (
    "SELECT id, unnest(from_json(balance_transactions, '[\"VARCHAR\"]')) AS member FROM {table}"
)
_CROSSWALK_LINKS = (
    ("canonical", "canonical_customer_id"),
    ("group", "customer_group_id"),
    ("customer", "CASE WHEN system = 'netsuite' THEN source_id END"),
    ("", "CASE WHEN system <> 'netsuite' THEN source_id END"),
)


@dataclass(frozen=True)
class Change:
    """What a table took in since it was last built from, as a condition, and what left it."""

    taken_in: str
    former: str


def links_of(table: str) -> tuple[tuple[str, str], ...]:
    """Of a linked table, each column that names a record, with the namespace of its ids."""
    if table == CROSSWALK:
        return _CROSSWALK_LINKS
    told = (column.rpartition(":")[::2] for column in _COLUMNS[table.removeprefix("raw.")].split())
    return tuple((namespace, f'"{column}"') for namespace, column in told)


def changes_of(
    con: DuckDBPyConnection,
    changed: Iterable[str],
    built_of: Mapping[str, str],
    of_the_night: Sequence[str] = (),
) -> dict[str, Change]:
    """Of the linked tables that changed, those of which each row that did is known.

    `built_of` has, by table, the version that was last built from (standing.versions). Columns of
    the crosswalk that tell of the night alone do not count.
    """
    since = {}
    if exists(con, f"{FORMER}.since"):
        told = con.sql(f"SELECT name, changed_at::VARCHAR, first_day FROM {FORMER}.since")
        since = {name: (version, first_day) for name, version, first_day in told.fetchall()}
    found = {}
    for table in LINKED.intersection(changed):
        former = former_of(table)
        version, first_day = since.get(table, (None, None))
        if table == CROSSWALK and exists(con, FORMER_CROSSWALK):
            found[table] = _change_of_crosswalk(con, of_the_night)
        elif version is not None and version == built_of.get(table):
            found[table] = Change(
                "false" if first_day is None else f"_extracted_date >= DATE '{first_day}'",
                f"FROM {former if exists(con, former) else f'(FROM {table} LIMIT 0)'}",
            )
    return found


def _change_of_crosswalk(con: DuckDBPyConnection, of_the_night: Sequence[str]) -> Change:
    names = (name for name, *_ in con.sql(f"DESCRIBE {CROSSWALK}").fetchall())
    told = f"hash({', '.join(name for name in names if name not in of_the_night)})"
    return Change(
        f"{told} NOT IN (SELECT {told} FROM {FORMER_CROSSWALK})",
        f"FROM {FORMER_CROSSWALK} WHERE {told} NOT IN (SELECT {told} FROM {CROSSWALK})",
    )


def gather(con: DuckDBPyConnection, changes: Mapping[str, Change]) -> int:
    """Find the current rows of all that hangs together with what changed; how many these are.

    They stand in temporary tables, one for each linked table: `rows_of` is how to read them.
    """
    tables = sorted(LINKED)
    con.execute("CREATE OR REPLACE TEMP TABLE known (namespace VARCHAR, value VARCHAR)")
    con.execute("CREATE OR REPLACE TEMP TABLE found (namespace VARCHAR, value VARCHAR)")
    con.execute("CREATE OR REPLACE TEMP TABLE met (namespace VARCHAR, value VARCHAR)")
    con.execute(f"CREATE OR REPLACE TEMP TABLE hubs AS {_HUBS}")
    for table in tables:
        con.execute(f"CREATE OR REPLACE TEMP TABLE {_touched(table)} (row_number BIGINT)")
    for table, change in changes.items():
        con.execute(
            f"INSERT INTO {_touched(table)} SELECT rowid FROM {table} WHERE {change.taken_in}"
        )
        for rows in (f"FROM {table} WHERE {change.taken_in}", change.former):
            _note_ids(con, table, f"(SELECT * {rows})")
            if table == "raw.stripe__payout":
                members = _PAYOUT_MEMBERS.format(table=f"(SELECT * {rows})")
                con.execute(f"INSERT INTO found SELECT '', member FROM ({members})")
    while namespaces := _new_ids(con):
        for table in tables:
            if not namespaces.isdisjoint(name for name, _ in links_of(table)):
                _add_rows(con, table)
    _add_hubs(con)
    counts = [f"(SELECT count(DISTINCT row_number) FROM {_touched(table)})" for table in tables]
    ((count,),) = con.sql(f"SELECT {' + '.join(counts)}").fetchall()
    return int(count)


def rows_of(table: str, change: Change | None, *, before: bool) -> str:
    """SQL for the gathered rows of a linked table, as they are or as they were last built from."""
    now = f"FROM {table} WHERE rowid IN (SELECT row_number FROM {_touched(table)})"
    if change is None or not before:
        return f"SELECT * {now}"
    return f"SELECT * {now} AND NOT ({change.taken_in}) UNION ALL SELECT * {change.former}"


def _touched(table: str) -> str:
    return f"touched_{table.partition('.')[2]}"


def _note_ids(con: DuckDBPyConnection, table: str, rows: str) -> None:
    for namespace, column in links_of(table):
        con.execute(
            f"INSERT INTO found SELECT '{namespace}', {column} FROM {rows} WHERE {column} <> ''"
        )


def _new_ids(con: DuckDBPyConnection) -> set[str]:
    """Take over what was found and is not known yet, and tell of which namespaces that is.

    The ids of hubs are kept apart.
    """
    same = "USING (namespace, value)"
    con.execute(f"INSERT INTO met FROM found SEMI JOIN hubs {same}")
    con.execute(
        "CREATE OR REPLACE TEMP TABLE fresh AS SELECT DISTINCT namespace, value FROM found "
        f"ANTI JOIN hubs {same} ANTI JOIN known {same}"
    )
    con.execute("DELETE FROM found")
    con.execute("INSERT INTO known FROM fresh")
    return {name for (name,) in con.sql("SELECT DISTINCT namespace FROM fresh").fetchall()}


def _add_rows(con: DuckDBPyConnection, table: str) -> None:
    """Those that name a new id, and what ids they name."""
    fresh = "SELECT value FROM fresh WHERE namespace"
    named = [f"{column} IN ({fresh} = '{name}')" for name, column in links_of(table)]
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE came AS SELECT rowid AS row_number FROM {table} "
        f"WHERE {' OR '.join(named)}"
    )
    con.execute(f"INSERT INTO {_touched(table)} FROM came")
    _note_ids(con, table, f"(SELECT * FROM {table} WHERE rowid IN (SELECT row_number FROM came))")


def _add_hubs(con: DuckDBPyConnection) -> None:
    """The documents of many customers that were met, and all that names them, no further."""
    members = _PAYOUT_MEMBERS.format(table="raw.stripe__payout")
    con.execute(f"CREATE OR REPLACE TEMP TABLE members AS {members}")
    con.execute(
        "INSERT INTO met SELECT '', id FROM members "
        "WHERE member IN (SELECT value FROM known WHERE namespace = '')"
    )
    payouts, documents = (
        f"(SELECT value FROM met WHERE namespace = '{name}')" for name in ("", "document")
    )
    paid_out = "FROM raw.netsuite__transaction WHERE custbody_stripe_payout_id"
    con.execute(
        f"INSERT INTO met SELECT '', custbody_stripe_payout_id {paid_out} IS NOT NULL "
        f"AND id IN {documents}"
    )
    con.execute(f"INSERT INTO met SELECT 'document', id {paid_out} IN {payouts}")
    for table in sorted(LINKED):
        named = [
            f"{column} IN (SELECT value FROM met WHERE namespace = '{namespace}')"
            for namespace, column in links_of(table)
        ]
        if table == "raw.stripe__balance_transaction":
            named.append(f"id IN (SELECT member FROM members WHERE id IN {payouts})")
        con.execute(
            f"INSERT INTO {_touched(table)} SELECT rowid FROM {table} WHERE {' OR '.join(named)}"
        )
