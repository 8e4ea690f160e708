CREATE OR REPLACE FUNCTION sqlite_compat.unixepoch(time_value text, VARIADIC modifiers text[] DEFAULT '{}') RETURNS bigint
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    RETURN trunc((sqlite_compat.moment(time_value, modifiers))[1] / 1000)::bigint - 210866760000
