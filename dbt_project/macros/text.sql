{# Full-width letters, digits and punctuation, as East Asian input methods write them, in their plain form. #}
{% macro plain_width(text) -%}
    translate(
        {{ text }},
        '　！＆（），－．／０１２３４５６７８９ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ',
        ' !&(),-./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
    )
{%- endmacro %}

{# A legal name reduced to what identifies: lower case, accents and punctuation gone, legal forms stripped up to twice
   from the end (and once from the front), never down to nothing; letters and digits of any script. #}
{% macro name_key(name) -%}
    {%- set forms = [
        'incorporated', 'inc', 'corporation', 'corp', 'company', 'co', 'limited', 'ltd', 'llc', 'l l c', 'llp', 'lp',
        'plc', 'p l c', 'gmbh', 'g m b h', 'mbh', 'ag', 'kg', 'kgaa', 'ohg', 'ug', 'se', 'ev', 'e v', 'co kg', 'kabushiki kaisha',
        'kk', 'k k', 'godo kaisha', 'gk', 'g k', '株式会社', '合同会社', 'sarl', 's a r l', 'sas', 's a s', 'sa', 's a', 'srl', 's r l',
        'spa', 's p a', 'bv', 'b v', 'nv', 'n v', 'ab', 'oy', 'oyj', 'as', 'aps', 'pty', 'pte', 'pvt',
    ] -%}
    {%- set words = "trim(regexp_replace(lower(strip_accents(" ~ plain_width(name) ~ ")), '[^\\p{L}\\p{N}]+', ' ', 'g'))" -%}
    {%- set stripped = "regexp_replace(regexp_replace(" ~ words ~ ", '^(kabushiki kaisha|godo kaisha|株式会社|合同会社) ?', ''), '( ?株式会社$|( (" ~ forms | join('|') ~ ")){1,2}$)', '')" -%}
    nullif(replace(coalesce(nullif({{ stripped }}, ''), {{ words }}), ' ', ''), '')
{%- endmacro %}

{# The host of a web address or an e-mail address without its leading www, lower case. #}
{% macro host_of(address) -%}
    nullif(
        regexp_replace(
            regexp_extract(lower(trim({{ address }})), '^(?:[a-z]+://)?(?:[^/@]*@)?([^/:?#]+)', 1), '^www\.', ''
        ),
        ''
    )
{%- endmacro %}

{# A tax id in upper case, letters and digits only. #}
{% macro plain_tax_id(tax_id) -%}
    nullif(regexp_replace(upper({{ plain_width(tax_id) }}), '[^A-Z0-9]', '', 'g'), '')
{%- endmacro %}

{% macro plain_email(email) -%}
    nullif(lower(trim({{ email }})), '')
{%- endmacro %}
