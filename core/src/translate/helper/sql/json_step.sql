CREATE OR REPLACE FUNCTION sqlite_compat.json_step(path text) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
    -- The first step of the rest of a path: what it is, its label or number, and what comes after it.
DECLARE
    found text[];
BEGIN
    IF left(path, 2) = '."' THEN
        found := regexp_match(path, E'^\\.("(?:[^"\\\\]|\\\\.)*")(.*)$');
        IF found IS NOT NULL AND strpos(found[1], E'\\') > 0 THEN
            RETURN ARRAY['label', found[1]::json #>> '{}', found[2]];
        ELSIF found IS NOT NULL THEN
            RETURN ARRAY['label', substr(found[1], 2, length(found[1]) - 2), found[2]];
        END IF;
    ELSIF left(path, 1) = '.' THEN
        found := regexp_match(path, E'^\\.([^.[]+)(.*)$');
        IF found IS NOT NULL THEN
            RETURN ARRAY['label', found[1], found[2]];
        END IF;
    ELSE
        found := regexp_match(path, E'^\\[(#-)?([0-9]+)\\](.*)$');
        IF found IS NOT NULL THEN
            RETURN ARRAY[CASE WHEN found[1] IS NULL THEN 'place' ELSE 'end' END, least(found[2]::numeric, 2147483647)::text, found[3]];
        ELSIF left(path, 3) = '[#]' THEN
            RETURN ARRAY['end', '0', substr(path, 4)];
        END IF;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'bad JSON path: ' || quote_literal('$' || path);
END
$function$
