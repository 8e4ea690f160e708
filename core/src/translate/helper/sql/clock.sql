CREATE OR REPLACE FUNCTION sqlite_compat.clock(t text) RETURNS double precision[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
    -- HH:MM[:SS[.FFF]] and an offset: hours, minutes, seconds, minutes of the offset, and 1 if the text says that it is UTC.
    -- NULL of any other text. A fraction does not reach the next second.
    SELECT ARRAY[h, m, s + fraction, coalesce(sign * (offset_h * 60 + offset_m), 0), utc::integer]
    FROM regexp_match(t, E'^([0-9]{2}):([0-9]{2})(?::([0-9]{2})([.][0-9]+)?)?[ \t\n\x0B\f\r]*(?:([zZ])|([+-])([0-9]{2}):([0-9]{2}))?[ \t\n\x0B\f\r]*$') AS found,
        LATERAL (SELECT found[1]::double precision AS h, found[2]::double precision AS m, coalesce(found[3]::double precision, 0) AS s,
                        least(coalesce(('0' || left(found[4], 30))::double precision, 0), 0.999) AS fraction, (found[6] || '1')::integer AS sign,
                        found[7]::integer AS offset_h, found[8]::integer AS offset_m) AS parts,
        LATERAL (SELECT found[5] IS NOT NULL OR coalesce(offset_h * 60 + offset_m = 0, false) AS utc) AS zone
    WHERE h <= 24 AND m <= 59 AND s <= 59 AND NOT (h = 24 AND (m > 0 OR s > 0 OR fraction > 0))
      AND coalesce(offset_h <= 14 AND offset_m <= 59, true)
$function$
