CREATE OR REPLACE FUNCTION sqlite_compat.clock(t text) RETURNS double precision[]
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
-- HH:MM[:SS[.FFF]] and an offset: hours, minutes, seconds, minutes of the offset, and 1 if the text says that it is UTC.
-- NULL of any other text. A fraction does not reach the next second.
DECLARE
    shape constant text := translate(t, '123456789', '000000000');
    -- A match of groups takes long: the usual texts do without.
    part constant text[] := CASE WHEN shape IN ('00:00', '00:00:00') THEN
        ARRAY[left(t, 2), substr(t, 4, 2), nullif(substr(t, 7, 2), ''), NULL, NULL, NULL, NULL, NULL]
        ELSE regexp_match(t, E'^([0-9]{2}):([0-9]{2})(?::([0-9]{2})([.][0-9]+)?)?[ \t\n\x0B\f\r]*(?:([zZ])|([+-])([0-9]{2}):([0-9]{2}))?[ \t\n\x0B\f\r]*$') END;
    h constant double precision := part[1];
    m constant double precision := part[2];
    s constant double precision := coalesce(part[3], '0');
    fraction constant double precision := least(coalesce('0' || left(part[4], 30), '0')::double precision, 0.999);
    away constant integer := (part[6] || '1')::integer * (part[7]::integer * 60 + part[8]::integer);
BEGIN
    IF part IS NULL OR h > 24 OR m > 59 OR s > 59 OR h = 24 AND (m > 0 OR s > 0 OR fraction > 0)
        OR part[7] > '14' OR part[8] > '59' THEN
        RETURN NULL;
    END IF;
    RETURN ARRAY[h, m, s + fraction, coalesce(away, 0), (part[5] IS NOT NULL OR coalesce(away = 0, false))::integer];
END
$function$
