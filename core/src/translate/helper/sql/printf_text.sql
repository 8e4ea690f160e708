CREATE OR REPLACE FUNCTION sqlite_compat.printf_text(v text, conversion text, flags text, width bigint, precision_ bigint) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
    -- %s %z %c %q %Q %w. Width and precision count bytes of UTF-8, with the flag "!" characters. A precision below zero is none.
    SELECT CASE WHEN flags LIKE '%-%' OR width < 0 THEN result || spaces ELSE spaces || result END
    FROM (SELECT CASE
            WHEN v IS NOT NULL THEN v
            WHEN conversion = 'Q' THEN 'NULL'
            WHEN conversion IN ('q', 'w') THEN '(NULL)'
            ELSE '' END AS t) AS given,
        LATERAL (SELECT CASE
            -- A NUL character, which no text of PostgreSQL has.
            WHEN conversion = 'c' AND t = '' THEN chr(length(t))
            WHEN conversion = 'c' THEN repeat(left(t, 1), greatest(precision_, 1)::integer)
            WHEN precision_ < 0 OR precision_ >= octet_length(convert_to(t, 'UTF8')) THEN t
            WHEN flags LIKE '%!%' THEN left(t, precision_::integer)
            ELSE convert_from(substr(convert_to(t, 'UTF8'), 1, precision_::integer), 'UTF8') END AS part) AS cut,
        LATERAL (SELECT CASE
            WHEN conversion = 'q' AND flags LIKE '%#%' THEN sqlite_compat.unistr_escape(part)
            WHEN conversion = 'Q' AND flags LIKE '%#%' AND v IS NOT NULL THEN sqlite_compat.unistr_quote(part)
            WHEN conversion = 'w' THEN replace(part, '"', '""')
            WHEN conversion = 'q' THEN replace(part, '''', '''''')
            WHEN conversion = 'Q' AND v IS NOT NULL THEN '''' || replace(part, '''', '''''') || ''''
            ELSE part END AS result) AS quoted,
        LATERAL (SELECT repeat(' ', greatest(abs(width)::integer - CASE
            WHEN flags LIKE '%!%' OR conversion = 'c' THEN length(result)
            ELSE octet_length(convert_to(result, 'UTF8')) END, 0)) AS spaces) AS padding
$function$
