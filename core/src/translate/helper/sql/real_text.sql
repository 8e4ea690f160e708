CREATE OR REPLACE FUNCTION sqlite_compat.real_text(x double precision) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
    -- The text of a REAL: 15 significant digits, always with a point. A double becomes a numeric of just these digits.
    SELECT CASE
        WHEN x = 'Infinity' THEN 'Inf'
        WHEN x = '-Infinity' THEN '-Inf'
        WHEN x = 0 THEN '0.0'
        WHEN abs(r) >= 1e15 OR abs(r) < 0.0001 THEN
            CASE WHEN x < 0 THEN '-' ELSE '' END || left(digits, 1) || '.' || coalesce(nullif(substr(digits, 2), ''), '0')
            || CASE WHEN e < 0 THEN 'e-' ELSE 'e+' END || lpad(abs(e)::text, greatest(2, length(abs(e)::text)), '0')
        WHEN r = trunc(r) THEN trunc(r)::text || '.0'
        ELSE trim_scale(r)::text
    END
    FROM (SELECT CASE WHEN abs(x) < 'Infinity' THEN x::numeric ELSE 0 END AS r) AS rounded,
        LATERAL (
            SELECT rtrim(ltrim(replace(abs(r)::text, '.', ''), '0'), '0') AS digits,
                CASE WHEN abs(r) >= 1 THEN length(trunc(abs(r))::text) - 1
                     ELSE length(ltrim(split_part(abs(r)::text, '.', 2), '0')) - length(split_part(abs(r)::text, '.', 2)) - 1 END AS e
        ) AS parts
$function$
