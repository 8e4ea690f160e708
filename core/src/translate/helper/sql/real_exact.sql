CREATE OR REPLACE FUNCTION sqlite_compat.real_exact(x double precision) RETURNS numeric
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
    -- Every digit of a finite double: its mantissa times a power of two, or of five and ten.
    SELECT CASE WHEN x < 0 THEN -value ELSE value END
    FROM (SELECT float8send(x) AS b) AS sent,
        LATERAL (SELECT (get_byte(b, 0) & 127) * 16 + get_byte(b, 1) / 16 AS biased,
                        ((get_byte(b, 1) & 15)::bigint << 48) + (get_byte(b, 2)::bigint << 40) + (get_byte(b, 3)::bigint << 32)
                        + (get_byte(b, 4)::bigint << 24) + (get_byte(b, 5) << 16) + (get_byte(b, 6) << 8) + get_byte(b, 7) AS low) AS parts,
        LATERAL (SELECT CASE WHEN biased = 0 THEN low ELSE low + 4503599627370496 END::numeric AS mantissa,
                        greatest(biased, 1) - 1075 AS e) AS number,
        LATERAL (SELECT CASE WHEN e >= 0 THEN mantissa * (2::numeric ^ e)
                             ELSE mantissa * (5::numeric ^ -e) * ('1e' || e)::numeric END AS value) AS product
$function$
