CREATE OR REPLACE FUNCTION sqlite_compat.glob_pattern(pattern text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    special CONSTANT text := E'!"#$%&''()*+,-./:;<=>?@[\\]^`{|}~';
    chars text[] := string_to_array(pattern, NULL);
    place integer := 1;
    made text := '^';
    c text;
    prior text;
BEGIN
    IF length(pattern) > 50000 THEN
        RAISE EXCEPTION USING ERRCODE = 'program_limit_exceeded', MESSAGE = 'LIKE or GLOB pattern too complex';
    END IF;
    WHILE place <= coalesce(array_length(chars, 1), 0) LOOP
        c := chars[place];
        place := place + 1;
        IF c = '*' THEN
            made := made || '.*';
        ELSIF c = '?' THEN
            made := made || '.';
        ELSIF c <> '[' THEN
            made := made || CASE WHEN strpos(special, c) > 0 THEN E'\\' ELSE '' END || c;
        ELSE
            made := made || '[';
            prior := NULL;
            IF chars[place] = '^' THEN
                made := made || '^';
                place := place + 1;
            END IF;
            -- A leading ] is a member, but never the low end of a range.
            IF chars[place] = ']' THEN
                made := made || E'\\]';
                place := place + 1;
            END IF;
            LOOP
                c := chars[place];
                place := place + 1;
                -- An open class matches nothing.
                IF c IS NULL THEN
                    RETURN '.^';
                END IF;
                EXIT WHEN c = ']';
                IF c = '-' AND prior IS NOT NULL AND chars[place] <> ']' THEN
                    c := chars[place];
                    place := place + 1;
                    -- The low end is there already; a reversed range has no other character.
                    IF c COLLATE "C" > prior COLLATE "C" THEN
                        made := made || '-' || CASE WHEN strpos(special, c) > 0 THEN E'\\' ELSE '' END || c;
                    END IF;
                    prior := NULL;
                ELSE
                    made := made || CASE WHEN strpos(special, c) > 0 THEN E'\\' ELSE '' END || c;
                    prior := c;
                END IF;
            END LOOP;
            made := made || ']';
        END IF;
    END LOOP;
    RETURN made || '$';
END
$function$
