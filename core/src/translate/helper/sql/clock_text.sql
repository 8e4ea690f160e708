CREATE OR REPLACE FUNCTION sqlite_compat.clock_text(m double precision[]) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT lpad(m[5]::integer::text, 2, '0') || ':' || lpad(m[6]::integer::text, 2, '0') || ':'
        || CASE WHEN m[8] = 1 THEN lpad((trunc(m[7] * 1000 + 0.5)::integer / 1000)::text, 2, '0') || '.'
                    || lpad((trunc(m[7] * 1000 + 0.5)::integer % 1000)::text, 3, '0')
                ELSE lpad(trunc(m[7])::integer::text, 2, '0') END
$function$
