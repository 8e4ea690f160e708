CREATE OR REPLACE FUNCTION sqlite_compat.json_pretty(x json, indent text, margin text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
    -- A line for each part, four spaces or the indent further in than what it is a part of.
DECLARE
    inner_margin text := margin || coalesce(indent, '    ');
    parts text;
BEGIN
    CASE json_typeof(x)
        WHEN 'object' THEN
            SELECT string_agg(inner_margin || to_json(e.key)::text || ': ' || sqlite_compat.json_pretty(e.value, indent, inner_margin), E',\n' ORDER BY e.place)
                INTO parts FROM json_each(x) WITH ORDINALITY AS e(key, value, place);
            RETURN coalesce(E'{\n' || parts || E'\n' || margin || '}', '{}');
        WHEN 'array' THEN
            SELECT string_agg(inner_margin || sqlite_compat.json_pretty(e.value, indent, inner_margin), E',\n' ORDER BY e.place)
                INTO parts FROM json_array_elements(x) WITH ORDINALITY AS e(value, place);
            RETURN coalesce(E'[\n' || parts || E'\n' || margin || ']', '[]');
        ELSE
            RETURN btrim(x::text, E' \t\n\r');
    END CASE;
END
$function$
