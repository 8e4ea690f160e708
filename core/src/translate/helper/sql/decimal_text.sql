CREATE OR REPLACE FUNCTION sqlite_compat.decimal_text(x numeric) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
    -- As number_text, of a numeric.
    SELECT CASE WHEN x = trunc(x) AND abs(x) <= 9223372036854775807 THEN trunc(x)::text
                ELSE sqlite_compat.real_text(x::double precision) END
$function$
