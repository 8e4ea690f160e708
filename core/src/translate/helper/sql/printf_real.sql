CREATE OR REPLACE FUNCTION sqlite_compat.printf_real(v double precision, conversion text, flags text, width bigint, precision_ bigint) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
-- %f %e %E %g %G, with 16 significant digits at the most, 18 with the flag "!", 26 with two of them. A precision below zero is
-- none, which means 6.
DECLARE
    x constant double precision := coalesce(v, 0);
    pad constant integer := abs(width);
    digits_after integer := CASE WHEN precision_ < 0 THEN 6 ELSE precision_ END;
    most constant integer := CASE WHEN flags LIKE '%!!%' THEN 26 WHEN flags LIKE '%!%' THEN 18 ELSE 16 END;
    sign constant text := CASE WHEN x < 0 THEN '-' ELSE coalesce(left(substring(flags FROM '[+ ][^+ ]*$'), 1), '') END;
    exponential boolean := lower(conversion) = 'e';
    general constant boolean := lower(conversion) = 'g';
    n numeric; e integer := 0; result text; tail text := '';
BEGIN
    IF abs(x) = 'Infinity' AND flags NOT LIKE '%0%' THEN
        result := sign || 'Inf';
        RETURN CASE WHEN flags LIKE '%-%' OR width < 0 THEN rpad(result, greatest(pad, length(result)))
                    ELSE lpad(result, greatest(pad, length(result))) END;
    END IF;
    n := CASE WHEN abs(x) = 'Infinity' THEN 9e999 ELSE sqlite_compat.real_exact(abs(x)) END;
    IF general THEN
        digits_after := greatest(digits_after, 1) - 1;
    END IF;
    -- Twice: rounding may make the number longer.
    FOR pass IN 1..2 LOOP
        IF n > 0 THEN
            e := CASE WHEN n >= 1 THEN length(trunc(n)::text) - 1
                      ELSE length(ltrim(split_part(n::text, '.', 2), '0')) - length(split_part(n::text, '.', 2)) - 1 END;
        END IF;
        EXIT WHEN pass = 2;
        n := round(n, least(most - 1 - e, CASE WHEN exponential OR general THEN digits_after - e ELSE digits_after END));
    END LOOP;
    IF general THEN
        exponential := e < -4 OR e > digits_after;
        digits_after := CASE WHEN exponential THEN digits_after ELSE digits_after - e END;
    END IF;
    IF exponential THEN
        tail := CASE WHEN conversion IN ('E', 'G') THEN 'E' ELSE 'e' END || CASE WHEN e < 0 THEN '-' ELSE '+' END
                || lpad(abs(e)::text, greatest(2, length(abs(e)::text)), '0');
        n := CASE WHEN e > 0 THEN n / ('1e' || e)::numeric ELSE n * ('1e' || -e)::numeric END;
    END IF;
    result := round(n, digits_after)::text;
    IF flags LIKE '%,%' AND lower(conversion) = 'f' THEN
        result := regexp_replace(split_part(result, '.', 1), '([0-9])(?=([0-9]{3})+$)', E'\\1,', 'g')
                  || CASE WHEN digits_after > 0 THEN '.' || split_part(result, '.', 2) ELSE '' END;
    END IF;
    IF digits_after = 0 AND (flags LIKE '%#%' OR flags LIKE '%!%') THEN
        result := result || '.';
    END IF;
    IF strpos(result, '.') > 0 AND (CASE WHEN general THEN flags NOT LIKE '%#%' ELSE flags LIKE '%!%' END) THEN
        result := rtrim(rtrim(result, '0'), '.');
        IF flags LIKE '%!%' AND strpos(result, '.') = 0 THEN
            result := result || '.0';
        END IF;
    END IF;
    result := result || tail;
    RETURN CASE
        WHEN flags LIKE '%-%' OR width < 0 THEN rpad(sign || result, greatest(pad, length(sign || result)))
        WHEN flags LIKE '%0%' THEN sign || lpad(result, greatest(pad - length(sign), length(result)), '0')
        ELSE lpad(sign || result, greatest(pad, length(sign || result))) END;
END
$function$
