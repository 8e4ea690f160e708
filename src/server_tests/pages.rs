//! Pages: tuples are the server's own, and a step that fails leaves nothing.

#[pgrx::pg_schema]
mod tests {
    use pgrx::prelude::*;

    use crate::pg::fault::{self, Step};
    use crate::pg::page_file::delays_checkpoints;
    use crate::pg::{spi, xact};

    /// One reader, and two that share each table.
    const PLANS: [&str; 2] = ["", r#", "readers": 2, "profile": "none""#];

    /// The steps that fail by an error; a reader panics.
    const ERRORS: [Step; 3] = [Step::Log, Step::Extend, Step::Thread];

    /// Imports a file of two tables, one of them with values that are moved out of their rows.
    fn import(path: &str, plan: &str) -> Result<Result<(), ()>, xact::Caught> {
        xact::attempt(|| {
            spi::execute(&format!(
                "SELECT sqlite_import('{path}', '{{\"loader\": \"pages\", \"schema\": \"p\"{plan}}}')"
            ));
            Ok(())
        })
    }

    /// A file that goes with its test, however that ends.
    struct File(std::path::PathBuf);

    impl File {
        fn path(&self) -> &str {
            self.0.to_str().expect("a temporary path")
        }
    }

    impl Drop for File {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    fn two_tables() -> File {
        let path = std::env::temp_dir().join(format!("pages_{}.db", std::process::id()));
        let rows_of =
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO";
        let script = format!(
            "CREATE TABLE t (a INTEGER, b TEXT); {rows_of} t SELECT i, 'text ' || i FROM n;
             CREATE TABLE u (a INTEGER, b BLOB); {rows_of} u SELECT i, CASE WHEN i % 1000 = 0 THEN randomblob(9000) END FROM n"
        );
        let made = rusqlite::Connection::open(&path).and_then(|file| file.execute_batch(&script));
        made.expect("a new file");
        File(path)
    }

    fn rows() -> Option<i64> {
        spi::value("SELECT (SELECT count(*) FROM p.t) + (SELECT count(*) FROM p.u)", &[])
    }

    #[pg_test]
    fn a_step_that_fails_leaves_nothing_and_the_next_load_is_whole() {
        let made = two_tables();
        let file = made.path();
        let mut failed = std::collections::HashSet::new();
        for (step, plan) in ERRORS.iter().flat_map(|step| PLANS.map(|plan| (*step, plan))) {
            for number in [1, 2, 3, 4, 5, 8, 13, 40, 100, 170] {
                fault::plan(step, number);
                let outcome = import(file, plan);
                fault::plan(step, 0);
                assert!(!delays_checkpoints(), "{step:?} {number}");
                match outcome {
                    Err(caught) => {
                        assert_ne!(step, Step::Thread, "without a thread the load runs in the backend");
                        assert!(caught.message.ends_with("was made to fail"), "{}", caught.message);
                        failed.insert((step as usize, plan));
                        assert_eq!(spi::value("SELECT to_regclass('p.t') IS NULL", &[]), Some(true));
                    }
                    Ok(_) => {
                        assert_eq!(rows(), Some(40_000), "{step:?} {number}");
                        spi::execute("DROP SCHEMA p CASCADE");
                    }
                }
            }
        }
        assert_eq!(
            failed.len(),
            PLANS.len() * (ERRORS.len() - 1),
            "every step but that of threads has failed"
        );
        assert_eq!(import(file, ""), Ok(Ok(())));
        assert_eq!(rows(), Some(40_000));
    }

    #[pg_test(error = "Read was made to fail")]
    fn a_reader_that_panics_ends_the_load_of_all() {
        fault::plan(Step::Read, 2);
        let file = two_tables();
        let _ = import(file.path(), PLANS[1]);
    }
}
