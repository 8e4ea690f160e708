CREATE OR REPLACE FUNCTION sqlite_compat.unixepoch(time_value text, VARIADIC modifiers text[] DEFAULT '{}') RETURNS bigint
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT trunc(m[1] / 1000)::bigint - 210866760000
    FROM sqlite_compat.moment(time_value, modifiers) AS m
$function$
