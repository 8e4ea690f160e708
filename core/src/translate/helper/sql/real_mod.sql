CREATE OR REPLACE FUNCTION sqlite_compat.real_mod(x double precision, y double precision) RETURNS double precision
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
    -- The exact remainder, with the sign of x; NULL where there is none.
    SELECT CASE WHEN y = 0 OR abs(x) = 'Infinity' THEN NULL
                WHEN abs(y) = 'Infinity' OR abs(x) < abs(y) THEN x
                ELSE (sqlite_compat.real_exact(x) % sqlite_compat.real_exact(y))::double precision END
$function$
