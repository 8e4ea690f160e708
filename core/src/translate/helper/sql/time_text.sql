CREATE OR REPLACE FUNCTION sqlite_compat.time_text(t timestamp) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
    -- A time as date functions of SQLite read it; NULL beyond their years.
    SELECT CASE WHEN isfinite(t) AND t >= timestamp '4713-01-01 00:00:00 BC' AND t < timestamp '10000-01-01' THEN
        CASE WHEN extract(year FROM t) < 0 THEN
            CASE WHEN extract(year FROM t) < -1 THEN '-' ELSE '' END || lpad((-1 - extract(year FROM t))::integer::text, 4, '0')
            ELSE lpad(extract(year FROM t)::integer::text, 4, '0') END
        || '-' || lpad(extract(month FROM t)::integer::text, 2, '0') || '-' || lpad(extract(day FROM t)::integer::text, 2, '0')
        || ' ' || lpad(extract(hour FROM t)::integer::text, 2, '0') || ':' || lpad(extract(minute FROM t)::integer::text, 2, '0')
        || ':' || to_char(extract(second FROM t), 'FM00.000000') END
$function$
