CREATE OR REPLACE FUNCTION sqlite_compat.json_edit(x json, path text, value json, how text) RETURNS json
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
    -- json_set(), json_insert(), json_replace(), json_array_insert() and json_remove() at one path. Members keep their order and spelling.
DECLARE
    step text[];
    rest text;
    made json;
    size integer;
    place integer;
    edited text;
BEGIN
    IF x IS NULL OR path IS NULL THEN
        RETURN x;
    ELSIF left(path, 1) <> '$' THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'bad JSON path: ' || quote_literal(path);
    ELSIF path = '$' THEN
        RETURN CASE how WHEN 'insert' THEN x WHEN 'remove' THEN NULL ELSE value END;
    END IF;
    step := sqlite_compat.json_step(substr(path, 2));
    rest := '$' || step[3];
    IF how = 'array_insert' AND rest = '$' AND step[1] = 'label' THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'not an array element: ' || quote_literal(path);
    ELSIF json_typeof(x) <> (CASE step[1] WHEN 'label' THEN 'object' ELSE 'array' END) THEN
        RETURN x;
    END IF;
    -- What is put where nothing is, with all that leads to it.
    IF how IN ('set', 'insert', 'array_insert') THEN
        made := CASE WHEN left(step[3], 1) = '[' THEN '[]' ELSE '{}' END;
        made := CASE WHEN rest = '$' THEN value ELSE nullif(sqlite_compat.json_edit(made, rest, value, how)::text, made::text)::json END;
    END IF;
    IF step[1] = 'label' THEN
        IF x -> step[2] IS NULL AND made IS NULL THEN
            RETURN x;
        END IF;
        SELECT string_agg(to_json(m.label)::text || ':' || m.part, ',' ORDER BY m.nth) INTO edited
        FROM (SELECT e.label, e.nth, CASE WHEN e.label = step[2] THEN sqlite_compat.json_edit(e.part, rest, value, how) ELSE e.part END::text AS part
              FROM json_each(x) WITH ORDINALITY AS e(label, part, nth)
              UNION ALL SELECT step[2], 9223372036854775807, made::text WHERE x -> step[2] IS NULL) AS m
        WHERE m.part IS NOT NULL;
        RETURN '{' || coalesce(edited, '') || '}';
    END IF;
    size := json_array_length(x);
    place := CASE step[1] WHEN 'place' THEN step[2]::integer ELSE size - step[2]::integer END;
    IF place < 0 OR place > size OR place = size AND made IS NULL THEN
        RETURN x;
    END IF;
    SELECT string_agg(m.part, ',' ORDER BY m.nth, m.old) INTO edited
    FROM (SELECT e.nth - 1 AS nth, true AS old, CASE
              WHEN e.nth - 1 = place AND (how <> 'array_insert' OR rest <> '$') THEN sqlite_compat.json_edit(e.part, rest, value, how)
              ELSE e.part END::text AS part
          FROM json_array_elements(x) WITH ORDINALITY AS e(part, nth)
          UNION ALL SELECT place, false, made::text WHERE place = size OR how = 'array_insert' AND rest = '$') AS m
    WHERE m.part IS NOT NULL;
    RETURN '[' || coalesce(edited, '') || ']';
END
$function$
