//! Full text: declarations, MATCH texts in SQLite's query languages, and vectors as the server prints them.

use pg_sqlite_migrate_core::search::config::{Asked, Rule};
use pg_sqlite_migrate_core::search::declared::Declared;
use pg_sqlite_migrate_core::search::query::{self, Syntax};
use pg_sqlite_migrate_core::search::tokenizer::{Tokenizer, Words, named};
use pg_sqlite_migrate_core::search::vector::{Part, Weight, expression, needs};
use pg_sqlite_migrate_core::search::{lexemes, tsquery};
use proptest::prelude::*;
use proptest::sample::select;

use crate::text::near;
use crate::{bounded, cases, sql};

const QUERIES: &[&str] = &[
    "one + \"two three\" * NOT (four OR title : five) AND {title body} : NEAR(six \"seven é\" eight*, 3)",
    "- title : (a b) NOT - {body} : ^c",
    "title:one NEAR/2 \"two* three\" NEAR fo* OR (five AND NOT six) -seven",
    "foo-bar \"it''s\" 東京 \u{301}x",
];

const PIECES: &[&str] = &[
    "AND",
    "OR",
    "NOT",
    "NEAR",
    "NEAR(",
    "NEAR/3",
    "(",
    ")",
    "{",
    "}",
    ":",
    "\"",
    "*",
    "+",
    "-",
    "^",
    ",",
    "title",
    "body",
    "a",
    "é",
    "\u{301}",
    "\0",
    "\u{1a}",
    "'",
    "\\",
    "99999999999",
    "\n",
];

const DECLARATIONS: &[&str] = &[
    "CREATE VIRTUAL TABLE t USING fts5(a, \"b c\" UNINDEXED, content='d', content_rowid=id, tokenize = \"porter unicode61 tokenchars '-_' separators 'x'\", prefix='2 3')",
    "CREATE VIRTUAL TABLE t USING fts4(a TEXT, tokenize=unicode61 \"remove_diacritics=2\" \"tokenchars=.-\", notindexed=a, languageid=\"l\", compress=z, uncompress=u)",
    "CREATE VIRTUAL TABLE t USING fts3(tokenize=simple '' ' .')",
];

const MARKS: &[&str] = &[
    "(", ")", ",", "=", "\"", "'", "[", "]", "`", "fts5", "tokenize", "content", "ascii", "trigram", "é",
    "\0", "--", "/*",
];

proptest! {
    #![proptest_config(cases(4))]

    /// Whatever is read becomes one tsquery; nothing takes long.
    #[test]
    fn a_query(
        text in near(QUERIES, PIECES),
        syntax in select(&[Syntax::Fts5, Syntax::Fts4, Syntax::Standard][..]),
        given in any::<bool>(),
    ) {
        let columns = ["title".to_owned(), "body".to_owned()];
        let columns = given.then_some(&columns[..]);
        let weights: &[Weight] = if given { &[Weight::A, Weight::B] } else { &[] };
        let read = bounded(|| query::parse(&text, syntax, &Words::unicode61(), columns));
        match read.and_then(|node| bounded(|| tsquery::written(&node, weights))) {
            Ok(written) => prop_assert_eq!(written.matches('(').count(), written.matches(')').count(), "{}", written),
            Err(fault) => prop_assert!(fault.of(&text).line > 0),
        }
    }

    /// What a declaration becomes are statements without a way out of their quotes.
    #[test]
    fn a_declaration(text in near(DECLARATIONS, MARKS), utf8 in any::<bool>()) {
        let Ok(declared) = bounded(|| Declared::parse(&text)) else { return Ok(()) };
        let (rule, _) = bounded(|| Rule::of(&declared, Asked::default(), utf8));
        let parts: Vec<Part> = declared.searched().enumerate().map(|(i, c)| Part::column(&c.name, i)).collect();
        if let Some(expression) = expression(&rule, &parts) {
            prop_assert_eq!(sql::flaw(&expression), None, "{}", expression);
        }
        for object in bounded(|| needs(&rule)) {
            prop_assert!(object.name.len() <= 63, "{}", object.name);
        }
    }

    #[test]
    fn words(tokenizer in near(&["unicode61 remove_diacritics 0", "porter ascii"], MARKS), text in ".{0,200}") {
        use pg_sqlite_migrate_core::search::declared::Module;
        for module in [Module::Fts3, Module::Fts5] {
            if let (Tokenizer::Words(words), _) = named(&tokenizer, module) {
                bounded(|| _ = words.of(&text));
            }
        }
        bounded(|| _ = lexemes::tokens(&text));
    }
}
