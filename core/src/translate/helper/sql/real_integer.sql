CREATE OR REPLACE FUNCTION sqlite_compat.real_integer(x double precision) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
    -- Truncated; of a number out of range the nearest integer that there is.
    SELECT CASE WHEN x >= 9223372036854775807 THEN 9223372036854775807
                WHEN x <= -9223372036854775807 THEN '-9223372036854775808'::bigint
                ELSE trunc(x)::bigint END
$function$
