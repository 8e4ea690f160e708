CREATE OR REPLACE FUNCTION sqlite_compat.time(time_value text, VARIADIC modifiers text[] DEFAULT '{}') RETURNS text
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    RETURN sqlite_compat.clock_text(sqlite_compat.moment(time_value, modifiers))
