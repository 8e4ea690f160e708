CREATE OR REPLACE FUNCTION sqlite_compat.time(time_value text, VARIADIC modifiers text[] DEFAULT '{}') RETURNS text
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT sqlite_compat.clock_text(m)
    FROM sqlite_compat.moment(time_value, modifiers) AS m
$function$
