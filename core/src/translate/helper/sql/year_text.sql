CREATE OR REPLACE FUNCTION sqlite_compat.year_text(y integer, width integer DEFAULT 4) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT CASE WHEN y < 0 THEN '-' || lpad((-y)::text, greatest(width - 1, length((-y)::text)), '0')
                ELSE lpad(y::text, greatest(width, length(y::text)), '0') END
$function$
