CREATE OR REPLACE FUNCTION sqlite_compat.timediff(a text, b text) RETURNS text
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
-- What must be added to b to come to a.
DECLARE
    m constant double precision[] := sqlite_compat.moment(a, '{}');
    n constant double precision[] := sqlite_compat.moment(b, '{}');
    sign constant integer := CASE WHEN m[1] >= n[1] THEN 1 ELSE -1 END;
    clock constant bigint := n[5] * 3600000 + n[6] * 60000 + trunc(n[7] * 1000 + 0.5);
    years integer := sign * (m[2] - n[2]);
    months integer := sign * (m[3] - n[3]);
    y integer := m[2]; mo integer := m[3];
    near bigint; left_over bigint;
BEGIN
    IF m IS NULL OR n IS NULL THEN
        RETURN NULL;
    END IF;
    IF months < 0 THEN
        years := years - 1; months := months + 12;
    END IF;
    -- The day and clock of b in the month of a, or as many months before as it takes.
    LOOP
        near := sqlite_compat.julian_day(y, mo, n[4]::integer) * 86400000 - 43200000 + clock;
        EXIT WHEN near IS NULL OR sign * (m[1]::bigint - near) >= 0;
        months := months - 1;
        IF months < 0 THEN
            months := 11; years := years - 1;
        END IF;
        mo := mo - sign;
        IF mo < 1 THEN
            mo := 12; y := y - 1;
        ELSIF mo > 12 THEN
            mo := 1; y := y + 1;
        END IF;
    END LOOP;
    left_over := sign * (m[1]::bigint - near);
    RETURN CASE WHEN sign > 0 THEN '+' ELSE '-' END || sqlite_compat.year_text(years) || '-' || lpad(months::text, 2, '0') || '-'
        || lpad((left_over / 86400000)::text, 2, '0') || ' ' || lpad((left_over / 3600000 % 24)::text, 2, '0') || ':'
        || lpad((left_over / 60000 % 60)::text, 2, '0') || ':' || to_char((left_over % 60000) / 1000.0, 'FM00.000');
END
$function$
