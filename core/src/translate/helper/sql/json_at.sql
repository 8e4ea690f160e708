CREATE OR REPLACE FUNCTION sqlite_compat.json_at(x json, path text) RETURNS json
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
    -- What a path leads to; NULL where that is nothing.
DECLARE
    rest text := substr(path, 2);
    step text[];
BEGIN
    IF left(path, 1) <> '$' THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'bad JSON path: ' || quote_literal(path);
    END IF;
    WHILE rest <> '' AND x IS NOT NULL LOOP
        step := sqlite_compat.json_step(rest);
        rest := step[3];
        x := CASE step[1] WHEN 'label' THEN x -> step[2]
                          WHEN 'place' THEN x -> step[2]::integer
                          ELSE x -> nullif(-step[2]::integer, 0) END;
    END LOOP;
    RETURN x;
END
$function$
