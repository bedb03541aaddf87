"""Names of companies reduced to what identifies them, as SQL macros."""


def _listed(text: str) -> tuple[str, ...]:
    return tuple(" ".join(entry.split()) for entry in text.split(","))


# Legal forms, as words without punctuation; single letters stand apart when they were dotted.
LEGAL_FORMS = _listed(
    """
    incorporated, inc, corporation, corp, company, co, limited, ltd, llc, l l c, llp, lp, plc,
    p l c, gmbh, g m b h, mbh, ag, a g, kg, kgaa, ohg, ug, se, ev, e v, kabushiki kaisha, kk,
    k k, godo kaisha, gk, g k, 株式会社, 合同会社, sarl, s a r l, sas, s a s, sasu, eurl, sa, s a,
    srl, s r l, spa, s p a, sl, s l, slu, bv, b v, nv, n v, vof, ab, a b, aktiebolag, oy, oyj,
    as, asa, aps, a s, pty, pte, pvt, private, proprietary, lda, ltda, sp z o o, spzoo, kft,
    zrt, doo, d o o, ooo, bhd, sdn
    """
)
FRONT_FORMS = _listed(
    "the, kabushiki kaisha, godo kaisha, 株式会社, 合同会社, ooo, llc, oy, ab, pt"
)

# Words that tell one company of a family from another, and seldom one family from another.
UNIT_WORDS = _listed(
    """
    holding, group, services, leasing, ventures, international, global, europe, emea,
    americas, america, apac, asia, properties, distribution, operations, logistics, finance,
    trading, north, south, east, west, uk, usa, us, deutschland, germany, france, nederland,
    iberia, italia, nordic, nordics, japan, canada, australia, schweiz, suisse, energy,
    consulting
    """
)

# One spelling for words that people shorten: the written one, then the one that is kept.
ONE_SPELLING = _listed(
    """
    technologies tech, technology tech, intl international, internat international, svcs
    services, service services, svc services, mfg manufacturing, holdings holding, grp group,
    cons consulting, consultants consulting, sys systems, system systems, solns solutions,
    solution solutions, dist distribution, mgmt management, assoc associates, industry
    industries, ind industries, labs laboratories, lab laboratories, engg engineering, eng
    engineering, univ university, pharma pharmaceuticals, bros brothers, natl national, govt
    government, dept department, telecom telecommunications
    """
)

# Full-width letters, digits and signs, as East Asian input methods write them, and plain ones.
_WIDE = (
    "　！＆（），－．／０１２３４５６７８９ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ"
    "ａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ"
)
_PLAIN = " !&(),-./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

_SPELL = "case word " + " ".join(
    "when '{}' then '{}'".format(*pair.split()) for pair in ONE_SPELLING
)

MACROS = f"""
-- as many bytes as characters: plain ASCII, which needs no translation (a tenth of the time)
create or replace macro plain_text(said) as case when strlen(said) = length(said) then lower(said)
    else lower(strip_accents(translate(said, '{_WIDE}', '{_PLAIN}'))) end;
-- what people write into names: numbers of the ledger in front, notes in brackets, warnings
create or replace macro without_notes(said) as regexp_replace(regexp_replace(
    said, '\\(.*?\\)|\\[.*?\\]|\\b(do not use|duplicate|inactive|obsolete|old account)\\b', ' ',
        'g'),
    '^\\s*[0-9]{{3,}}[\\s:_-]+', '');
create or replace macro as_words(said) as
    trim(regexp_replace(said, '[^\\p{{L}}\\p{{N}}]+', ' ', 'g'));
create or replace macro without_forms(words) as regexp_replace(
    regexp_replace(words, '^({"|".join(FRONT_FORMS)}) ', ''),
    '( ?株式会社$|( ({"|".join(LEGAL_FORMS)})){{1,3}}$)', '');
create or replace macro spelt(word) as {_SPELL} else word end;
create or replace macro core_words(words) as array_to_string(list_transform(
    string_split(coalesce(nullif(without_forms(words), ''), words), ' '),
        lambda word: spelt(word)), ' ');
"""
IS_UNIT = "in (" + ", ".join(f"'{word}'" for word in UNIT_WORDS) + ")"
