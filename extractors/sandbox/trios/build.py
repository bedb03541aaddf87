"""Builds labelled trios inside DuckDB, set by set: any size, the same for the same seed.

A company is a legal entity. Families share a name stem, often a domain, sometimes a tax id and an
address, and are still several companies. Systems know a company under old names, at old addresses,
twice, by a person's mailbox, or through a cross-reference that names somebody else.
"""

import duckdb

from extractors.sandbox.trios.companies import COMPANIES
from extractors.sandbox.trios.records import RECORDS, TRUTH
from extractors.sandbox.trios.words import (
    CITIES_PER_COUNTRY,
    COUNTRIES,
    FORMS,
    MAILBOXES,
    PEOPLE,
    STREETS,
    SYLLABLES,
    TRADES,
    UNITS,
)

# Half a random draw's worth: u('what', who) is uniform in [0, 1) for a seed, a purpose and a key.
_DRAWS = """
create or replace temp macro u(what, who) as
    (hash(what, who, {seed}) >> 11)::double / 9007199254740992.0;
create or replace temp macro pick(words, what, who) as
    words[1 + floor(u(what, who) * len(words))::int];
create or replace temp macro digits(what, who, n) as
    lpad((hash(what, who, {seed}) % (10 ** n)::ubigint)::varchar, n::int, '0');
create or replace temp macro stem_of(n) as
    pick({syllables}, 's1', n) || pick({syllables}, 's2', n)
    || case when u('s3?', n) < .45 then pick({syllables}, 's3', n) else '' end;
create or replace temp macro misspelt(name, who) as case floor(u('typo kind', who) * 3)::int
    when 0 then name[:2 + floor(u('typo at', who) * (len(name) - 3))::int]
        || name[4 + floor(u('typo at', who) * (len(name) - 3))::int:]
    when 1 then name[:2 + floor(u('typo at', who) * (len(name) - 3))::int]
        || chr(97 + floor(u('typo by', who) * 26)::int)
        || name[3 + floor(u('typo at', who) * (len(name) - 3))::int:]
    else name[:2 + floor(u('typo at', who) * (len(name) - 4))::int]
        || name[4 + floor(u('typo at', who) * (len(name) - 4))::int]
        || name[3 + floor(u('typo at', who) * (len(name) - 4))::int]
        || name[5 + floor(u('typo at', who) * (len(name) - 4))::int:]
    end;
"""


def build_trios(con: duckdb.DuckDBPyConnection, seed: int, companies: int) -> None:
    """Make the temporary tables trio_record and trio_truth (and trio_company, which they tell of).

    trio_record has the columns of identity records; trio_truth has system, source_id, entity_id
    (which company) and group_id (which corporate family).
    """
    words = {
        "seed": int(seed),
        "companies": int(companies),
        "syllables": _sql_list(SYLLABLES),
        "trades": _sql_list(TRADES),
        "units": _sql_list(UNITS),
        "streets": _sql_list(STREETS),
        "people": _sql_list(PEOPLE),
        "mailboxes": _sql_list(MAILBOXES),
        "cities": CITIES_PER_COUNTRY,
    }
    _lookup(con, "trio_country", "country_code, share, form, tax_digits, tld", COUNTRIES)
    _lookup(con, "trio_form", "form, variant", FORMS)
    for statement in (_DRAWS, *COMPANIES, *RECORDS, TRUTH):
        con.execute(statement.format(**words))


def _lookup(
    con: duckdb.DuckDBPyConnection, name: str, columns: str, rows: tuple[tuple[object, ...], ...]
) -> None:
    values = ", ".join(str(row) for row in rows)
    con.execute(
        f"create or replace temp table {name} as select * from (values {values}) t({columns})"
    )


def _sql_list(words: tuple[str, ...]) -> str:
    return "[" + ", ".join(f"'{word}'" for word in words) + "]"
