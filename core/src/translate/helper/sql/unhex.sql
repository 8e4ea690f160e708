CREATE OR REPLACE FUNCTION sqlite_compat.unhex(t text, ignored text DEFAULT '') RETURNS bytea
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
    -- Pairs of hexadecimal digits, with ignored characters around them but not within; NULL of anything else.
    SELECT CASE WHEN marked ~ '^(-*[0-9a-f][0-9a-f])*-*$' THEN decode(replace(marked, '-', ''), 'hex') END
    FROM (SELECT coalesce(string_agg(CASE WHEN strpos('0123456789abcdefABCDEF', c) > 0 THEN lower(c COLLATE "C")
                                          WHEN strpos(ignored, c) > 0 THEN '-' ELSE 'x' END, '' ORDER BY place), '') AS marked
          FROM regexp_split_to_table(t, '') WITH ORDINALITY AS given(c, place) WHERE c <> '') AS read
$function$
