CREATE OR REPLACE FUNCTION sqlite_compat.unistr_escape(x text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
    -- A text within the quotes of unistr('...').
    SELECT coalesce(string_agg(CASE WHEN c = E'\\' THEN E'\\\\' WHEN c = '''' THEN ''''''
                                    WHEN c < ' ' COLLATE "C" THEN E'\\u' || lpad(to_hex(ascii(c)), 4, '0') ELSE c END, '' ORDER BY place), '')
    FROM unnest(string_to_array(x, NULL)) WITH ORDINALITY AS given(c, place)
$function$
