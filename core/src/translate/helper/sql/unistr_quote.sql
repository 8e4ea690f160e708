CREATE OR REPLACE FUNCTION sqlite_compat.unistr_quote(x text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
    -- quote() of a text; with control characters it is a call of unistr().
    SELECT CASE WHEN x IS NULL THEN 'NULL'
                WHEN x ~ E'[\\x01-\\x1f]' THEN 'unistr(''' || sqlite_compat.unistr_escape(x) || ''')'
                ELSE '''' || replace(x, '''', '''''') || '''' END
$function$
