CREATE OR REPLACE FUNCTION sqlite_compat.unicode(t text) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
    -- The code point of the first character in any encoding of the database; NULL of the empty text.
    SELECT CASE WHEN t <> '' THEN CASE length(b)
        WHEN 1 THEN get_byte(b, 0)
        WHEN 2 THEN ((get_byte(b, 0) & 31) << 6) + (get_byte(b, 1) & 63)
        WHEN 3 THEN ((get_byte(b, 0) & 15) << 12) + ((get_byte(b, 1) & 63) << 6) + (get_byte(b, 2) & 63)
        ELSE ((get_byte(b, 0) & 7) << 18) + ((get_byte(b, 1) & 63) << 12) + ((get_byte(b, 2) & 63) << 6) + (get_byte(b, 3) & 63) END END
    FROM (SELECT convert_to(left(t, 1), 'UTF8') AS b) AS bytes
$function$
