{# Full-width letters, digits and punctuation, as East Asian input methods write them, in their plain form. #}
{% macro plain_width(text) -%}
    translate(
        {{ text }},
        '　！＆（），－．／０１２３４５６７８９ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ',
        ' !&(),-./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
    )
{%- endmacro %}

{# A tax id in upper case, letters and digits only. #}
{% macro plain_tax_id(tax_id) -%}
    nullif(regexp_replace(upper({{ plain_width(tax_id) }}), '[^A-Z0-9]', '', 'g'), '')
{%- endmacro %}

{% macro plain_email(email) -%}
    nullif(lower(trim({{ email }})), '')
{%- endmacro %}
