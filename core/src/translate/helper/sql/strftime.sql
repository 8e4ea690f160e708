CREATE OR REPLACE FUNCTION sqlite_compat.strftime(format text, time_value text, VARIADIC modifiers text[] DEFAULT '{}') RETURNS text
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
-- Every conversion of SQLite; NULL for an unknown one.
DECLARE
    m constant double precision[] := sqlite_compat.moment(time_value, modifiers);
    jd constant bigint := m[1];
    y constant integer := m[2];
    day constant date := date '2000-01-01' + ((jd + 43200000) / 86400000 - 2451545)::integer;
    since_monday constant integer := (jd + 43200000) / 86400000 % 7;
    since_sunday constant integer := (jd + 129600000) / 86400000 % 7;
    thursday constant date := day + 3 - since_monday;
    since_january constant integer := (jd + 43200000) / 86400000 - (sqlite_compat.julian_day(y, 1, 1));
    part text[]; result text := ''; c text;
BEGIN
    IF m IS NULL THEN
        RETURN NULL;
    END IF;
    FOR part IN SELECT regexp_matches(format, E'%(.?)|([^%]+)', 'g') LOOP
        IF part[2] IS NOT NULL THEN
            result := result || part[2];
            CONTINUE;
        END IF;
        c := CASE part[1]
            WHEN '%' THEN '%'
            WHEN 'd' THEN lpad(m[4]::integer::text, 2, '0')
            WHEN 'e' THEN lpad(m[4]::integer::text, 2, ' ')
            WHEN 'f' THEN to_char(round(m[7]::numeric, 3), 'FM00.000')
            WHEN 'F' THEN sqlite_compat.year_text(y) || '-' || lpad(m[3]::integer::text, 2, '0') || '-' || lpad(m[4]::integer::text, 2, '0')
            WHEN 'G' THEN sqlite_compat.year_text((extract(year FROM thursday) + (extract(year FROM thursday) < 0)::integer)::integer)
            WHEN 'g' THEN sqlite_compat.year_text((extract(year FROM thursday) + (extract(year FROM thursday) < 0)::integer)::integer % 100, 2)
            WHEN 'H' THEN lpad(m[5]::integer::text, 2, '0')
            WHEN 'k' THEN lpad(m[5]::integer::text, 2, ' ')
            WHEN 'I' THEN lpad(((m[5]::integer + 11) % 12 + 1)::text, 2, '0')
            WHEN 'l' THEN lpad(((m[5]::integer + 11) % 12 + 1)::text, 2, ' ')
            WHEN 'j' THEN lpad((since_january + 1)::text, 3, '0')
            WHEN 'J' THEN sqlite_compat.printf_real(m[1] / 86400000, 'g', '', 0, 16)
            WHEN 'm' THEN lpad(m[3]::integer::text, 2, '0')
            WHEN 'M' THEN lpad(m[6]::integer::text, 2, '0')
            WHEN 'p' THEN CASE WHEN m[5] >= 12 THEN 'PM' ELSE 'AM' END
            WHEN 'P' THEN CASE WHEN m[5] >= 12 THEN 'pm' ELSE 'am' END
            WHEN 'R' THEN lpad(m[5]::integer::text, 2, '0') || ':' || lpad(m[6]::integer::text, 2, '0')
            WHEN 's' THEN CASE WHEN m[8] = 1 THEN round(((jd - 210866760000000) / 1000.0), 3)::text ELSE (jd / 1000 - 210866760000)::text END
            WHEN 'S' THEN lpad(trunc(m[7])::integer::text, 2, '0')
            WHEN 'T' THEN lpad(m[5]::integer::text, 2, '0') || ':' || lpad(m[6]::integer::text, 2, '0') || ':' || lpad(trunc(m[7])::integer::text, 2, '0')
            WHEN 'u' THEN CASE since_sunday WHEN 0 THEN 7 ELSE since_sunday END::text
            WHEN 'w' THEN since_sunday::text
            WHEN 'U' THEN lpad(((since_january - since_sunday + 7) / 7)::text, 2, '0')
            WHEN 'V' THEN lpad(((extract(doy FROM thursday)::integer - 1) / 7 + 1)::text, 2, '0')
            WHEN 'W' THEN lpad(((since_january - since_monday + 7) / 7)::text, 2, '0')
            WHEN 'Y' THEN sqlite_compat.year_text(y)
        END;
        IF c IS NULL THEN
            RETURN NULL;
        END IF;
        result := result || c;
    END LOOP;
    RETURN result;
END
$function$
