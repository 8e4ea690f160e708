CREATE OR REPLACE FUNCTION sqlite_compat.moment(time_value text, modifiers text[]) RETURNS double precision[]
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
-- A time value and its modifiers, read as SQLite reads them: milliseconds of the Julian day; year, month, day, hour, minute and second;
-- and 1 if fractions of seconds are shown. NULL of what is no time, of an unknown modifier and outside of SQLite's years.
DECLARE
    number constant text := E'^[ \t\n\x0B\f\r]*[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?[ \t\n\x0B\f\r]*$';
    midnight constant double precision[] := '{0,0,0,0,0}';
    last constant bigint := 464269060799999;
    -- Milliseconds of the Julian day; NULL of a number that is no Julian day.
    jd bigint;
    -- A number of which no modifier has said what it counts.
    raw double precision;
    y integer; mo integer; d integer; h integer; mi integer; s double precision;
    -- Days that the date is beyond the end of its month.
    beyond integer := 0;
    is_utc boolean := false;
    is_local boolean := false;
    subsec boolean := false;
    failed boolean := false;
    -- y to s are to be computed from jd.
    stale boolean := false;
    modifier text; word text; part text[]; clock double precision[];
    n double precision; unit text; sign integer; guess bigint; error bigint; place integer := 0;
BEGIN
    -- A match of groups takes long: the usual texts do without.
    IF translate(left(time_value, 11), '123456789', '000000000') IN ('0000-00-00', '0000-00-00 ', '0000-00-00T') THEN
        part := ARRAY['', left(time_value, 4), substr(time_value, 6, 2), substr(time_value, 9, 2), ltrim(substr(time_value, 11), E' \t\n\x0B\f\rT')];
    ELSE
        part := regexp_match(time_value, E'^(-?)([0-9]{4})-([0-9]{2})-([0-9]{2})[ \t\n\x0B\f\rT]*(.*)$');
    END IF;
    clock := CASE WHEN part[5] = '' THEN midnight WHEN part IS NOT NULL THEN sqlite_compat.clock(part[5]) END;
    IF part IS NOT NULL AND clock IS NOT NULL AND part[3]::integer BETWEEN 1 AND 12 AND part[4]::integer BETWEEN 1 AND 31 THEN
        y := part[2]::integer; mo := part[3]::integer; d := part[4]::integer;
    ELSE
        clock := sqlite_compat.clock(time_value);
        IF clock IS NOT NULL THEN
            y := 2000; mo := 1; d := 1; part := NULL;
        END IF;
    END IF;
    IF y IS NOT NULL THEN
        h := clock[1]; mi := clock[2]; s := clock[3]; is_utc := clock[5] = 1;
        IF h = 24 THEN
            h := 0; d := d + 1;
            IF d > sqlite_compat.month_days(y, mo) THEN
                d := d - sqlite_compat.month_days(y, mo); mo := mo + 1;
                IF mo > 12 THEN
                    mo := 1; y := y + 1;
                END IF;
            END IF;
        END IF;
        IF part[1] = '-' THEN
            y := -y;
        END IF;
        beyond := greatest(d - sqlite_compat.month_days(y, mo), 0);
        jd := sqlite_compat.julian_day(y, mo, d) * 86400000 - 43200000 + h * 3600000 + mi * 60000 + trunc(s * 1000 + 0.5)::bigint;
        IF clock[4] <> 0 THEN
            jd := jd - clock[4]::bigint * 60000; is_utc := true; stale := true;
        END IF;
        IF jd IS NULL THEN
            RETURN NULL;
        END IF;
    ELSIF lower(time_value COLLATE "C") IN ('now', 'subsec', 'subsecond') THEN
        jd := trunc(extract(epoch FROM now()) * 1000)::bigint + 210866760000000;
        is_utc := true; stale := true; subsec := lower(time_value COLLATE "C") <> 'now';
    ELSIF time_value ~ number THEN
        raw := sqlite_compat.text_real(time_value);
        IF raw >= 0 AND raw < 5373484.5 THEN
            jd := trunc(raw * 86400000 + 0.5)::bigint; stale := true;
        END IF;
    ELSE
        RETURN NULL;
    END IF;

    FOREACH modifier IN ARRAY modifiers LOOP
        place := place + 1;
        IF modifier IS NULL THEN
            RETURN NULL;
        END IF;
        IF stale AND jd BETWEEN 0 AND last THEN
            y := extract(year FROM date '2000-01-01' + ((jd + 43200000) / 86400000 - 2451545)::integer);
            y := y + (y < 0)::integer;
            mo := extract(month FROM date '2000-01-01' + ((jd + 43200000) / 86400000 - 2451545)::integer);
            d := extract(day FROM date '2000-01-01' + ((jd + 43200000) / 86400000 - 2451545)::integer);
            h := (jd + 43200000) % 86400000 / 3600000;
            mi := (jd + 43200000) % 3600000 / 60000;
            s := (jd + 43200000) % 60000 / 1000.0::double precision;
            stale := false;
        END IF;
        word := lower(modifier COLLATE "C");
        IF jd IS NULL AND word NOT IN ('auto', 'julianday', 'unixepoch', 'subsec', 'subsecond') THEN
            -- A number that is no time: SQLite forgets this where a local time is asked for.
            IF word LIKE 'start of%' OR word LIKE 'end of%' THEN
                RETURN NULL;
            END IF;
            failed := true; raw := NULL; jd := CASE WHEN word = 'utc' THEN 0 ELSE 211813444800000 END;
            y := 2000; mo := 1; d := 1; h := 0; mi := 0; s := 0;
            IF word LIKE 'weekday %' OR modifier ~ '^[+-][0-9]{4,5}-' THEN
                h := 12; jd := jd + 43200000;
            END IF;
        END IF;
        IF word = 'auto' THEN
            IF place > 1 THEN
                RETURN NULL;
            END IF;
            IF jd IS NULL AND raw BETWEEN -210866760000 AND 253402300799 THEN
                jd := trunc(raw * 1000 + 210866760000000 + 0.5)::bigint; stale := true;
            END IF;
            raw := CASE WHEN jd IS NULL THEN raw END;
        ELSIF word = 'julianday' THEN
            IF place > 1 OR jd IS NULL OR raw IS NULL THEN
                RETURN NULL;
            END IF;
            raw := NULL;
        ELSIF word = 'unixepoch' THEN
            IF place > 1 OR raw IS NULL OR raw * 1000 + 210866760000000 < 0 OR raw * 1000 + 210866760000000 >= 464269060800000 THEN
                RETURN NULL;
            END IF;
            jd := trunc(raw * 1000 + 210866760000000 + 0.5)::bigint; raw := NULL; stale := true;
        ELSIF word IN ('subsec', 'subsecond') THEN
            subsec := true;
        ELSIF word = 'ceiling' THEN
            beyond := 0; stale := true;
        ELSIF word = 'floor' THEN
            jd := jd - beyond * 86400000::bigint; stale := true;
        ELSIF word = 'localtime' THEN
            IF NOT is_local THEN
                IF jd NOT BETWEEN 0 AND last THEN
                    RETURN NULL;
                END IF;
                jd := sqlite_compat.local_time(jd); stale := true; raw := NULL; failed := false;
            END IF;
            is_utc := false; is_local := true;
        ELSIF word = 'utc' THEN
            IF NOT is_utc THEN
                guess := jd; error := 0;
                FOR attempt IN 1..4 LOOP
                    guess := guess - error;
                    IF guess NOT BETWEEN 0 AND last THEN
                        RETURN NULL;
                    END IF;
                    error := sqlite_compat.local_time(guess) - jd;
                    EXIT WHEN error = 0;
                END LOOP;
                jd := guess; is_utc := true; is_local := false; subsec := false; beyond := 0; stale := true; raw := NULL; failed := false;
            END IF;
        ELSIF word LIKE 'weekday %' THEN
            IF stale OR substr(modifier, 9) !~ number THEN
                RETURN NULL;
            END IF;
            n := sqlite_compat.text_real(substr(modifier, 9));
            IF n NOT BETWEEN -6 AND 6 OR n <> trunc(n) THEN
                RETURN NULL;
            END IF;
            IF (jd + 129600000) / 86400000 % 7 <> abs(n) THEN
                jd := jd + (((abs(n)::integer - (jd + 129600000) / 86400000 % 7) + 7) % 7
                            - CASE WHEN strpos(modifier, '-') > 0 THEN 7 ELSE 0 END) * 86400000;
            END IF;
            stale := true;
        ELSIF word IN ('start of day', 'start of month', 'start of year', 'end of day', 'end of month', 'end of year') THEN
            -- The end of a month is found from the next one.
            IF stale OR word = 'end of month' AND y = 9999 AND mo = 12 THEN
                RETURN NULL;
            END IF;
            IF word LIKE 'start%' THEN
                d := CASE WHEN word = 'start of day' THEN d ELSE 1 END;
                mo := CASE WHEN word = 'start of year' THEN 1 ELSE mo END;
                h := 0; mi := 0; s := 0;
            ELSE
                IF word <> 'end of day' THEN
                    mo := CASE WHEN word = 'end of year' THEN 12 ELSE mo END;
                    d := sqlite_compat.month_days(y, mo); beyond := CASE WHEN word = 'end of month' THEN 0 ELSE beyond END;
                END IF;
                h := 23; mi := 59; s := 59.999;
            END IF;
            jd := sqlite_compat.julian_day(y, mo, d) * 86400000 - 43200000 + h * 3600000 + mi * 60000 + trunc(s * 1000 + 0.5)::bigint;
            raw := NULL;
        ELSIF modifier ~ '^[+-]([0-9]{4}|[0-9]{5})-' THEN
            part := regexp_match(modifier, E'^([+-])([0-9]{4,5})-([0-9]{2})-([0-9]{2})(?:[ \t\n\x0B\f\r](.*))?$');
            clock := CASE WHEN part[5] IS NULL THEN midnight ELSE sqlite_compat.clock(part[5]) END;
            IF stale OR part IS NULL OR part[3]::integer > 11 OR part[4]::integer > 30 OR part[2]::integer > 14712 OR clock IS NULL THEN
                RETURN NULL;
            END IF;
            sign := (part[1] || '1')::integer;
            y := y + sign * part[2]::integer;
            mo := mo + sign * part[3]::integer;
            y := y + CASE WHEN mo > 0 THEN (mo - 1) / 12 ELSE (mo - 12) / 12 END;
            mo := mo - 12 * CASE WHEN mo > 0 THEN (mo - 1) / 12 ELSE (mo - 12) / 12 END;
            beyond := greatest(d - sqlite_compat.month_days(y, mo), 0);
            jd := sqlite_compat.julian_day(y, mo, d) * 86400000 - 43200000 + h * 3600000 + mi * 60000 + trunc(s * 1000 + 0.5)::bigint
                  + sign * part[4]::bigint * 86400000
                  + sign * ((clock[1] * 3600000 + clock[2] * 60000 + trunc(clock[3] * 1000 + 0.5) - clock[4] * 60000 + 864000000)::bigint % 86400000);
            stale := true;
        ELSIF modifier ~ '^[+-]?[0-9]+:' THEN
            clock := sqlite_compat.clock(ltrim(modifier, '+-'));
            IF clock IS NULL THEN
                RETURN NULL;
            END IF;
            jd := jd + CASE WHEN modifier LIKE '-%' THEN -1 ELSE 1 END
                  * ((clock[1] * 3600000 + clock[2] * 60000 + trunc(clock[3] * 1000 + 0.5) - clock[4] * 60000 + 864000000)::bigint % 86400000);
            stale := true;
        ELSIF modifier ~ E'^[+-]?[0-9.eE+-]+[ \t\n\x0B\f\r]+[a-zA-Z]+$' AND modifier ~ '^[+0-9-]' THEN
            part := regexp_match(modifier, E'^([^ \t\n\x0B\f\r]+)[ \t\n\x0B\f\r]+([a-zA-Z]+)$');
            IF part[1] !~ number THEN
                RETURN NULL;
            END IF;
            n := CASE WHEN part[1] ~ '^.{1,30}$' AND part[1] !~* 'e' THEN part[1]::double precision ELSE sqlite_compat.text_real(part[1]) END;
            unit := regexp_replace(lower(part[2] COLLATE "C"), 's$', '');
            sign := CASE WHEN n < 0 THEN -1 ELSE 1 END;
            beyond := 0;
            IF abs(n) >= (CASE unit WHEN 'second' THEN 4.6427e14 WHEN 'minute' THEN 7.7379e12 WHEN 'hour' THEN 1.2897e11
                                   WHEN 'day' THEN 5373485 WHEN 'month' THEN 176546 WHEN 'year' THEN 14713 ELSE 0 END) THEN
                RETURN NULL;
            END IF;
            IF unit IN ('month', 'year') THEN
                IF stale THEN
                    RETURN NULL;
                END IF;
                IF unit = 'month' THEN
                    mo := mo + trunc(n)::integer;
                    y := y + CASE WHEN mo > 0 THEN (mo - 1) / 12 ELSE (mo - 12) / 12 END;
                    mo := mo - 12 * CASE WHEN mo > 0 THEN (mo - 1) / 12 ELSE (mo - 12) / 12 END;
                ELSE
                    y := y + trunc(n)::integer;
                END IF;
                beyond := greatest(d - sqlite_compat.month_days(y, mo), 0);
                jd := sqlite_compat.julian_day(y, mo, d) * 86400000 - 43200000 + h * 3600000 + mi * 60000 + trunc(s * 1000 + 0.5)::bigint;
                n := n - trunc(n);
            END IF;
            jd := jd + trunc(n * 1000.0 * CASE unit WHEN 'second' THEN 1 WHEN 'minute' THEN 60 WHEN 'hour' THEN 3600 WHEN 'day' THEN 86400
                                                    WHEN 'month' THEN 2592000 ELSE 31536000 END + sign * 0.5)::bigint;
            stale := true;
        ELSE
            RETURN NULL;
        END IF;
        IF jd IS NULL AND raw IS NULL THEN
            RETURN NULL;
        END IF;
    END LOOP;

    IF failed OR jd IS NULL OR jd NOT BETWEEN 0 AND last THEN
        RETURN NULL;
    END IF;
    IF stale OR place = 0 AND d > 28 THEN
        y := extract(year FROM date '2000-01-01' + ((jd + 43200000) / 86400000 - 2451545)::integer);
        y := y + (y < 0)::integer;
        mo := extract(month FROM date '2000-01-01' + ((jd + 43200000) / 86400000 - 2451545)::integer);
        d := extract(day FROM date '2000-01-01' + ((jd + 43200000) / 86400000 - 2451545)::integer);
    END IF;
    IF stale THEN
        h := (jd + 43200000) % 86400000 / 3600000;
        mi := (jd + 43200000) % 3600000 / 60000;
        s := (jd + 43200000) % 60000 / 1000.0::double precision;
    END IF;
    RETURN ARRAY[jd, y, mo, d, h, mi, s, subsec::integer];
END
$function$
