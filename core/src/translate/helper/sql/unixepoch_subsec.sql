CREATE OR REPLACE FUNCTION sqlite_compat.unixepoch_subsec(time_value text, VARIADIC modifiers text[] DEFAULT '{}') RETURNS double precision
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT (m[1] - 210866760000000) / 1000
    FROM sqlite_compat.moment(time_value, modifiers) AS m
$function$
