CREATE OR REPLACE FUNCTION sqlite_compat.json_arrow(x json, key text) RETURNS json
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
    -- The right operand of -> and ->>, a text: a path, a place in brackets, or a label.
BEGIN
    IF key = '' THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'bad JSON path: ''''';
    ELSIF left(key, 1) = '$' THEN
        RETURN sqlite_compat.json_at(x, key);
    ELSIF key LIKE '[_%]' THEN
        RETURN sqlite_compat.json_at(x, '$' || key);
    END IF;
    RETURN x -> key;
END
$function$
