//! Tests that need a server around them: the wrappers of `pg/`, one promise each.
//!
//! Built with the `pg_test` feature only, so that plain `cargo test` needs no server. What a user sees is
//! tested from outside, in tests/e2e.

#[pgrx::pg_schema]
mod tests {
    use std::sync::Arc;

    use pgrx::prelude::*;

    use crate::pg::convert::{Converter, SinkColumn};
    use crate::pg::heap::HeapSink;
    use crate::pg::settings::{LocalSettings, SAFE_SEARCH_PATH};
    use crate::pg::thread::{self, Outbox};
    use crate::pg::{relation, rights, spi, types, xact};
    use crate::value::batch::{Batch, Keep, OnInvalid, RowName};
    use crate::value::{Decoded, Wire};

    #[pg_test]
    fn a_failed_attempt_leaves_nothing_and_tells_why() {
        spi::execute("CREATE TABLE kept (n int)");
        let outcome = xact::attempt(|| -> Result<(), ()> {
            spi::execute("INSERT INTO kept VALUES (1)");
            spi::execute("SELECT 1 / 0");
            Ok(())
        });
        let caught = outcome.expect_err("the division must fail");
        assert_eq!(caught.sqlstate, PgSqlErrorCode::ERRCODE_DIVISION_BY_ZERO);
        assert_eq!(caught.message, "division by zero");
        assert_eq!(spi::number("SELECT count(*)::text FROM kept", &[]), 0);
    }

    #[pg_test]
    fn an_attempt_that_returns_an_error_is_rolled_back_too() {
        spi::execute("CREATE TABLE kept (n int)");
        let outcome = xact::attempt(|| -> Result<(), &str> {
            spi::execute("INSERT INTO kept VALUES (1)");
            Err("no")
        });
        assert_eq!(outcome, Ok(Err("no")));
        assert_eq!(spi::number("SELECT count(*)::text FROM kept", &[]), 0);
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
        let before = spi::value("SHOW search_path", &[]);
        {
            let _path = LocalSettings::safe_search_path();
            assert_eq!(spi::value("SHOW search_path", &[]).as_deref(), Some(SAFE_SEARCH_PATH));
        }
        assert_eq!(spi::value("SHOW search_path", &[]), before);
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
        let attributes = relation::attributes(relation).expect("a plain table");
        let wires: Arc<[Wire]> = Arc::from([Wire::Word, Wire::Input]);
        let mut batch = Batch::new(wires.clone());
        for (id, price) in [(1, "1.5"), (2, "bad"), (3, "2")] {
            batch.push(Decoded::Word(id));
            batch.push(Decoded::Input(price.into()));
            batch.origins.push((RowName::Rowid(id as i64), serde_json::Value::Null));
            batch.end_row();
        }
        batch.seal();
        let column = |policy| SinkColumn { policy, not_null: false };
        let columns = [column(OnInvalid::Error), column(policy)];
        let mut converter = Converter::new(&attributes, &wires, &columns);
        let outcome = converter.convert(&mut batch).map(|refused| refused.len()).map_err(|r| r.error.message);
        let mut sink = HeapSink::open(relation);
        if outcome.is_ok() {
            sink.insert(&mut batch);
        }
        sink.finish();
        (
            outcome,
            spi::value("SELECT string_agg(format('%s=%s', id, price), ' ' ORDER BY id) FROM prices", &[]),
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

    #[pg_test]
    fn a_table_with_an_index_is_not_written_directly() {
        spi::execute("CREATE TABLE public.indexed (id bigint PRIMARY KEY)");
        let relation = spi::relation("public", "indexed").expect("just made");
        assert_eq!(relation::attributes(relation).err(), Some("it has indexes"));
    }
}
