CREATE OR REPLACE FUNCTION sqlite_compat.julianday(time_value text, VARIADIC modifiers text[] DEFAULT '{}') RETURNS double precision
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    RETURN (sqlite_compat.moment(time_value, modifiers))[1] / 86400000
