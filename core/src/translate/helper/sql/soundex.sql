CREATE OR REPLACE FUNCTION sqlite_compat.soundex(t text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
-- SQLite's: it begins with the first ASCII letter, H and W separate as vowels do, and of a byte of another letter seven bits count.
DECLARE
    bytes constant bytea := convert_to(coalesce(substring(t FROM '[A-Za-z].*$'), ''), 'UTF8');
    letter text; code text; before text; result text;
BEGIN
    FOR at IN 0..length(bytes) - 1 LOOP
        letter := upper(chr(greatest(get_byte(bytes, at) & 127, 1)) COLLATE "C");
        code := CASE WHEN strpos('AEHIOUWYBFPVCGJKQSXZDTLMNR', letter) > 0 THEN
            translate(letter, 'AEHIOUWYBFPVCGJKQSXZDTLMNR', '00000000111122222222334556') ELSE '0' END;
        IF at = 0 THEN
            result := letter;
        ELSIF code <> '0' AND code <> before THEN
            result := result || code;
        END IF;
        EXIT WHEN length(result) = 4;
        before := code;
    END LOOP;
    RETURN coalesce(rpad(result, 4, '0'), '?000');
END
$function$
