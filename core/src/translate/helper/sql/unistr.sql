CREATE OR REPLACE FUNCTION sqlite_compat.unistr(x text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
    -- \\, \XXXX, \uXXXX, \+XXXXXX and \UXXXXXXXX; anything else after a backslash is an error.
DECLARE
    rest text := x;
    made text := '';
    found text[];
BEGIN
    WHILE strpos(rest, E'\\') > 0 LOOP
        made := made || left(rest, strpos(rest, E'\\') - 1);
        rest := substr(rest, strpos(rest, E'\\') + 1);
        found := regexp_match(rest, E'^(?:(\\\\)|u?([0-9A-Fa-f]{4})|\\+([0-9A-Fa-f]{6})|U([0-9A-Fa-f]{8}))(.*)$');
        IF found IS NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'invalid Unicode escape';
        ELSIF found[1] IS NOT NULL THEN
            made := made || found[1];
        ELSE
            made := made || sqlite_compat.characters(('x' || lpad(coalesce(found[2], found[3], found[4]), 16, '0'))::bit(64)::bigint);
        END IF;
        rest := found[5];
    END LOOP;
    RETURN made || rest;
END
$function$
