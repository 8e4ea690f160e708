CREATE OR REPLACE FUNCTION sqlite_compat.text_real(t text) RETURNS double precision
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
    -- The number that a text begins with, or 0. A number that a double cannot hold is infinity or 0.
    SELECT CASE
        WHEN mantissa IS NULL OR mantissa !~ '[1-9]' THEN 0
        WHEN length(ltrim(exponent, '+-0')) > 5 OR abs(magnitude + exponent::integer) > 400 THEN
            CASE WHEN exponent LIKE '-%' AND magnitude < 400 OR magnitude < -400 THEN 0
                 WHEN mantissa LIKE '-%' THEN '-Infinity'::double precision
                 ELSE 'Infinity'::double precision END
        WHEN abs((mantissa || 'e' || exponent)::numeric) >= 1.797693134862315808e308 THEN
            CASE WHEN mantissa LIKE '-%' THEN '-Infinity'::double precision ELSE 'Infinity'::double precision END
        WHEN abs((mantissa || 'e' || exponent)::numeric) < 2.5e-324 THEN 0
        ELSE (mantissa || 'e' || exponent)::double precision
    END
    FROM (
        SELECT found[1] AS mantissa, coalesce(found[2], '0') AS exponent,
            -- Of the first digit that is not zero.
            CASE WHEN whole <> '' THEN length(whole) ELSE length(ltrim(fraction, '0')) - length(fraction) END AS magnitude
        FROM regexp_match(t, E'^[ \t\n\x0B\f\r]*([+-]?(?:[0-9]+[.]?[0-9]*|[.][0-9]+))(?:[eE]([+-]?[0-9]+))?') AS found,
            LATERAL (SELECT ltrim(split_part(found[1], '.', 1), '+-0') AS whole, split_part(found[1], '.', 2) AS fraction) AS parts
    ) AS read
$function$
