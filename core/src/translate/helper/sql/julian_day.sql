CREATE OR REPLACE FUNCTION sqlite_compat.julian_day(y integer, mo integer, d integer) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN
    -- The number of the day that begins at this midnight, as PostgreSQL numbers days: one more than its Julian day at noon before.
    -- Days beyond the end of the month are those of the next one. NULL before the year -4713 and after 9999.
    CASE WHEN y BETWEEN -4713 AND 9999 THEN
        ((36525 * (y + 4716 - (mo < 3)::integer)) / 100 + (306001 * (mo + 1 + 12 * (mo < 3)::integer)) / 10000 + d
         + 38 - (y + 4800 - (mo < 3)::integer) / 100 + (y + 4800 - (mo < 3)::integer) / 400 - 1524)::bigint END
