CREATE OR REPLACE FUNCTION sqlite_compat.json_patch(x json, patch json) RETURNS json
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
    -- RFC 7396. Members keep their order, new ones come after them.
DECLARE
    patched text;
BEGIN
    IF json_typeof(patch) <> 'object' THEN
        RETURN patch;
    ELSIF json_typeof(x) <> 'object' THEN
        x := '{}';
    END IF;
    SELECT string_agg(to_json(m.key)::text || ':' || m.text, ',' ORDER BY m.part, m.place) INTO patched
    FROM (SELECT 1 AS part, o.place, o.key, CASE
              WHEN p.key IS NULL THEN o.value
              WHEN json_typeof(p.value) <> 'null' THEN sqlite_compat.json_patch(o.value, p.value) END::text AS text
          FROM json_each(x) WITH ORDINALITY AS o(key, value, place) LEFT JOIN json_each(patch) AS p ON p.key = o.key
          UNION ALL SELECT 2, n.place, n.key, CASE WHEN json_typeof(n.value) <> 'null' THEN sqlite_compat.json_patch('null', n.value) END::text
          FROM json_each(patch) WITH ORDINALITY AS n(key, value, place)
          WHERE x -> n.key IS NULL) AS m
    WHERE m.text IS NOT NULL;
    RETURN '{' || coalesce(patched, '') || '}';
END
$function$
