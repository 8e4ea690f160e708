CREATE OR REPLACE FUNCTION sqlite_compat.text_number(t text) RETURNS numeric
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    SET extra_float_digits = 1
AS $function$
    -- As text_real; a whole number that SQLite holds as an integer keeps all its digits.
    SELECT CASE WHEN digits IS NOT NULL AND abs(digits::numeric) <= 9223372036854775807 THEN digits::numeric
                ELSE sqlite_compat.text_real(t)::text::numeric END
    FROM (SELECT substring(t FROM E'^[ \t\n\x0B\f\r]*([+-]?[0-9]{1,19})(?![0-9.eE])') AS digits) AS read
$function$
