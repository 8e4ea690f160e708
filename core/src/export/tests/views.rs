//! Views that are carried over, and those that are not.

use super::*;

#[test]
fn views_are_carried_over_where_they_have_the_same_rows() {
    let tables = |query: &str, columns: Vec<Column>| {
        let person = table(
            1,
            "person",
            vec![column("id", "integer"), column("name", "text"), column("seen", "timestamptz")],
        );
        let orders = table(2, "orders", vec![column("person", "integer"), column("total", "numeric(9,2)")]);
        let view = Table { kind: TableKind::View, query: Some(query.into()), ..table(3, "v", columns) };
        vec![person, orders, view]
    };
    let of = |query: &str, columns: &[(&str, &str)]| {
        let columns = columns.iter().map(|(name, of)| column(name, of)).collect();
        let (made, told) = exported(tables(query, columns));
        made.into_iter().find(|sql| sql.starts_with("CREATE VIEW")).ok_or_else(|| told.join("; "))
    };
    for (query, columns, expected) in [
        (
            " SELECT person.id,\n    person.seen\n   FROM public.person\n  WHERE (person.id > 1);",
            &[("id", "integer"), ("seen", "timestamptz")][..],
            "CREATE VIEW \"v\" (\"id\", \"seen\") AS SELECT \"person\".\"id\" AS \"id\", \"person\".\"seen\" AS \"seen\" FROM \"person\" AS \"person\" WHERE (\"person\".\"id\" > 1)",
        ),
        (
            " SELECT p.name AS \"Name\",\n    count(o.total) AS n\n   FROM (public.person p\n     LEFT JOIN public.orders o ON ((o.person = p.id)))\n  GROUP BY p.name\n HAVING (count(*) > 1);",
            &[("Name", "text"), ("n", "bigint")],
            "CREATE VIEW \"v\" (\"Name\", \"n\") AS SELECT \"p\".\"name\" AS \"Name\", count(\"o\".\"total\") AS \"n\" FROM (\"person\" AS \"p\" LEFT JOIN \"orders\" AS \"o\" ON (\"o\".\"person\" = \"p\".\"id\")) GROUP BY \"p\".\"name\" HAVING (count(*) > 1)",
        ),
        (
            " SELECT DISTINCT id\n   FROM public.person\n  ORDER BY id DESC;",
            &[("id", "integer")],
            "CREATE VIEW \"v\" (\"id\") AS SELECT DISTINCT \"person\".\"id\" AS \"id\" FROM \"person\" AS \"person\" ORDER BY \"person\".\"id\" DESC NULLS FIRST",
        ),
        (
            " SELECT person.id\n   FROM public.person\nUNION ALL\n SELECT orders.person AS id\n   FROM public.orders;",
            &[("id", "integer")],
            "CREATE VIEW \"v\" (\"id\") AS SELECT \"person\".\"id\" AS \"id\" FROM \"person\" AS \"person\" UNION ALL SELECT \"orders\".\"person\" AS \"id\" FROM \"orders\" AS \"orders\"",
        ),
    ] {
        assert_eq!(of(query, columns).as_deref(), Ok(expected), "{query}");
    }
    let one = &[("a", "integer")][..];
    for (query, reason) in [
        ("SELECT avg(total) AS a FROM public.orders", "function avg()"),
        ("SELECT sum(total) AS a FROM public.orders", "sum() of anything but integers"),
        ("SELECT id AS a FROM public.person LIMIT 1", "LIMIT"),
        ("SELECT id AS a FROM public.person ORDER BY name", "rules of a language"),
        ("SELECT id AS a FROM public.person WHERE (seen > seen)", "compares otherwise"),
        ("SELECT id AS a FROM public.gone", "public.gone, which is not in the file"),
        ("SELECT id AS a FROM other.person", "other.person, which is not in the file"),
        ("SELECT id AS a FROM (SELECT person.id FROM public.person) q", "subqueries"),
        ("SELECT (SELECT 1) AS a FROM public.person", "not carried over"),
        ("WITH x AS (SELECT 1) SELECT 1 AS a FROM x", "no SELECT of tables"),
        ("SELECT row_number() OVER (ORDER BY id) AS a FROM public.person", "function row_number()"),
        ("SELECT count(*) FILTER (WHERE (id > 0)) AS a FROM public.person", "not understood"),
        ("SELECT count(*) OVER () AS a FROM public.person", "not understood"),
        ("SELECT DISTINCT seen AS a FROM public.person", "compares otherwise"),
        (
            "SELECT p.id AS a FROM (public.person p FULL JOIN public.orders o ON ((o.person = p.id)))",
            "a join of this kind",
        ),
        ("SELECT id AS a FROM public.person EXCEPT SELECT 1", "EXCEPT"),
        (
            "SELECT id AS a FROM public.person UNION SELECT person AS a FROM public.orders ORDER BY 1",
            "not carried over",
        ),
        ("SELECT p.id AS a FROM public.person p, generate_series(1, 2) g(g)", "FROM"),
        ("SELECT ((id)::numeric / 3.0) AS a FROM public.person", "operator /"),
        ("SELECT id AS a FROM ONLY public.person", "FROM"),
        ("SELECT NULL::integer AS a", "another form"),
        (
            "SELECT id AS a FROM public.person UNION (SELECT id FROM public.person UNION SELECT id FROM public.person)",
            "no SELECT of tables",
        ),
        (
            "(SELECT id AS a FROM public.person ORDER BY id) UNION SELECT id FROM public.person",
            "order of a UNION",
        ),
    ] {
        let refused = of(query, one).unwrap_err();
        assert!(refused.contains(reason), "{query}: {refused}");
    }
}
