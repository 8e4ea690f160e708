CREATE OR REPLACE FUNCTION sqlite_compat.real_quote(x double precision) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT CASE WHEN abs(x) = 'Infinity' OR sqlite_compat.text_real(sqlite_compat.real_text(x)) = x THEN sqlite_compat.real_text(x)
                ELSE sqlite_compat.printf_real(x, 'e', '!!', 0, 20) END
$function$
