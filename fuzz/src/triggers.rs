//! CREATE TRIGGER, which becomes a function and a trigger of PostgreSQL.

use pg_sqlite_migrate_core::translate::program::trigger::{Asked, Definition, trigger};
use proptest::prelude::*;

use crate::statements::schema;
use crate::text::near;
use crate::{bounded, cases};

const WORDS: &[&str] = &[
    "CREATE TRIGGER",
    "BEFORE",
    "AFTER",
    "INSTEAD OF",
    "INSERT ON t",
    "UPDATE OF name ON",
    "DELETE ON u",
    "WHEN",
    "BEGIN",
    "END",
    ";",
    "NEW.id",
    "OLD.name",
    "NEW.",
    "new.rowid",
    "RAISE(ABORT, 'no')",
    "RAISE(IGNORE)",
    "RAISE(FAIL,",
    "SELECT",
    "CASE WHEN",
    "THEN",
    "ELSE",
    "iif(",
    "coalesce(",
    ")",
    "(",
    ",",
    "FROM t",
    "WHERE",
    "GROUP BY id",
    "HAVING count(*) > 1",
    "LIMIT 1",
    "EXISTS",
    "(SELECT",
    "INSERT INTO t (name) VALUES ('a')",
    "UPDATE u SET name =",
    "DELETE FROM t WHERE id =",
    "INSERT OR REPLACE INTO",
    "ON CONFLICT DO NOTHING",
    "NULL",
    "1",
    "'a'",
    "x'00'",
    "$trigger$",
    "\u{1}",
    "\0",
    "--",
    "/*",
];

const EXAMPLES: &[&str] = &[
    "CREATE TRIGGER g AFTER UPDATE OF name, at ON t WHEN NEW.name <> OLD.name BEGIN UPDATE t SET made = 5 WHERE id = NEW.id; END",
    "CREATE TRIGGER g BEFORE INSERT ON t BEGIN SELECT CASE WHEN (SELECT id FROM u WHERE id = NEW.id) IS NULL THEN RAISE(ABORT, 'no u') END; END",
    "CREATE TRIGGER g DELETE ON u BEGIN DELETE FROM t WHERE id = OLD.id; INSERT INTO w (name) SELECT OLD.name FROM t WHERE id > OLD.id; END",
    "CREATE TRIGGER g BEFORE DELETE ON t BEGIN SELECT RAISE(IGNORE) FROM u WHERE u.id = OLD.id GROUP BY u.id HAVING count(*) > 1; END",
    "CREATE TRIGGER g BEFORE UPDATE ON t BEGIN SELECT iif(NEW.ok, RAISE(FAIL, 'ok'), 0), coalesce(NEW.name, RAISE(ROLLBACK, 'null')); END",
    "CREATE TRIGGER g AFTER INSERT ON t BEGIN UPDATE u SET price = 2.5, name = 'a $trigger$ ''b' WHERE id = NEW.rowid; END",
];

proptest! {
    #![proptest_config(cases(4))]

    #[test]
    fn a_definition(text in near(EXAMPLES, WORDS)) {
        let schema = schema();
        for unfinished in [false, true] {
            let asked = Asked { unfinished, running: Some("sqlite_trigger.g".into()), ..Asked::default() };
            let made = bounded(|| Definition::read(&text).and_then(|read| trigger(&text, &read, &schema, &asked)));
            match made {
                Ok(made) => {
                    let body = made.body.unwrap_or_default();
                    prop_assert!(!body.contains('\u{1}'), "{}", body)
                },
                Err(refusal) => prop_assert!(!refusal.reason.is_empty()),
            }
        }
    }
}

#[test]
fn the_examples_are_translated() {
    let schema = schema();
    for text in EXAMPLES {
        let read = Definition::read(text).unwrap_or_else(|e| panic!("{text}: {}", e.reason));
        trigger(text, &read, &schema, &Asked::default()).unwrap_or_else(|e| panic!("{text}: {}", e.reason));
    }
}

#[test]
fn deep_and_long_definitions_are_refused() {
    for repeated in ["NOT ", "(", "CASE WHEN 1 THEN ", "(SELECT ", "1+"] {
        let text = format!(
            "CREATE TRIGGER g AFTER INSERT ON t WHEN {}1 BEGIN SELECT 1; END",
            repeated.repeat(20_000)
        );
        assert!(bounded(|| Definition::read(&text)).is_err(), "{repeated}");
    }
    let text = format!("CREATE TRIGGER g AFTER INSERT ON t BEGIN {} END", "SELECT 1;".repeat(5_000));
    assert_eq!(bounded(|| Definition::read(&text)).unwrap_err().reason, "it has too many statements");
}
