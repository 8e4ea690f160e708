CREATE OR REPLACE FUNCTION sqlite_compat.local_time(jd bigint) RETURNS bigint
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
-- Milliseconds of the Julian day that a clock of the session's time zone shows. Outside of the years 1970 to 2037 the zone's rules
-- are those of a year about 2000, as SQLite has it.
DECLARE
    day date := date '2000-01-01' + ((jd + 43200000) / 86400000 - 2451545)::integer;
    year integer := extract(year FROM day) + (extract(year FROM day) < 0)::integer;
    ruled bigint := jd;
BEGIN
    IF jd < 210866760000000 OR jd > 213014145600000 THEN
        ruled := jd + 86400000 * (
            sqlite_compat.julian_day(2000 + year % 4, extract(month FROM day)::integer, extract(day FROM day)::integer)
            - sqlite_compat.julian_day(year, extract(month FROM day)::integer, extract(day FROM day)::integer));
    END IF;
    RETURN jd + 1000 * extract(epoch FROM
        (timestamptz '1970-01-01 00:00:00+00' + (ruled / 1000 - 210866760000) * interval '1 second')::timestamp
        - (timestamp '1970-01-01 00:00:00' + (ruled / 1000 - 210866760000) * interval '1 second'))::bigint;
END
$function$
