//! Pages: tuples are the server's own, and a step that fails leaves nothing.

#[pgrx::pg_schema]
mod tests {
    use pgrx::prelude::*;

    use crate::pg::fault::{self, STEPS, Step};
    use crate::pg::page_file::delays_checkpoints;
    use crate::pg::{spi, xact};

    /// Imports a file of two tables, one of them with values that are moved out of their rows.
    fn import(path: &str) -> Result<Result<(), ()>, xact::Caught> {
        xact::attempt(|| {
            spi::execute(&format!(
                "SELECT sqlite_import('{path}', '{{\"loader\": \"pages\", \"schema\": \"p\"}}')"
            ));
            Ok(())
        })
    }

    fn rows() -> Option<i64> {
        spi::value("SELECT (SELECT count(*) FROM p.t) + (SELECT count(*) FROM p.u)", &[])
    }

    #[pg_test]
    fn a_step_that_fails_leaves_nothing_and_the_next_load_is_whole() {
        let path = std::env::temp_dir().join(format!("pages_{}.db", std::process::id()));
        let rows_of =
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO";
        let script = format!(
            "CREATE TABLE t (a INTEGER, b TEXT); {rows_of} t SELECT i, 'text ' || i FROM n;
             CREATE TABLE u (a INTEGER, b BLOB); {rows_of} u SELECT i, CASE WHEN i % 1000 = 0 THEN randomblob(9000) END FROM n"
        );
        let made = rusqlite::Connection::open(&path).and_then(|file| file.execute_batch(&script));
        made.expect("a new file");
        let file = path.to_str().expect("a temporary path");
        for step in STEPS {
            for number in [1, 2, 3, 5, 8, 13, 40, 100, 170] {
                fault::plan(step, number);
                let outcome = import(file);
                fault::plan(step, 0);
                assert!(!delays_checkpoints(), "{step:?} {number}");
                match outcome {
                    Err(caught) => {
                        assert_ne!(step, Step::Thread, "without a thread the load runs in the backend");
                        assert!(caught.message.ends_with("was made to fail"), "{}", caught.message);
                        assert_eq!(spi::value("SELECT to_regclass('p.t') IS NULL", &[]), Some(true));
                    }
                    Ok(_) => {
                        assert_eq!(rows(), Some(40_000), "{step:?} {number}");
                        spi::execute("DROP SCHEMA p CASCADE");
                    }
                }
            }
        }
        assert_eq!(import(file), Ok(Ok(())));
        assert_eq!(rows(), Some(40_000));
        std::fs::remove_file(path).expect("the file made above");
    }
}
