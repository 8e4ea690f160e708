//! Tests that need a server around them: the wrappers of `pg/`, one promise each.
//!
//! Built with the `pg_test` feature only, so that plain `cargo test` needs no server. What a user sees is
//! tested from outside, in tests/e2e.

mod target;

#[pgrx::pg_schema]
mod tests {
    use std::sync::Arc;

    use pgrx::prelude::*;

    use crate::pg::convert::{Converter, SinkColumn};
    use crate::pg::heap::HeapSink;
    use crate::pg::settings::{LocalSettings, SAFE_SEARCH_PATH};
    use crate::pg::standing::{self, Standing};
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
        assert_eq!(spi::number("SELECT count(*)::text FROM public.kept", &[]), 0);
    }

    #[pg_test]
    fn an_attempt_that_returns_an_error_is_rolled_back_too() {
        spi::execute("CREATE TABLE public.kept (n int)");
        let outcome = xact::attempt(|| -> Result<(), &str> {
            spi::execute("INSERT INTO public.kept VALUES (1)");
            Err("no")
        });
        assert_eq!(outcome, Ok(Err("no")));
        assert_eq!(spi::number("SELECT count(*)::text FROM public.kept", &[]), 0);
    }

    #[pg_test(error = "canceled by the user")]
    fn an_attempt_does_not_swallow_a_cancel() {
        let _ = xact::attempt(|| -> Result<(), ()> {
            spi::execute("DO $$ BEGIN RAISE query_canceled USING MESSAGE = 'canceled by the user'; END $$");
            Ok(())
        });
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
        let relation = spi::relation("public", "prices").expect("just made");
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
        let column = |policy| SinkColumn { policy, not_null: false };
        let columns = [column(OnInvalid::Error), column(policy)];
        let mut converter = Converter::new(&attributes, &wires, &columns, &Timezone::UTC);
        let outcome = converter.convert(&mut batch).map(|refused| refused.len()).map_err(|r| r.error.message);
        let mut sink = HeapSink::open(relation, &attributes);
        if outcome.is_ok() {
            sink.insert(&mut batch);
        }
        sink.finish();
        (
            outcome,
            spi::value(
                "SELECT string_agg(format('%s=%s', id, price), ' ' ORDER BY id) FROM public.prices",
                &[],
            ),
        )
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
        let relation = spi::relation("public", "target").expect("just made");
        let all = relation::attributes(relation);
        let attributes: Vec<_> =
            columns.iter().filter_map(|c| all.iter().find(|a| a.name == *c).cloned()).collect();
        let mut batch = Batch::new(vec![Wire::Word; columns.len()].into());
        columns.iter().for_each(|_| batch.push(Decoded::Word(7)).unwrap());
        batch.end_row();
        batch.seal();
        let mut sink = HeapSink::open(relation, &attributes);
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
        let row = spi::value(
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
        let before = spi::value(indexes, &[]);
        write_sevens(&["b", "a"]);
        spi::execute("SET LOCAL enable_seqscan = off");
        let count = "SELECT count(*)::text FROM public.target WHERE a = 7";
        assert_eq!(spi::number(count, &[]), 0);
        assert_eq!(indexes::rebuild(spi::relation("public", "target").expect("just made")), 2);
        assert_eq!((spi::number(count, &[]), spi::value(indexes, &[])), (1, before));
    }

    #[pg_test]
    fn the_standing_of_a_relation() {
        spi::execute(
            "CREATE TABLE public.parent (id int PRIMARY KEY);
             CREATE FUNCTION public.highest() RETURNS int LANGUAGE sql AS 'SELECT max(id) FROM public.parent';
             CREATE TABLE public.target (a int DEFAULT public.highest(), b int DEFAULT random() CHECK (b < 5),
                 p int REFERENCES public.parent)",
        );
        let of = |name| {
            standing::standing(spi::relation("public", name).expect("just made")).expect("it is there")
        };
        let plain = Standing {
            relkind: 'r',
            heap: true,
            owned: true,
            may_insert: true,
            readable_parents: true,
            ..Standing::default()
        };
        assert_eq!(of("parent"), plain);
        assert_eq!(of("target"), Standing { looking_defaults: vec![1], ..plain.clone() });
        spi::execute(
            "CREATE FUNCTION public.noise() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
             CREATE TRIGGER noise BEFORE INSERT ON public.parent FOR EACH ROW EXECUTE FUNCTION public.noise();
             CREATE RULE aside AS ON INSERT TO public.parent DO ALSO SELECT 1;
             ALTER TABLE public.parent ADD CHECK (id <= public.highest()) NOT VALID",
        );
        let busy = Standing { insert_rules: true, insert_triggers: true, looking_checks: true, ..plain };
        assert_eq!(of("parent"), busy);
    }
}
