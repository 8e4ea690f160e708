CREATE OR REPLACE FUNCTION sqlite_compat.printf(format text, integers bigint[], reals double precision[], texts text[]) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
    -- printf() by a format that is known when it runs. Each argument is given as each of the three classes.
DECLARE
    rest text := format;
    made text := '';
    found text[];
    next integer := 1;
    width bigint;
    digits bigint;
BEGIN
    IF format IS NULL THEN
        RETURN NULL;
    ELSIF format = '' THEN
        RETURN '';
    END IF;
    WHILE strpos(rest, '%') > 0 LOOP
        made := made || left(rest, strpos(rest, '%') - 1);
        rest := substr(rest, strpos(rest, '%') + 1);
        IF rest = '' THEN
            RETURN made || '%';
        END IF;
        found := regexp_match(rest, E'^([-+ #!0,]*)(\\*|[0-9]*)(?:(\\.)(\\*|[0-9]*))?(?:ll?)?(.?)(.*)$');
        rest := found[6];
        width := 0;
        digits := -1;
        IF found[2] = '*' THEN
            width := coalesce(integers[next], 0);
            next := next + 1;
        ELSIF found[2] <> '' THEN
            width := least(found[2]::numeric, 1000000)::bigint;
        END IF;
        IF found[4] = '*' THEN
            digits := abs(coalesce(integers[next], 0));
            next := next + 1;
        ELSIF found[3] IS NOT NULL THEN
            digits := least(coalesce(nullif(found[4], '')::numeric, 0), 1000000)::bigint;
        END IF;
        CASE
            WHEN found[5] = '%' THEN
                made := made || sqlite_compat.printf_text('%', 's', found[1], width, -1);
            WHEN found[5] = 'n' THEN
                NULL;
            WHEN found[5] IN ('d', 'i', 'u', 'x', 'X', 'o', 'p', 'r') THEN
                made := made || sqlite_compat.printf_integer(coalesce(integers[next], 0), found[5], found[1], width, digits);
                next := next + 1;
            WHEN found[5] IN ('f', 'e', 'E', 'g', 'G') THEN
                made := made || sqlite_compat.printf_real(coalesce(reals[next], 0), found[5], found[1], width, digits);
                next := next + 1;
            WHEN found[5] IN ('s', 'z', 'c', 'q', 'Q', 'w') THEN
                made := made || sqlite_compat.printf_text(texts[next], found[5], found[1], width, digits);
                next := next + 1;
            -- What is no conversion ends the text.
            ELSE RETURN made;
        END CASE;
    END LOOP;
    RETURN made || rest;
END
$function$
