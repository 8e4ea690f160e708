//! Tests that need a server around them: the wrappers of `pg/`, one promise each.
//!
//! Built with the `pg_test` feature only, so that plain `cargo test` needs no server. What a user sees is
//! tested from outside, in tests/e2e.

mod existing;
mod pages;

#[pgrx::pg_schema]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use pgrx::prelude::*;

    use crate::pg::convert::{Converter, SinkColumn};
    use crate::pg::fault::{self, Step};
    use crate::pg::relation_facts::{self, RelationFacts};
    use crate::pg::row_sink::{RowSink, Written};
    use crate::pg::settings::{LocalSettings, SAFE_SEARCH_PATH};
    use crate::pg::thread::{self, Outbox};
    use crate::pg::{indexes, relation, rights, spi, types, xact};
    use pg_sqlite_migrate_core::value::batch::{Batch, Keep, OnInvalid, Origin, RowName};
    use pg_sqlite_migrate_core::value::buffer::Buffer;
    use pg_sqlite_migrate_core::value::{Decoded, Timezone, Wire};

    #[pg_test]
    fn a_failed_attempt_leaves_nothing_and_tells_why() {
        spi::execute("CREATE TABLE public.kept (n int)");
        let outcome = xact::attempt(|| -> Result<(), ()> {
            spi::execute("INSERT INTO public.kept VALUES (1)");
            spi::execute("SELECT 1 / 0");
            Ok(())
        });
        let caught = outcome.expect_err("the division must fail");
        assert_eq!(caught.sqlstate, PgSqlErrorCode::ERRCODE_DIVISION_BY_ZERO);
        assert_eq!(caught.message, "division by zero");
        assert_eq!(spi::value("SELECT count(*) FROM public.kept", &[]), Some(0_i64));
    }

    #[pg_test]
    fn an_attempt_that_returns_an_error_is_rolled_back_too() {
        spi::execute("CREATE TABLE public.kept (n int)");
        let outcome = xact::attempt(|| -> Result<(), &str> {
            spi::execute("INSERT INTO public.kept VALUES (1)");
            Err("no")
        });
        assert_eq!(outcome, Ok(Err("no")));
        assert_eq!(spi::value("SELECT count(*) FROM public.kept", &[]), Some(0_i64));
    }

    #[pg_test(error = "canceled by the user")]
    fn an_attempt_does_not_swallow_a_cancel() {
        let _ = xact::attempt(|| -> Result<(), ()> {
            spi::execute("DO $$ BEGIN RAISE query_canceled USING MESSAGE = 'canceled by the user'; END $$");
            Ok(())
        });
    }

    #[pg_test]
    fn rows_are_read_by_name_and_type() {
        let sql = "SELECT NULL::int AS nothing, 'r'::\"char\" AS kind, 'é'::name AS name, ARRAY['a', NULL] AS list,
                   -5::bigint AS number, '{\"a\": [1, 2]}'::json AS json, $1 AS text, $2 AS oids, 1::smallint AS small";
        let oids = [pg_sys::Oid::from(7), pg_sys::Oid::from(4_000_000_000)];
        let read = spi::row(sql, &["it's".into(), oids.as_slice().into()], |row| {
            assert_eq!(row.get::<Option<i32>>("nothing"), None);
            assert_eq!((row.get("kind"), row.get::<String>("name")), ('r', "é".into()));
            assert_eq!(row.get::<Vec<Option<String>>>("list"), [Some("a".into()), None]);
            assert_eq!((row.get::<i64>("number"), row.get::<i16>("small")), (-5, 1));
            let spi::Json(json) = row.get::<spi::Json<serde_json::Value>>("json");
            assert_eq!(json, serde_json::json!({ "a": [1, 2] }));
            assert_eq!(
                (row.get::<String>("text"), row.get::<Vec<pg_sys::Oid>>("oids")),
                ("it's".into(), oids.to_vec())
            );
        });
        assert_eq!(read, Some(()));
    }

    #[pg_test(error = "internal query failed: column \"n\" is NULL")]
    fn a_null_is_no_value() {
        spi::rows("SELECT NULL::bigint AS n", &[], |row| row.get::<i64>("n"));
    }

    #[pg_test(error = "internal query failed: column \"n\" is of type integer")]
    fn another_type_is_no_value() {
        spi::rows("SELECT 1 AS n", &[], |row| row.get::<i64>("n"));
    }

    #[pg_test(error = "internal query failed: column \"n\" has a value out of range")]
    fn a_negative_count_is_no_value() {
        spi::rows("SELECT -1::bigint AS n", &[], |row| row.get::<u64>("n"));
    }

    #[pg_test(error = "internal query failed: column \"m\" is not in the result")]
    fn a_column_has_its_name() {
        spi::rows("SELECT 1 AS n", &[], |row| row.get::<i32>("m"));
    }

    #[pg_test]
    fn the_kept_plan_of_a_constant_follows_what_it_names() {
        const ROWS: &str = "SELECT count(*) FROM public.kept WHERE n = $1";
        let count = || spi::value::<i64>(ROWS, &[1.into()]);
        spi::execute("CREATE TABLE public.kept (n int)");
        spi::execute("INSERT INTO public.kept VALUES (1)");
        assert_eq!(count(), Some(1));
        spi::execute("DROP TABLE public.kept");
        spi::execute("CREATE TABLE public.kept (n bigint, m text)");
        spi::execute("INSERT INTO public.kept VALUES (1), (1), (2)");
        assert_eq!(count(), Some(2));
    }

    #[pg_test]
    fn the_search_path_is_safe_inside_a_block_and_the_callers_after_it() {
        let shown = || Spi::get_one::<String>("SHOW search_path").ok().flatten();
        let before = shown();
        {
            let _path = LocalSettings::safe_search_path();
            assert_eq!(shown().as_deref(), Some(SAFE_SEARCH_PATH));
        }
        assert_eq!(shown(), before);
    }

    #[pg_test]
    fn a_type_is_spelled_so_that_it_reads_the_same_everywhere() {
        spi::execute("CREATE DOMAIN public.positive AS int CHECK (value > 0)");
        assert_eq!(types::canonical("int8").as_deref(), Some("bigint"));
        assert_eq!(types::canonical("varchar(20)").as_deref(), Some("character varying(20)"));
        assert_eq!(types::canonical("positive").as_deref(), Some("public.positive"));
    }

    #[pg_test]
    fn rights_are_those_of_the_current_role() {
        assert!(rights::may_read_server_files());
        spi::execute("CREATE ROLE nobody_special");
        spi::execute("SET LOCAL ROLE nobody_special");
        assert!(!rights::may_read_server_files());
        assert_eq!(rights::current_role(), "nobody_special");
    }

    #[pg_test]
    fn what_a_job_sends_arrives_in_order_and_its_result_after_it() {
        let mut seen = Vec::new();
        let sum = thread::run_with(
            |mut out: Outbox<'_, u32>| (1..=100).filter(|n| out.send(*n)).sum::<u32>(),
            |n| seen.push(n),
        );
        assert_eq!((sum, seen.len(), seen.last()), (5050, 100, Some(&100)));
    }

    /// Rows (1, '1.5'), (2, 'bad'), (3, '2') for a table of a number and a numeric.
    fn load_numeric(policy: OnInvalid) -> (Result<usize, String>, Option<String>) {
        spi::execute("CREATE TABLE public.prices (id bigint, price numeric)");
        let relation = relation::find("public", "prices").expect("just made");
        let attributes = relation::attributes(relation);
        let wires: Arc<[Wire]> = Arc::from([Wire::Word, Wire::Input]);
        let mut batch = Batch::new(wires.clone());
        for (id, price) in [(1, "1.5"), (2, "bad"), (3, "2")] {
            batch.push(Decoded::Word(id)).unwrap();
            batch.push(Decoded::Input(price.into())).unwrap();
            batch.origins.push(Origin { row: RowName::Rowid(id as i64), values: Buffer::new() });
            batch.end_row();
        }
        batch.seal();
        let column = |policy| SinkColumn { policy, null_values: Default::default(), not_null: false };
        let columns = [column(OnInvalid::Error), column(policy)];
        let mut converter = Converter::new(&attributes, &wires, &columns, &Timezone::UTC);
        let outcome = converter.convert(&mut batch).map(|refused| refused.len()).map_err(|r| r.error.message);
        let mut sink = RowSink::open(relation, &attributes, Written::Plain);
        if outcome.is_ok() {
            sink.insert(&mut batch);
        }
        sink.finish();
        (
            outcome,
            spi::value::<Option<String>>(
                "SELECT string_agg(format('%s=%s', id, price), ' ' ORDER BY id) FROM public.prices",
                &[],
            )
            .flatten(),
        )
    }

    /// Which of the jobs have run: the helper's own, and two more.
    fn together() -> [bool; 3] {
        let ran = [const { AtomicBool::new(false) }; 3];
        thread::run(|| {
            let job = |at: usize| ran[at].store(true, Ordering::Relaxed);
            let others = [1, 2].map(|at| move || job(at));
            thread::together(|| job(0), others.into());
        });
        ran.map(AtomicBool::into_inner)
    }

    #[pg_test]
    fn jobs_run_on_as_many_threads_as_there_are() {
        assert_eq!(together(), [true; 3]);
        for (number, ran) in [(1, [true, false, false]), (2, [true, false, false]), (3, [true, true, false])]
        {
            fault::plan(Step::Thread, number);
            let outcome = together();
            fault::plan(Step::Thread, 0);
            assert_eq!(outcome, ran, "thread {number} cannot be made");
        }
    }

    #[pg_test(error = "an index that is not there")]
    fn a_panic_of_one_of_them_is_an_error() {
        thread::run(|| thread::together(|| (), vec![|| panic!("an index that is not there")]));
    }

    #[pg_test]
    fn a_value_that_the_input_function_refuses_is_an_error() {
        let (outcome, _) = load_numeric(OnInvalid::Error);
        assert_eq!(outcome, Err("invalid input syntax for type numeric: \"bad\"".into()));
    }

    #[pg_test]
    fn or_null() {
        let (outcome, rows) = load_numeric(OnInvalid::Null);
        assert_eq!((outcome, rows.as_deref()), (Ok(0), Some("1=1.5 2= 3=2")));
    }

    #[pg_test]
    fn or_its_row_is_rejected() {
        assert!(Keep::Rows > Keep::Names);
        let (outcome, rows) = load_numeric(OnInvalid::Reject);
        assert_eq!((outcome, rows.as_deref()), (Ok(1), Some("1=1.5 3=2")));
    }

    /// Writes one row, (7), into the columns of `public.target` that are named.
    fn write_sevens(columns: &[&str]) {
        let relation = relation::find("public", "target").expect("just made");
        let all = relation::attributes(relation);
        let attributes: Vec<_> =
            columns.iter().filter_map(|c| all.iter().find(|a| a.name == *c).cloned()).collect();
        let mut batch = Batch::new(vec![Wire::Word; columns.len()].into());
        columns.iter().for_each(|_| batch.push(Decoded::Word(7)).unwrap());
        batch.end_row();
        batch.seal();
        let mut sink = RowSink::open(relation, &attributes, Written::Plain);
        sink.insert(&mut batch);
        sink.finish();
    }

    #[pg_test]
    fn columns_without_values_get_what_an_insert_gives_them() {
        spi::execute(
            "CREATE TABLE public.target (gone int, a bigint, b bigint GENERATED ALWAYS AS IDENTITY, c text DEFAULT 'x',
                 d bigint GENERATED ALWAYS AS (a * 2) STORED, e date DEFAULT current_date, f int)",
        );
        spi::execute("ALTER TABLE public.target DROP COLUMN gone");
        write_sevens(&["a"]);
        let row: Option<String> = spi::value(
            "SELECT (t.*)::text FROM (SELECT a, b, c, d, e = current_date, f FROM public.target) t",
            &[],
        );
        assert_eq!(row.as_deref(), Some("(7,1,x,14,t,)"));
    }

    #[pg_test(error = "new row for relation \"target\" violates check constraint \"odd\"")]
    fn a_check_holds() {
        spi::execute(
            "CREATE TABLE public.target (a bigint, b bigint DEFAULT 2 CONSTRAINT odd CHECK (b % 2 = 1))",
        );
        write_sevens(&["a"]);
    }

    #[pg_test(error = "null value in column \"b\" of relation \"target\" violates not-null constraint")]
    fn a_column_without_value_may_not_be_null() {
        spi::execute("CREATE TABLE public.target (a bigint, b bigint NOT NULL)");
        write_sevens(&["a"]);
    }

    #[pg_test(error = "domain filled does not allow null values")]
    fn nor_may_its_domain() {
        spi::execute("CREATE DOMAIN public.filled AS bigint NOT NULL");
        spi::execute("CREATE TABLE public.target (a bigint, b public.filled)");
        write_sevens(&["a"]);
    }

    #[pg_test]
    fn rebuilt_indexes_are_the_same_and_find_the_rows() {
        spi::execute("CREATE TABLE public.target (a bigint PRIMARY KEY, b bigint)");
        spi::execute("CREATE INDEX \"by B\" ON public.target (b)");
        let indexes = "SELECT string_agg(indexrelid::text, ',' ORDER BY indexrelid) FROM pg_index
                       WHERE indrelid = 'public.target'::regclass";
        let before: Option<String> = spi::value(indexes, &[]);
        write_sevens(&["b", "a"]);
        spi::execute("SET LOCAL enable_seqscan = off");
        let count = "SELECT count(*) FROM public.target WHERE a = 7";
        assert_eq!(spi::value(count, &[]), Some(0_i64));
        assert_eq!(indexes::rebuild(relation::find("public", "target").expect("just made")), 2);
        assert_eq!((spi::value(count, &[]), spi::value(indexes, &[])), (Some(1_i64), before));
    }

    #[pg_test]
    fn the_facts_of_a_relation() {
        spi::execute(
            "CREATE TABLE public.parent (id int PRIMARY KEY);
             CREATE FUNCTION public.highest() RETURNS int LANGUAGE sql AS 'SELECT max(id) FROM public.parent';
             CREATE TABLE public.target (a int DEFAULT public.highest(), b int DEFAULT random() CHECK (b < 5),
                 p int REFERENCES public.parent)",
        );
        let of = |name| {
            relation_facts::read(relation::find("public", name).expect("just made")).expect("it is there")
        };
        let plain = RelationFacts {
            relkind: 'r',
            heap: true,
            owned: true,
            may_insert: true,
            readable_parents: true,
            ..RelationFacts::default()
        };
        assert_eq!(of("parent"), plain);
        assert_eq!(of("target"), RelationFacts { looking_defaults: vec![1], ..plain.clone() });
        spi::execute(
            "CREATE FUNCTION public.noise() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
             CREATE TRIGGER noise BEFORE INSERT ON public.parent FOR EACH ROW EXECUTE FUNCTION public.noise();
             CREATE RULE aside AS ON INSERT TO public.parent DO ALSO SELECT 1;
             ALTER TABLE public.parent ADD CHECK (id <= public.highest()) NOT VALID",
        );
        let busy = RelationFacts { insert_rules: true, insert_triggers: true, looking_checks: true, ..plain };
        assert_eq!(of("parent"), busy);
    }
}
