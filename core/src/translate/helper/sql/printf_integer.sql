CREATE OR REPLACE FUNCTION sqlite_compat.printf_integer(v bigint, conversion text, flags text, width bigint, precision_ bigint) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
    -- %d %i %u %x %X %o %p %r. A precision below zero is none; a width below zero aligns to the left.
    SELECT CASE WHEN flags LIKE '%-%' OR width < 0 THEN rpad(result, greatest(abs(width)::integer, length(result)))
                ELSE lpad(result, greatest(abs(width)::integer, length(result))) END
    FROM (SELECT coalesce(v, 0) AS n) AS given,
        LATERAL (SELECT
            CASE WHEN conversion NOT IN ('d', 'i', 'r') THEN ''
                 WHEN n < 0 THEN '-'
                 ELSE coalesce(left(substring(flags FROM '[+ ][^+ ]*$'), 1), '') END AS sign,
            CASE WHEN conversion IN ('d', 'i') THEN abs(n::numeric)::text
                 WHEN conversion = 'u' THEN (CASE WHEN n < 0 THEN n + 18446744073709551616 ELSE n END)::text
                 WHEN conversion = 'x' THEN to_hex(n)
                 WHEN conversion IN ('X', 'p') THEN upper(to_hex(n))
                 WHEN conversion = 'o' THEN (
                    SELECT coalesce(nullif(ltrim(string_agg(substr('00' || n::bit(64)::text, at, 3)::bit(3)::integer::text, '' ORDER BY at), '0'), ''), '0')
                    FROM generate_series(1, 64, 3) AS at)
                 ELSE abs(n::numeric)::text || CASE
                    WHEN abs(n::numeric) % 100 BETWEEN 11 AND 19 THEN 'th'
                    ELSE CASE (abs(n::numeric) % 10)::integer WHEN 1 THEN 'st' WHEN 2 THEN 'nd' WHEN 3 THEN 'rd' ELSE 'th' END END
            END AS digits) AS converted,
        LATERAL (SELECT lpad(digits, greatest(length(digits), precision_::integer,
            CASE WHEN flags LIKE '%0%' THEN abs(width)::integer - length(sign) END), '0') AS padded) AS to_width,
        LATERAL (SELECT sign
            || CASE WHEN flags LIKE '%#%' AND n <> 0 THEN
                    CASE conversion WHEN 'x' THEN '0x' WHEN 'X' THEN '0X' WHEN 'p' THEN '0x' WHEN 'o' THEN '0' ELSE '' END ELSE '' END
            || CASE WHEN flags LIKE '%,%' AND conversion IN ('d', 'i', 'u') THEN
                    regexp_replace(padded, '([0-9])(?=([0-9]{3})+$)', E'\\1,', 'g') ELSE padded END AS result) AS signed
$function$
