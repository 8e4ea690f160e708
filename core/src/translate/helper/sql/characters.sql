CREATE OR REPLACE FUNCTION sqlite_compat.characters(VARIADIC codes bigint[]) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
    -- char(): what is no code point is U+FFFD. PostgreSQL has no text with the character 0, nor with half of a surrogate pair.
    SELECT coalesce(string_agg(CASE WHEN c = 0 THEN chr(c::integer) ELSE convert_from(decode(CASE
        WHEN c < 128 THEN lpad(to_hex(c), 2, '0')
        WHEN c < 2048 THEN to_hex(192 + (c >> 6)) || to_hex(128 + (c & 63))
        WHEN c < 65536 THEN to_hex(224 + (c >> 12)) || to_hex(128 + (c >> 6 & 63)) || to_hex(128 + (c & 63))
        ELSE to_hex(240 + (c >> 18)) || to_hex(128 + (c >> 12 & 63)) || to_hex(128 + (c >> 6 & 63)) || to_hex(128 + (c & 63)) END,
        'hex'), 'UTF8') END, '' ORDER BY place), '')
    FROM unnest(codes) WITH ORDINALITY AS given(code, place),
        LATERAL (SELECT CASE WHEN code BETWEEN 0 AND 1114111 THEN code WHEN code IS NULL THEN 0 ELSE 65533 END AS c) AS known
$function$
