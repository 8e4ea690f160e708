"""Expressions with SQLite's functions over values that are awkward for them: times in texts, numbers as texts, formats."""

FILE = r"""
CREATE TABLE f (id INTEGER PRIMARY KEY, w TEXT, s TEXT, n INTEGER, r REAL, d DECIMAL(12,4), t TEXT, b BLOB, g BOOLEAN, at DATETIME, day DATE, e DATETIME, x TEXT);
INSERT INTO f VALUES
 (1, '2024-01-31', '+1 month', 0, 0.0, 0, '', x'', 0, '2024-01-31 00:00:00', '2024-01-31', 1706659200, '12'),
 (2, '2024-02-28 10:11:12', '-1 day', 1, 0.5, 2.5, 'a', x'00ff', 1, '2024-02-28 10:11:12', '2024-02-28', 1709115072, ' 1.5e3x'),
 (3, '1999-12-31T23:59:59', 'start of month', -1, -2.5, -3, 'it''s "x" %', x'61', NULL, '1999-12-31 23:59:59', '1999-12-31', 946684799, '-.5'),
 (4, 'no time', 'weekday 1', 255, 1e300, 12.25, 'Zürich', x'c3a9', 1, '1970-01-01 00:00:00', '1970-01-01', 0, 'abc'),
 (5, '', 'no modifier', -9007199254740993, 1e-7, 99999.9999, ' pad ', NULL, 0, '2038-01-19 03:14:08', '2038-01-19', 2147483648, ''),
 (6, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
 (7, '12:30', '+90 minutes', 9223372036854775807, 3.0, 4, '€x😀', x'ff', 1, '2000-02-29 12:00:00', '2000-02-29', 951825600, '9223372036854775808'),
 (8, '2459000.5', '+1.5 years', 42, -0.001, 2.5, 'Robert', x'616263', 0, '2024-12-30 08:09:10', '2024-12-30', 1735546150, '1e400'),
 (9, '2024-06-15 12:00:00.500', '10:30', 1234567, 123456.789, 1234.5, '24591420', x'4142', 1, '0999-06-07 01:02:03', '0999-06-07', 1718452800, '0x10'),
 (10, '2024-06-15 12:00+02:00', 'start of year', -5, 1e15, 100, 'ab cd', x'2d', 0, '9999-12-31 23:59:59', '9999-12-31', 1718452800, '+7'),
 (11, '0000-01-01', 'unixepoch', 10, 0.1, 0.1, '2024-01-31', x'31', 1, '2021-01-03 00:00:00', '2021-01-03', 1609632000, '1.'),
 (12, '1706659200', 'unixepoch', 100, 99.95, 99.95, '10', x'3130', 0, '2020-12-28 00:00:00', '2020-12-28', 1609113600, '5');
"""

MODIFIERS = ["", ", '+1 month'", ", '-1 month'", ", '+1 year'", ", '-3 days'", ", '+36 hours'", ", '+1.5 days'", ", '-90 minutes'", ", '+100000 seconds'",
             ", 'start of day'", ", 'start of month'", ", 'start of year'", ", 'weekday 0'", ", 'weekday 5'", ", '10:30'", ", '-00:00:01.5'",
             ", 'start of month', '+1 month', '-1 day'", ", '+1 month', '+1 month', '+1 month', '+1 month'", ", '+1 Month', 'START OF MONTH'",
             ", 'unixepoch'", ", 'julianday'", ", 'auto'", ", 'utc'", ", 'localtime'", ", 'no modifier'", ", NULL", ", s", ", s, '+1 day'",
             ", '+' || id || ' days'", ", n || ' seconds'", ", '-5 months'", ", '+0.5 months'"]
FORMATS = ["%Y-%m-%d", "%H:%M:%S", "%j", "%w", "%W", "%s", "%f", "%d/%m/%Y", "%J", "%%", "week %W of %Y", "%Y%", "%Q", "é %m"]
CONVERSIONS = ["%d", "%i", "%5d", "%-5d|", "%05d", "%+d", "% d", "%,d", "%u", "%x", "%X", "%#x", "%o", "%08.3d", "%lld", "%-08d|", "%+06d"]
REALS = ["%f", "%.2f", "%8.3f", "%-10.1f|", "%010.2f", "%e", "%.3e", "%E", "%g", "%.10g", "%G", "%+.1f", "%#.0f", "%.0f", "%!.15g"]
TEXTS = ["%s", "%10s|", "%-10s|", "%.2s", "%!.2s", "%!10s|", "%q", "%Q", "%w", "%c", "%z", "%-6.3s|", "%.3c"]


def _times():
    for value in ["w", "at", "day", "e", "n", "r", "t", "'2024-01-31'", "'2024-02-29 23:59:59'", "'no'", "2459000.5", "NULL"]:
        for modifiers in MODIFIERS:
            for name in ["date", "datetime", "julianday"]:
                yield f"{name}({value}{modifiers})"
        for name in ["time", "unixepoch"]:
            for modifiers in MODIFIERS[::3]:
                yield f"{name}({value}{modifiers})"
    for format in FORMATS:
        for value in ["w", "at", "e, 'unixepoch'", "day, '+1 day'", "w, s", "'12:30'"]:
            yield f"strftime('{format}', {value})"
    yield from ["date(w) = date(at)", "date(w) = '2024-01-31'", "date(at) = '2024-01-31'", "date(at) || '!'", "date(w) || '!'", "date(w) < '2024'", "date(at) < '2024'",
                "strftime('%Y', w) = '2024'", "CAST(strftime('%Y', w) AS INTEGER) + 1", "julianday(w) - julianday(at)", "coalesce(date(w), 'none')",
                "coalesce(date(at), 'none')", "CASE WHEN id > 3 THEN date(at) ELSE t END", "ifnull(date(w), date(at))", "w > datetime(at)", "max(date(w), date(at))",
                "strftime(t, w)", "strftime('%Y-' || '%m', w)", "date(date(w))", "date(datetime(at), s)", "unixepoch(w) - unixepoch(at)", "time(w) IN ('12:30:00', '10:11:12')",
                "date(w) BETWEEN '2000-01-01' AND '2024-03-01'", "length(date(w))", "substr(datetime(w), 1, 4)", "replace(date(at), '-', '')", "upper(strftime('%Y-w%W', at))",
                "date('now') = date(CURRENT_TIMESTAMP)", "datetime('now', s) IS NULL", "(julianday('now') - julianday(w)) > 0", "typeof(date(w))", "date(w) IS NULL"]


def _printf():
    for conversion in CONVERSIONS:
        for value in ["n", "id", "r", "d", "x", "g", "-7", "2.9", "'12abc'", "NULL"]:
            yield f"printf('{conversion}', {value})"
    for conversion in REALS:
        for value in ["r", "d", "n % 1000", "substr(x, 1, 4)", "id", "1.5", "NULL"]:
            yield f"printf('{conversion}', {value})"
    for conversion in TEXTS:
        for value in ["t", "s", "n", "r", "d", "'it''s'", "g"]:
            # The character 0, and half of a character, are no texts.
            if conversion not in ("%c", "%.3c") or value not in ("t", "s", "n", "r", "d", "g"):
                if not (value == "t" and conversion in ("%.2s", "%-6.3s|")):
                    yield f"format('{conversion}', {value})"
    yield from ["printf('%d of %d (%s)', id, n, t)", "printf('%02d:%02d', id / 2, id)", "printf('%*d', 6, id)", "printf('%-*d|', id, n)", "printf('%.*f', 2, r)", "printf('%s')",
                "printf('%d')", "printf('100%%')", "printf('%')", "printf('no')", "printf(NULL)", "printf('%s-%s', t)", "printf('%s', b)", "printf('%5%')", "printf('%y', n)",
                "printf('<' || t, n)", "printf('%p', id)", "printf('%n%d', id)", "printf('%lld|%ld', n, n)", "printf('%.2f %%', id / 3.0)", "'#' || printf('%04x', id)"]


def _texts():
    for value in ["n", "r", "d", "t", "x", "g", "b", "NULL", "1.0", "0.1", "1e20", "-0.0", "id / 3.0", "d * 2", "n + 0.5"]:
        for form in ["{} || ''", "'<' || {} || '>'", "length({})", "upper({})", "lower({})", "trim({})", "hex({})", "quote({})", "substr({}, 1, 2)", "replace({}, '1', 'x')",
                     "instr({}, '.')", "{} LIKE '1%'", "CAST({} AS TEXT)", "CAST({} AS INTEGER)", "CAST({} AS REAL)", "CAST({} AS NUMERIC)", "typeof({})", "unicode({})",
                     "concat({}, '|', {})", "concat_ws('-', {}, {})", "like('1%', {})", "glob('1*', {})", "octet_length({})", "soundex({})"]:
            # Digits of a double beyond the 15th differ between SQLite's releases.
            if form != "quote({})" or value not in ("id / 3.0", "n + 0.5"):
                yield form.replace("{}", value)
    yield from ["unhex(t)", "unhex(t, ' ')", "unhex('414')", "unhex(hex(t))", "char(65, 66)", "char(id + 64)", "char(id + 64, 8364)", "zeroblob(3)", "length(zeroblob(id))",
                "quote(b)", "hex(b)", "unicode(t)", "unicode('é')", "like('%A%', t)", "like('a\\%', 'a%', '\\')", "glob('*r*', t)", "iif(id > 3, 'x')", "nullif(t, 'a') || 'x'",
                "likely(id > 3)", "max(r, 1.5) || ''", "coalesce(r, 0.5) || ''", "(r + 1) || ''", "-r || ''", "abs(r) || ''", "round(r, 1) || ''", "group_concat(r)", "group_concat(d, '; ')",
                "ltrim(x, ' 0')", "rtrim(t, '0')", "title_sort(t)", "total_changes()", "random() IS NULL", "length(randomblob(8))", "substr(b, 1, 1)", "typeof(max(d, 1))"]


def _math():
    one = ["acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos", "cosh", "degrees", "exp", "floor", "ln", "log", "log10", "log2", "radians", "sign", "sin", "sinh", "sqrt",
           "tan", "tanh", "trunc", "abs", "round"]
    for name in one:
        for value in ["id", "r / 1e10", "d / 1000", "0.5", "-1", "x", "t", "NULL"]:
            if not (name in ("exp", "cosh", "sinh") and value in ("d / 1000",)):
                yield f"{name}({value})"
    for name in ["pow", "power", "mod", "atan2", "log"]:
        for a in ["id", "r / 1e290", "2", "-2.5", "0"]:
            for b in ["2", "-1", "0.5", "id / 7.0", "id / 4.0"]:
                yield f"{name}({a}, {b})"
    for value in ["r", "d", "n", "2.5", "-2.5"]:
        for digits in ["0", "1", "2", "id", "-1", "NULL"]:
            yield f"round({value}, {digits})"


EXPRESSIONS = [*_times(), *_printf(), *_texts(), *_math()]
