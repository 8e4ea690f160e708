CREATE OR REPLACE FUNCTION sqlite_compat.day_text(m double precision[]) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT CASE WHEN m[2] < 0 THEN '-' ELSE '' END || lpad(abs(m[2])::integer::text, 4, '0') || '-' || lpad(m[3]::integer::text, 2, '0')
        || '-' || lpad(m[4]::integer::text, 2, '0')
$function$
