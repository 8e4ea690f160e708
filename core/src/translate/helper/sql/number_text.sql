CREATE OR REPLACE FUNCTION sqlite_compat.number_text(x double precision) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
    -- A column with numeric affinity holds whole numbers as integers, whose text has no point.
    SELECT CASE WHEN x = trunc(x) AND abs(x) < 9223372036854775807 THEN x::bigint::text ELSE sqlite_compat.real_text(x) END
$function$
