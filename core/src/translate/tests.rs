//! Scenarios over the whole of translation: original, scope, exact translation or reason.

use super::*;

/// A column of every family; `email` and `login` are NOCASE, `login` as citext; `ms` was stored as milliseconds.
fn scope() -> Scope {
    let column = |(name, pg_type): (&str, &str)| ScopeColumn {
        read_as_text: name == "login",
        source: name.to_ascii_uppercase(),
        target: name.into(),
        pg_type: PgType::parse(pg_type),
        format: (name == "ms").then_some(Format::UnixEpochMs),
        collation: match name {
            "email" | "login" => Collation::Nocase,
            "code" => Collation::Rtrim,
            "own" => Collation::Own,
            _ => Collation::Binary,
        },
        size: Size { low: -1e6, high: 1e6, tiny: 1e-6 },
    };
    let columns = [
        ("n", "bigint"),
        ("m", "bigint"),
        ("x", "double precision"),
        ("price", "numeric(10,2)"),
        ("flag", "boolean"),
        ("name", "text"),
        ("email", "text"),
        ("login", "text"),
        ("code", "text"),
        ("own", "text"),
        ("status", "character varying(20)"),
        ("b", "bytea"),
        ("d", "date"),
        ("ts", "timestamp without time zone"),
        ("tz", "timestamp with time zone"),
        ("ms", "timestamp with time zone"),
        ("u", "uuid"),
        ("data", "jsonb"),
    ];
    Scope { columns: columns.into_iter().map(column).collect(), timezone: Timezone::UTC }
}

/// Whatever search path is set, no operator of citext's is meant.
#[test]
fn citext_is_read_as_text() {
    conditions(&[
        ("login = 'Ann'", r#"lower("login"::text COLLATE "C") = 'ann'"#),
        ("login COLLATE BINARY = 'Ann'", r#""login"::text COLLATE "C" = 'Ann'"#),
        (
            "login IS NOT NULL AND length(login) > 3",
            r#""login" IS NOT NULL AND length("login"::text COLLATE "C") > 3"#,
        ),
        ("login || 'x' IS NULL", r#""login"::text COLLATE "C" || 'x' IS NULL"#),
    ]);
}

#[test]
fn a_column_compares_by_its_own_collation() {
    conditions(&[
        (
            "code IN ('a', 'b')",
            r#"rtrim("code" COLLATE "C", ' ') IN (rtrim('a' COLLATE "C", ' '), rtrim('b' COLLATE "C", ' '))"#,
        ),
        ("code = 'a' COLLATE BINARY", r#""code" = 'a'"#),
        ("code IS NULL", r#""code" IS NULL"#),
        // A cast to text is still the column, a COLLATE applies from within, and a hint hides both.
        ("'a' = CAST(code AS TEXT)", r#"rtrim('a' COLLATE "C", ' ') = rtrim("code" COLLATE "C", ' ')"#),
        ("CAST(email AS TEXT) = 'a'", r#"lower("email" COLLATE "C") = 'a'"#),
        ("CAST(login AS TEXT) = 'a'", r#"lower("login"::text COLLATE "C") = 'a'"#),
        ("name || 'x' COLLATE NOCASE = 'ax'", "refused: a COLLATE within what is compared"),
        ("upper(name COLLATE RTRIM) IN ('A')", "refused: a COLLATE within what is compared"),
        ("'ax' BETWEEN name AND trim(name COLLATE NOCASE)", "refused: a COLLATE within what is compared"),
        ("max(trim(name COLLATE NOCASE), 'a') IS NULL", "refused: min() and max() under a collation"),
        (r#"(name COLLATE NOCASE = 'a') = 1"#, r#"(lower("name" COLLATE "C") = 'a') = true"#),
        ("likely(email) = 'a'", "refused: a column within a hint has neither its affinity nor its collation"),
        ("likely(email = 'a')", r#"lower("email" COLLATE "C") = 'a'"#),
        ("own IS NOT NULL AND length(own) > 1", r#""own" IS NOT NULL AND length("own") > 1"#),
        ("own = 'a'", "refused: texts are compared by a collation of the application's own"),
        // The left side decides.
        ("name IN (own)", r#""name" IN ("own")"#),
        ("own IN (name)", "refused: texts are compared by a collation of the application's own"),
        ("max(code, 'a') IS NULL", "refused: min() and max() under a collation"),
        ("min(email, name) IS NULL", "refused: min() and max() under a collation"),
        ("nullif(code, 'a') IS NULL", "refused: nullif() under a collation"),
    ]);
}

fn conditions(cases: &[(&str, &str)]) {
    for (sql, expected) in cases {
        let got = condition(sql, &scope()).unwrap_or_else(|e| format!("refused: {}", e.reason));
        assert_eq!(&got, expected, "{sql}");
    }
}

fn expressions(cases: &[(&str, &str, TypeClass)]) {
    for (sql, expected, class) in cases {
        let got = expression(sql, &scope()).unwrap_or_else(|e| panic!("{sql}: {e}"));
        assert_eq!((got.sql.as_str(), got.class, got.immutable), (*expected, *class, true), "{sql}");
    }
}

fn refused(cases: &[(&str, &str)]) {
    for (sql, expected) in cases {
        let got = expression(sql, &scope()).and_then(|_| condition(sql, &scope()));
        assert_eq!(got.map_err(|e| e.reason), Err((*expected).to_string()), "{sql}");
    }
}

type DefaultCase<'a> = (&'a str, Option<Format>, &'a str, Result<Option<&'a str>, &'a str>);

fn defaults(cases: &[DefaultCase<'_>]) {
    for (pg_type, format, sql, expected) in cases {
        let got = default(sql, &PgType::parse(pg_type), *format, &Timezone::UTC).map_err(|e| e.reason);
        let expected = expected.map(|d| d.map(str::to_string)).map_err(str::to_string);
        assert_eq!(got, expected, "{pg_type} DEFAULT {sql}");
    }
}

#[test]
fn django_prisma_sqlalchemy_and_typeorm_checks() {
    conditions(&[
        (
            r#"(JSON_VALID("data") OR "data" IS NULL)"#,
            r#"nullif("data" IS NOT NULL, false) OR "data" IS NULL"#,
        ),
        (r#""n" >= 0"#, r#""n" >= 0"#),
        (r#""price" >= '0'"#, r#""price" >= 0"#),
        (
            r#"("status" IN ('D', 'L', 'G') AND NOT ("name" = ''))"#,
            r#""status" IN ('D', 'L', 'G') AND NOT "name" = ''"#,
        ),
        (r#""flag""#, r#""flag""#),
        ("flag IN (0, 1)", r#""flag" IN (false, true)"#),
        ("status IN ('a','b')", r#""status" IN ('a', 'b')"#),
        (r#"( "status" IN ('admin','editor') )"#, r#""status" IN ('admin', 'editor')"#),
        ("[price]>=(0) AND `x`<=(1)", r#""price" >= 0 AND "x" <= 1"#),
        ("n > -1 AND n < 11", r#""n" > -1 AND "n" < 11"#),
        ("name in ('in','out','in_out')", r#""name" IN ('in', 'out', 'in_out')"#),
        (r#""status" = 'L'"#, r#""status" = 'L'"#),
    ]);
}

#[test]
fn booleans_beside_numbers_and_words() {
    conditions(&[
        ("flag IN ('t','f')", r#""flag" IN (true, false)"#),
        ("flag = 1", r#""flag" = true"#),
        ("flag IN (0,1,2)", r#""flag"::integer IN (0, 1, 2)"#),
        ("flag > 0", r#""flag"::integer > 0"#),
        ("flag IS TRUE", r#""flag" IS TRUE"#),
        ("flag = TRUE", r#""flag" = true"#),
        ("NOT flag AND NOT n IS NULL", r#"NOT "flag" AND NOT "n" IS NULL"#),
        ("(flag = 1) = (n > 2)", r#"("flag" = true) = ("n" > 2)"#),
        ("n + flag > 1", r#""n" + "flag"::integer > 1"#),
        ("coalesce(flag, 0) = 1", r#"coalesce("flag", false) = true"#),
        ("iif(n > 1, flag, 0)", r#"CASE WHEN "n" > 1 THEN "flag" ELSE false END"#),
        ("n", r#""n" <> 0"#),
        ("NOT n", r#"NOT "n" <> 0"#),
        ("n IS NOT FALSE", r#"("n" <> 0) IS NOT FALSE"#),
    ]);
}

#[test]
fn numbers_and_nulls() {
    conditions(&[
        ("0 < n", r#"0 < "n""#),
        ("- 5 < n", r#"-5 < "n""#),
        ("n > -9223372036854775808", r#""n" > '-9223372036854775808'::bigint"#),
        (
            "t.n BETWEEN 1 AND 10 AND m NOT BETWEEN 1 AND 2",
            r#""n" BETWEEN 1 AND 10 AND "m" NOT BETWEEN 1 AND 2"#,
        ),
        ("n IS NULL OR n IS NOT 5", r#""n" IS NULL OR "n" IS DISTINCT FROM 5"#),
        (
            "n IS NOT NULL AND (n == 1 OR m != 2 OR m <> 3)",
            r#""n" IS NOT NULL AND ("n" = 1 OR "m" <> 2 OR "m" <> 3)"#,
        ),
        ("n>0 or m>0 and x>0", r#""n" > 0 OR ("m" > 0 AND "x" > 0)"#),
        ("(n>0 or m>0) and x>0", r#"("n" > 0 OR "m" > 0) AND "x" > 0"#),
        ("n = NULL", "NULL::boolean"),
        ("n IN ()", "false"),
        ("5 BETWEEN n AND m", r#"5 >= "n" AND 5 <= "m""#),
        ("n NOT BETWEEN 1 AND NULL", r#"NOT ("n" >= 1 AND NULL::boolean)"#),
        ("n IN (1, NULL)", r#""n" IN (1, NULL)"#),
        (
            "n % 2 = 0 AND n / 2 > 3 AND n / m = 1",
            r#""n" % 2 = 0 AND "n" / 2 > 3 AND "n" / nullif("m", 0) = 1"#,
        ),
        ("n & 1 = 1 AND n << 2 > 0x10", r#""n" & 1 = 1 AND "n"::bigint << 2 > 16"#),
        ("min(n, m) > 0", r#"CASE WHEN "n" IS NOT NULL AND "m" IS NOT NULL THEN least("n", "m") END > 0"#),
        (
            "CASE status WHEN 'a' THEN 1 WHEN 'b' THEN 0 END",
            r#"CASE WHEN "status" = 'a' THEN 1 WHEN "status" = 'b' THEN 0 END <> 0"#,
        ),
    ]);
}

#[test]
fn text_and_collations() {
    conditions(&[
        ("name = 1", r#""name" = '1'"#),
        ("name < 'm'", r#""name" COLLATE "C" < 'm'"#),
        (r#"status IN ("q", "r")"#, r#""status" IN ('q', 'r')"#),
        ("email = 'A@b'", r#"lower("email" COLLATE "C") = 'a@b'"#),
        ("email < 'x'", r#"lower("email" COLLATE "C") < 'x'"#),
        ("email = name", r#"lower("email" COLLATE "C") = lower("name" COLLATE "C")"#),
        ("name = 'x' COLLATE NOCASE", r#"lower("name" COLLATE "C") = 'x'"#),
        ("name = 'x' COLLATE RTRIM", r#"rtrim("name" COLLATE "C", ' ') = rtrim('x' COLLATE "C", ' ')"#),
        ("email COLLATE BINARY = 'x'", r#""email" COLLATE "C" = 'x'"#),
        ("n || 'x' = '5x'", r#""n"::text || 'x' = '5x'"#),
        ("length(name) <= 10 AND length(b) = 16", r#"length("name") <= 10 AND length("b") = 16"#),
    ]);
}

#[test]
fn like_and_glob() {
    conditions(&[
        ("name LIKE 'Abc%'", r#"lower("name" COLLATE "C") LIKE 'abc%'"#),
        ("name LIKE '%@%'", r#""name" LIKE '%@%'"#),
        (r#"name LIKE 'a\b'"#, r#"lower("name" COLLATE "C") LIKE E'a\\b' ESCAPE ''"#),
        ("name LIKE '50!%%' ESCAPE '!'", r#""name" LIKE '50!%%' ESCAPE '!'"#),
        (
            "name NOT LIKE status",
            r#"lower("name" COLLATE "C") NOT LIKE lower("status" COLLATE "C") ESCAPE ''"#,
        ),
        ("email LIKE '%@%'", r#""email" COLLATE "C" LIKE '%@%'"#),
        ("n LIKE '1%'", r#""n"::text LIKE '1%'"#),
        ("name GLOB '[0-9]*'", r#""name" ~ '^[0-9]'"#),
        ("name NOT GLOB '*[^a-z]*'", r#""name" !~ '[^a-z]'"#),
        ("email GLOB 'a*'", r#""email" COLLATE "C" ~ '^a'"#),
    ]);
}

#[test]
fn storage_classes() {
    conditions(&[
        ("typeof(n) = 'integer'", r#""n" IS NOT NULL"#),
        ("typeof(n) IN ('integer','null')", "true"),
        ("typeof(name) <> 'text'", r#""name" IS NULL"#),
        ("typeof(price) IN ('integer','real')", r#""price" IS NOT NULL"#),
        ("typeof(name)='text' AND length(name) <= 10", r#""name" IS NOT NULL AND length("name") <= 10"#),
    ]);
}

#[test]
fn times_and_uuids() {
    conditions(&[
        ("d >= '2020-01-01'", r#""d" >= '2020-01-01'::date"#),
        ("ts > '2020-01-01T00:00:00Z'", r#""ts" > '2020-01-01 00:00:00'::timestamp"#),
        ("ms > 1577836800000", r#""ms" > '2020-01-01 00:00:00+00'::timestamptz"#),
        ("d IS date(d)", r#""d" IS NOT DISTINCT FROM "d""#),
        ("strftime('%Y', ts) = '2020'", r#"lpad((extract(year FROM "ts"))::integer::text, 4, '0') = '2020'"#),
        ("CAST(strftime('%Y', ts) AS INTEGER) > 2000", r#"(extract(year FROM "ts"))::integer > 2000"#),
        (
            "u = '550e8400-e29b-41d4-a716-446655440000'",
            r#""u" = '550e8400-e29b-41d4-a716-446655440000'::uuid"#,
        ),
    ]);
}

#[test]
fn json_members() {
    conditions(&[
        (
            "json_extract(data, '$.a.b[0]') = 'x'",
            r#"nullif(jsonb_path_query_first("data", 'strict $."a"."b"[0]', '{}', true), 'null'::jsonb) = '"x"'::jsonb"#,
        ),
        (
            "data ->> 'a' IN ('x', 'y')",
            r#"nullif("data" -> 'a', 'null'::jsonb) IN ('"x"'::jsonb, '"y"'::jsonb)"#,
        ),
        ("json_valid(data)", r#"nullif("data" IS NOT NULL, false)"#),
    ]);
}

#[test]
fn what_is_refused() {
    refused(&[
        ("name", "a text value is used as a number"),
        ("n = 'abc'", "the text 'abc' is used as a number"),
        ("n IN ('a', 'b')", "the text 'a' is used as a number"),
        ("name < 5", "5 is no text value"),
        ("ms > '2020-01-01'", "'2020-01-01' is no timestamptz value"),
        ("d > ''", "'' is no date value"),
        ("name REGEXP 'a'", "REGEXP is an application's own function"),
        ("typeof(price) = 'integer'", "the storage class of the values is not known from the column's type"),
        ("tz < datetime('now')", "a timestamptz value compares differently with a text value"),
        ("(n, m) = (1, 2)", "row values have no equivalent here"),
        ("n IN (SELECT 1)", "subqueries have no equivalent here"),
        ("foo(n) = 1", r#"function "foo" has no equivalent"#),
        ("nosuch = 1", "no column nosuch"),
        ("json_valid(name)", "json_valid() of a text has no equivalent before PostgreSQL 16"),
        ("json_extract(data, '$.a') = 1", "a JSON member compares differently with this value"),
        ("sum(n) > 0", r#"function "sum" has no equivalent"#),
        ("count(*) > 0", "aggregates have no equivalent here"),
        ("name LIKE 'a!' ESCAPE '!'", "the LIKE pattern ends with its escape character"),
        ("price / n", "division of numeric values: SQLite divides whole numbers without a fraction"),
        ("ifnull(name, 0)", "0 is no text value"),
        ("random()", "the expression is not immutable"),
        ("date('now')", "the expression is not immutable"),
        ("data -> 'a'", "the text of a JSON member (->) differs"),
        ("x || 'a'", "the text of a double precision value differs"),
        ("substr(name, n)", "substr() from a computed place that can be negative"),
        ("1; SELECT 2", "the text is not a single expression"),
        ("9223372036854775807 + 1", "a constant is out of the range of bigint"),
    ]);
}

#[test]
fn index_and_generated_expressions() {
    expressions(&[
        ("lower(name)", r#"lower("name" COLLATE "C")"#, TypeClass::Text),
        ("lower(email)", r#"lower("email" COLLATE "C")"#, TypeClass::Text),
        ("upper(name || 'x')", r#"upper(("name" || 'x') COLLATE "C")"#, TypeClass::Text),
        ("substr(name, -3)", r#"right("name", 3)"#, TypeClass::Text),
        ("substr(name, -3, 2)", r#"substr("name", length("name") - 2, 2)"#, TypeClass::Text),
        (
            "substr(name, instr(name,'@')+1)",
            r#"substr("name", (strpos("name", '@') + 1)::integer)"#,
            TypeClass::Text,
        ),
        (
            "substr(name, 1, instr(name,'@')-1)",
            r#"substr("name", 1, CASE WHEN strpos("name", '@') - 1 < 0 THEN 0 ELSE (strpos("name", '@') - 1)::integer END)"#,
            TypeClass::Text,
        ),
        (
            "substr(email, instr(email,'@'))",
            r#"substr("email" COLLATE "C", strpos("email" COLLATE "C", '@')::integer)"#,
            TypeClass::Text,
        ),
        ("substr(b, 2, 3)", r#"substr(nullif("b", ''::bytea), 2, 3)"#, TypeClass::Bytea),
        ("trim(name)", r#"btrim("name")"#, TypeClass::Text),
        ("replace(name, 'a', 'b')", r#"replace("name", 'a', 'b')"#, TypeClass::Text),
        (
            "replace(name, email, 'b')",
            r#"CASE WHEN "email" COLLATE "C" = '' THEN "name" ELSE replace("name", "email" COLLATE "C", 'b') END"#,
            TypeClass::Text,
        ),
        ("replace(name, '', NULL)", r#""name""#, TypeClass::Text),
        (
            "round(x)",
            r#"CASE WHEN abs("x") > 4503599627370496 THEN "x" ELSE trunc("x" + CASE WHEN "x" < 0 THEN -0.5 ELSE 0.5 END) + 0 END"#,
            TypeClass::Float,
        ),
        ("round(n, 2)", r#""n"::double precision"#, TypeClass::Float),
        ("CAST((price * n) AS NUMERIC)", r#""price" * "n""#, TypeClass::Numeric),
        (
            "CAST(name AS INTEGER)",
            r#"CASE WHEN "name" IS NOT NULL THEN least(greatest(coalesce(substring("name" FROM E'^[ \\t\\n\\v\\f\\r]*([+-]?[0-9]+)')::numeric, 0), -9223372036854775808), 9223372036854775807)::bigint END"#,
            TypeClass::Integer,
        ),
        ("CAST(n AS TEXT)", r#""n"::text"#, TypeClass::Text),
        ("CAST(x AS INTEGER)", r#"trunc("x")::bigint"#, TypeClass::Integer),
        ("price / 2.0", r#""price"::double precision / 2.0::double precision"#, TypeClass::Float),
        ("n * 1.5", r#""n"::double precision * 1.5::double precision"#, TypeClass::Float),
        ("coalesce(name, '')", r#"coalesce("name", '')"#, TypeClass::Text),
        (
            "coalesce(ts, '1970-01-01')",
            r#"coalesce("ts", '1970-01-01 00:00:00'::timestamp)"#,
            TypeClass::Timestamp,
        ),
        ("ifnull(n, 0)", r#"coalesce("n", 0)"#, TypeClass::Integer),
        ("nullif(name, '')", r#"nullif("name", '')"#, TypeClass::Text),
        ("date(ts)", r#""ts"::date"#, TypeClass::Date),
        (
            "datetime(ts, '+2 days')",
            r#"date_trunc('second', (CASE WHEN ("ts") + interval '2 days' < timestamp '10000-01-01' THEN ("ts") + interval '2 days' END))"#,
            TypeClass::Timestamp,
        ),
        ("date(ts, '-1 day')", r#"(("ts") + interval '-1 days')::date"#, TypeClass::Date),
        ("date(tz)", r#"("tz" AT TIME ZONE 'UTC')::date"#, TypeClass::Date),
        (
            "date(n, 'unixepoch')",
            r#"(to_timestamp("n"::double precision) AT TIME ZONE 'UTC')::date"#,
            TypeClass::Date,
        ),
        (
            "datetime(n/1000, 'unixepoch')",
            r#"date_trunc('second', (to_timestamp(("n" / 1000)::double precision) AT TIME ZONE 'UTC'))"#,
            TypeClass::Timestamp,
        ),
        (
            "strftime('%Y-%m', ts)",
            r#"lpad((extract(year FROM "ts"))::integer::text, 4, '0') || '-' || lpad((extract(month FROM "ts"))::integer::text, 2, '0')"#,
            TypeClass::Text,
        ),
        (
            "unixepoch(tz)",
            r#"floor(extract(epoch FROM ("tz" AT TIME ZONE 'UTC')))::bigint"#,
            TypeClass::Integer,
        ),
        ("name COLLATE NOCASE", r#"lower("name" COLLATE "C")"#, TypeClass::Text),
        ("json_extract(data, '$.email')", r#"nullif("data" -> 'email', 'null'::jsonb)"#, TypeClass::Jsonb),
        ("max(n, 0)", r#"CASE WHEN "n" IS NOT NULL THEN greatest("n", 0) END"#, TypeClass::Integer),
        ("char(65)", "'A'::text", TypeClass::Text),
        ("hex(b)", r#"coalesce(upper(encode("b", 'hex')), '')"#, TypeClass::Text),
        ("x'00ff'", r#"E'\\x00ff'::bytea"#, TypeClass::Bytea),
        ("60*60*24", "86400", TypeClass::Integer),
        ("~n", r#"~ "n""#, TypeClass::Integer),
    ]);
}

#[test]
fn literal_defaults() {
    defaults(&[
        ("boolean", None, "0", Ok(Some("false"))),
        ("boolean", None, "1", Ok(Some("true"))),
        ("boolean", None, "'t'", Ok(Some("true"))),
        ("boolean", None, "true", Ok(Some("true"))),
        ("boolean", None, "2", Err("2 is no boolean value")),
        ("bigint", None, "'0'", Ok(Some("0"))),
        ("bigint", None, "0x10", Ok(Some("16"))),
        ("bigint", None, "-5", Ok(Some("-5"))),
        ("bigint", None, "1.0", Ok(Some("1"))),
        ("bigint", None, "1.5", Err("1.5 is no bigint value")),
        ("bigint", None, "''", Err("'' is no bigint value")),
        ("bigint", None, "(60*60)", Ok(Some("3600"))),
        ("smallint", None, "40000", Err("40000 is no bigint value")),
        ("text", None, "''", Ok(Some("''"))),
        ("text", None, r#""isbn""#, Ok(Some("'isbn'"))),
        ("text", None, "unquoted", Ok(Some("'unquoted'"))),
        ("text", None, "1", Ok(Some("'1'"))),
        ("text", None, "1.0", Ok(Some("'1.0'"))),
        ("text", None, r#"'a\b''c'"#, Ok(Some(r#"E'a\\b''c'"#))),
        ("text", None, "('a' || 'b')", Ok(Some("'ab'"))),
        ("text", None, "(NULL)", Ok(None)),
        ("varchar(2)", None, "'abc'", Err("the default is longer than character varying(2)")),
        ("date", None, "'2020-01-01'", Ok(Some("'2020-01-01'::date"))),
        (
            "timestamp with time zone",
            Some(Format::UnixEpochMs),
            "1700000000000",
            Ok(Some("'2023-11-14 22:13:20+00'::timestamptz")),
        ),
        (
            "timestamp with time zone",
            None,
            r#""2000-01-01 00:00:00+00:00""#,
            Ok(Some("'2000-01-01 00:00:00+00'::timestamptz")),
        ),
        (
            "timestamp with time zone",
            None,
            "'CURRENT_TIMESTAMP'",
            Err("'CURRENT_TIMESTAMP' is no timestamptz value"),
        ),
        ("date", None, "''", Err("'' is no date value")),
        ("jsonb", None, "'{}'", Ok(Some("'{}'::jsonb"))),
        ("jsonb", None, "''", Err("'' is no jsonb value")),
        ("bytea", None, "x'00FF'", Ok(Some(r#"E'\\x00ff'::bytea"#))),
        ("numeric(10,2)", None, "'1.50'", Ok(Some("1.50"))),
        ("inet", None, "'x'", Err("defaults of type inet are not translated")),
    ]);
}

#[test]
fn defaults_of_the_current_moment() {
    defaults(&[
        ("timestamp with time zone", Some(Format::UnixEpochMs), "CURRENT_TIMESTAMP", Ok(Some("now()"))),
        ("timestamp with time zone", None, "CURRENT_TIMESTAMP", Ok(Some("now()"))),
        ("timestamp without time zone", None, "CURRENT_TIMESTAMP", Ok(Some("(now() AT TIME ZONE 'UTC')"))),
        (
            "text",
            None,
            "CURRENT_TIMESTAMP",
            Ok(Some("to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')")),
        ),
        ("text", None, "CURRENT_DATE", Ok(Some("to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD')"))),
        ("text", None, "current_time", Ok(Some("to_char(now() AT TIME ZONE 'UTC', 'HH24:MI:SS')"))),
        ("date", None, "CURRENT_DATE", Ok(Some("(now() AT TIME ZONE 'UTC')::date"))),
        ("time without time zone", None, "CURRENT_TIME", Ok(Some("(now() AT TIME ZONE 'UTC')::time"))),
        ("bigint", None, "CURRENT_TIMESTAMP", Err("a date or time for a bigint column")),
        (
            "bigint",
            Some(Format::UnixEpoch),
            "CURRENT_TIMESTAMP",
            Ok(Some("floor(extract(epoch FROM now()))::bigint")),
        ),
        (
            "bigint",
            Some(Format::UnixEpochMs),
            "CURRENT_TIMESTAMP",
            Ok(Some("floor(extract(epoch FROM now()) * 1000)::bigint")),
        ),
        (
            "double precision",
            Some(Format::JulianDay),
            "CURRENT_TIMESTAMP",
            Ok(Some("(extract(epoch FROM now()) / 86400.0 + 2440587.5)::double precision")),
        ),
        ("timestamp without time zone", None, "datetime('now')", Ok(Some("(now() AT TIME ZONE 'UTC')"))),
        ("timestamp without time zone", None, "datetime('now','localtime')", Ok(Some("(localtimestamp)"))),
        (
            "text",
            None,
            "(DATETIME('now','localtime'))",
            Ok(Some("to_char(localtimestamp, 'YYYY-MM-DD HH24:MI:SS')")),
        ),
        (
            "timestamp with time zone",
            None,
            "(datetime('now','+7 days'))",
            Ok(Some("(((now() AT TIME ZONE 'UTC') + interval '7 days') AT TIME ZONE 'UTC')")),
        ),
        ("date", None, "(date('now'))", Ok(Some("(now() AT TIME ZONE 'UTC')::date"))),
        (
            "text",
            None,
            "strftime('%Y-%m-%dT%H:%M:%fZ','now')",
            Ok(Some(r#"to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"#)),
        ),
        ("timestamp with time zone", None, "strftime('%Y-%m-%dT%H:%M:%fZ','now')", Ok(Some("now()"))),
        ("bigint", None, "(strftime('%s','now'))", Ok(Some("floor(extract(epoch FROM now()))::bigint"))),
        (
            "bigint",
            None,
            "(CAST(strftime('%s','now') AS INTEGER))",
            Ok(Some("floor(extract(epoch FROM now()))::bigint")),
        ),
        ("text", None, "(strftime('%s','now'))", Ok(Some("floor(extract(epoch FROM now()))::bigint::text"))),
        (
            "bigint",
            None,
            "(strftime('%s','now') * 1000)",
            Ok(Some("(floor(extract(epoch FROM now()))::bigint * 1000)")),
        ),
        (
            "timestamp with time zone",
            Some(Format::UnixEpochMs),
            "(strftime('%s','now') * 1000)",
            Ok(Some("now()")),
        ),
        (
            "timestamp with time zone",
            Some(Format::UnixEpoch),
            "(strftime('%s','now') * 1000)",
            Err("the default's numbers are of another unit than the column's format"),
        ),
        (
            "timestamp without time zone",
            Some(Format::UnixEpoch),
            "(unixepoch())",
            Ok(Some("(now() AT TIME ZONE 'UTC')")),
        ),
        (
            "bigint",
            None,
            "(unixepoch('subsec')*1000)",
            Ok(Some(
                "round((floor(extract(epoch FROM now()) * 1000) / 1000)::double precision * 1000::double precision)::bigint",
            )),
        ),
        (
            "timestamp with time zone",
            Some(Format::UnixEpochMs),
            "(unixepoch('subsec')*1000)",
            Ok(Some("now()")),
        ),
        (
            "timestamp with time zone",
            Some(Format::UnixEpochMs),
            "(CAST((julianday('now') - 2440587.5)*86400000 AS INTEGER))",
            Ok(Some("now()")),
        ),
        (
            "double precision",
            None,
            "(julianday('now'))",
            Ok(Some("(extract(epoch FROM now()) / 86400.0 + 2440587.5)::double precision")),
        ),
        (
            "timestamp with time zone",
            Some(Format::Apple),
            "(strftime('%s','now') - 978307200)",
            Ok(Some("now()")),
        ),
    ]);
}

#[test]
fn random_defaults() {
    defaults(&[
        ("uuid", None, "(lower(hex(randomblob(16))))", Ok(Some("gen_random_uuid()"))),
        ("uuid", None, "(randomblob(16))", Ok(Some("gen_random_uuid()"))),
        (
            "text",
            None,
            "(hex(randomblob(16)))",
            Ok(Some(
                "upper(encode((overlay(uuid_send(gen_random_uuid()) PLACING substr(uuid_send(gen_random_uuid()), 10, 3) FROM 7)), 'hex'))",
            )),
        ),
        (
            "text",
            None,
            "(lower(hex(randomblob(16))))",
            Ok(Some(
                "encode((overlay(uuid_send(gen_random_uuid()) PLACING substr(uuid_send(gen_random_uuid()), 10, 3) FROM 7)), 'hex')",
            )),
        ),
        (
            "text",
            None,
            "lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)),2) || '-' || substr('89ab', abs(random()) % 4 + 1, 1) || substr(hex(randomblob(2)),2) || '-' || hex(randomblob(6)))",
            Ok(Some("gen_random_uuid()::text")),
        ),
        (
            "uuid",
            None,
            "lower(hex(randomblob(4))) || '-' || lower(hex(randomblob(2))) || '-4' || substr(lower(hex(randomblob(2))),2) || '-' || substr('89ab',abs(random()) % 4 + 1, 1) || substr(lower(hex(randomblob(2))),2) || '-' || lower(hex(randomblob(6)))",
            Ok(Some("gen_random_uuid()")),
        ),
        (
            "bytea",
            None,
            "(randomblob(20))",
            Ok(Some(
                "(overlay(uuid_send(gen_random_uuid()) PLACING substr(uuid_send(gen_random_uuid()), 10, 3) FROM 7) || substr(uuid_send(gen_random_uuid()), 1, 4))",
            )),
        ),
        (
            "bigint",
            None,
            "(random())",
            Ok(Some(
                "('x' || encode(substr(overlay(uuid_send(gen_random_uuid()) PLACING substr(uuid_send(gen_random_uuid()), 10, 3) FROM 7), 1, 8), 'hex'))::bit(64)::bigint",
            )),
        ),
    ]);
}

#[test]
fn generated_columns_fit_their_type() {
    let cases = [
        ("price * n", "numeric", Ok(r#""price" * "n""#)),
        ("n > 5", "bigint", Ok(r#"("n" > 5)::integer"#)),
        ("n > 5", "boolean", Ok(r#""n" > 5"#)),
        ("date(ts)", "date", Ok(r#""ts"::date"#)),
        ("n", "text", Ok(r#""n"::text"#)),
        ("1", "boolean", Ok("true")),
        ("name", "bigint", Err("a text expression for a bigint column")),
        ("datetime('now')", "text", Err("the expression is not immutable")),
    ];
    for (sql, pg_type, expected) in cases {
        let got = generated(sql, &scope(), &PgType::parse(pg_type), None).map_err(|e| e.reason);
        assert_eq!(got, expected.map(str::to_string).map_err(str::to_string), "{sql}");
    }
}

#[test]
fn hostile_texts_are_refused_in_time() {
    let deep = [
        "(".repeat(90_000),
        format!("{}1", "NOT ".repeat(20_000)),
        format!("{}1", "- ".repeat(40_000)),
        format!("1{}", "||1".repeat(30_000)),
        format!("lower({}", "lower(".repeat(10_000)),
        format!("{}1", "CASE WHEN ".repeat(9_000)),
        "x".repeat(200_000),
        format!("n IN ({}", "1,".repeat(40_000)),
    ];
    for sql in &deep {
        assert!(expression(sql, &scope()).is_err(), "{}", &sql[..20]);
        assert!(condition(sql, &scope()).is_err());
        assert!(default(sql, &PgType::Text, None, &Timezone::UTC).is_err());
    }
}

/// Every prefix, and every prefix with one odd character after it, of texts that use the whole grammar.
#[test]
fn no_text_panics() {
    let texts = [
        "CASE n WHEN 0x1F THEN 'it''s' ELSE [x y] END IS NOT NULL AND \"q\"\"\" <> x'00ff' /* c */ -- d",
        "name NOT LIKE '50!%' ESCAPE '!' OR n GLOB '[]a-z^]*?' COLLATE NOCASE AND t.`n` ->> '$.a[0].\"b\"'",
        "strftime('%Y-%m-%dT%H:%M:%fZ%', ts, '+1 day') || substr(name, -9223372036854775808, 1e3) IN (1, .5, 5.)",
        "count(DISTINCT n) FILTER (WHERE n) OVER (PARTITION BY n) + round(1.5, 99) % ~n << 64 == é",
    ];
    let scope = scope();
    let types = [PgType::Text, PgType::TIMESTAMP, PgType::Uuid, PgType::Other(String::new())];
    for text in texts {
        for (end, _) in text.char_indices() {
            for odd in ["", "'", "\"", ")", "(", "\0", "\u{1F600}", "x'"] {
                let sql = format!("{}{odd}", &text[..end]);
                let _ = (expression(&sql, &scope), condition(&sql, &scope));
                for pg_type in &types {
                    let _ = default(&sql, pg_type, Some(Format::UnixEpoch), &Timezone::UTC);
                }
            }
        }
    }
}

#[test]
fn the_documentation_lists_every_function() {
    let doc = include_str!("../../../docs/translate.md");
    let table = doc.lines().skip_while(|l| *l != "## Functions");
    let rows: Vec<&str> = table.filter(|l| l.starts_with("| `")).collect();
    for f in function::FUNCTIONS {
        let form = match f.form {
            function::Form::Template(form, _) | function::Form::Made(form, _) => form,
        };
        let row = format!("| `{}` | {} | `{form}` | {} |", f.name, arity(f), f.note);
        assert!(rows.contains(&row.as_str()), "docs/translate.md lacks the row\n{row}");
    }
    assert_eq!(rows.len(), function::FUNCTIONS.len(), "docs/translate.md has rows for unknown functions");
}

#[test]
fn the_documentation_lists_what_only_statements_have() {
    use super::program::{AGGREGATES, FORMS, JSON_FUNCTIONS, WINDOW_FUNCTIONS};
    let doc = include_str!("../../../docs/translate.md");
    let row = |name: &str, min: usize, max: usize, shown: &str, note: &str| {
        format!("| `{name}` | {} | `{shown}` | {note} |", between(min, max))
    };
    let forms = FORMS.iter().map(|f| row(f.name, f.min, f.max, f.shown, f.assumption.unwrap_or_default()));
    let json = JSON_FUNCTIONS.iter().map(|f| row(f.name, f.min, f.max, f.shown, f.note));
    let aggregates = AGGREGATES.iter().map(|a| row(a.name, a.min, a.max, a.shown, a.note));
    for (title, rows) in [
        ("### Aggregates", aggregates.collect::<Vec<_>>()),
        ("### JSON functions", json.collect()),
        ("### Functions of statements only", forms.collect()),
    ] {
        let section = doc.split(title).nth(1).unwrap_or_default().split("\n#").next().unwrap_or_default();
        let found: Vec<&str> = section.lines().filter(|l| l.starts_with("| `")).collect();
        assert_eq!(found, rows, "docs/translate.md, {title}:\n{}", rows.join("\n"));
    }
    let names: Vec<String> = WINDOW_FUNCTIONS.iter().map(|f| format!("`{}`", f.name)).collect();
    assert!(doc.contains(&names.join(", ")), "docs/translate.md lacks {}", names.join(", "));
}

fn arity(f: &function::Function) -> String {
    between(f.min, f.max)
}

fn between(min: usize, max: usize) -> String {
    match (min, max) {
        (min, max) if min == max => min.to_string(),
        (min, max) if max >= 100 => format!("{min} or more"),
        (min, max) => format!("{min} to {max}"),
    }
}
