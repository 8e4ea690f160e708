//! What queries are read as: written for a vector of two columns, or refused with their place.

use super::super::tokenizer::Words;
use super::super::tsquery::written;
use super::super::vector::Weight;
use super::*;

fn query(syntax: Syntax, text: &str) -> Result<String, Fault> {
    let columns = ["title".to_owned(), "body".to_owned()];
    let words = if syntax == Syntax::Fts5 { Words::unicode61() } else { Words::ascii() };
    written(&parse(text, syntax, &words, Some(&columns))?, &[Weight::A, Weight::B])
}

fn reads(syntax: Syntax, cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(query(syntax, text).as_deref(), Ok(*expected), "{text}");
    }
}

fn refuses(syntax: Syntax, cases: &[(&str, FaultKind, &str, usize)]) {
    for (text, kind, reason, at) in cases {
        let fault = query(syntax, text).unwrap_err();
        assert_eq!((fault.kind, fault.at), (*kind, *at), "{text}: {}", fault.reason);
        assert!(fault.reason.contains(reason), "{text}: {}", fault.reason);
    }
}

#[test]
fn fts5_words_phrases_and_operators() {
    reads(
        Syntax::Fts5,
        &[
            ("Crème", "'creme'"),
            ("one two", "('one' & 'two')"),
            ("foo_bar", "('foo' <-> 'bar')"),
            ("\"one \"\"two\"\" three\" *", "('one' <-> 'two' <-> 'three':*)"),
            ("one + two* + \"three four\"", "('one' <-> 'two':* <-> 'three' <-> 'four')"),
            ("a AND b OR c NOT d", "(('a' & 'b') | ('c' & !'d'))"),
            ("a OR b c", "('a' | ('b' & 'c'))"),
            ("a NOT b c", "('a' & !('b' & 'c'))"),
            ("a NOT b NOT c", "('a' & !('b' | 'c'))"),
            ("(a OR b) AND c", "(('a' | 'b') & 'c')"),
            ("and or not near", "(('and' & 'or') & ('not' & 'near'))"),
            ("\"...\" a", "'a'"),
            ("\"...\" AND a", ""),
            ("a NOT \"...\"", "'a'"),
            ("a OR \"\"", "'a'"),
            ("\"\"", ""),
        ],
    );
}

#[test]
fn fts5_columns_are_weights() {
    reads(
        Syntax::Fts5,
        &[
            ("title : one", "'one':A"),
            ("TITLE : one two", "('one':A & 'two')"),
            ("{title body} : one", "'one'"),
            ("- title : on*", "'on':*B"),
            ("- {title body} : one", ""),
            ("body : (\"a b\" OR title : c)", "('a':B <-> 'b':B)"),
            ("title : (a NOT b)", "('a':A & !'b':A)"),
        ],
    );
}

#[test]
fn fts5_near_is_every_arrangement_that_is_near_enough() {
    reads(
        Syntax::Fts5,
        &[
            ("NEAR(a b, 0)", "(('a' <-> 'b') | ('b' <-> 'a'))"),
            ("NEAR(a)", "'a'"),
            ("NEAR(a a, 0)", "('a' | ('a' <-> 'a'))"),
            ("NEAR(\"a b\" c, 0)", "(('a' <-> 'b' <-> 'c') | ('c' <-> 'a' <-> 'b'))"),
            ("NEAR(a \"\" b*, 0)", "(('a' <-> 'b':*) | ('b':* <-> 'a'))"),
            ("NEAR(ab a*, 0)", "(('a':* <-> 'ab') | (('a':* <0> 'ab') | ('ab' <-> 'a':*)))"),
        ],
    );
    refuses(
        Syntax::Fts5,
        &[
            ("NEAR(a b, 200)", FaultKind::Unsupported, "further than", 0),
            ("NEAR(a b c d e, 30)", FaultKind::Unsupported, "arrangements", 0),
            ("NEAR(a b, x)", FaultKind::Syntax, "expected integer, got \"x\"", 10),
            ("near(a b)", FaultKind::Syntax, "syntax error near \"near\"", 0),
        ],
    );
}

/// Each arrangement has every word: few arrangements of many words are as much.
#[test]
fn arrangements_of_many_words_are_refused_before_they_are_made() {
    let (many, long) = ("a ".repeat(8000), "a".repeat(60_000));
    for text in [format!("NEAR(\"{many}\" b, 10)"), format!("NEAR({long} b c, 10)")] {
        refuses(Syntax::Fts5, &[(&text, FaultKind::Unsupported, "too many words", 0)]);
    }
    for text in [format!("\"{many}\" NEAR/10 b"), format!("{long} NEAR/10 b NEAR/10 c NEAR/10 d")] {
        refuses(Syntax::Fts4, &[(&text, FaultKind::Unsupported, "arrangements", 0)]);
    }
    let few = query(Syntax::Fts5, "NEAR(\"a b c d e f g h i j\" k l, 10)").unwrap();
    assert!(few.len() < 1 << 20, "{}", few.len());
}

#[test]
fn what_fts5_refuses_is_refused_at_its_place() {
    refuses(
        Syntax::Fts5,
        &[
            ("", FaultKind::Syntax, "syntax error near \"\"", 0),
            ("one.two", FaultKind::Syntax, "near \".\"", 3),
            ("foo-bar", FaultKind::NoColumn, "no such column: bar", 4),
            ("a AND", FaultKind::Syntax, "near \"\"", 5),
            ("NOT a", FaultKind::Syntax, "near \"NOT\"", 0),
            ("a (b)", FaultKind::Syntax, "near \"a\"", 0),
            ("(a", FaultKind::Syntax, "near \"\"", 2),
            ("a)", FaultKind::Syntax, "near \")\"", 1),
            ("\"a", FaultKind::Syntax, "unterminated", 0),
            ("head : a", FaultKind::NoColumn, "no such column: head", 0),
            ("{} : a", FaultKind::Syntax, "near \"}\"", 1),
            ("a ^b", FaultKind::Unsupported, "first word", 2),
        ],
    );
    let deep = format!("{}a{}", "(".repeat(30_000), ")".repeat(30_000));
    assert_eq!(query(Syntax::Fts5, &deep).unwrap_err().kind, FaultKind::TooLong);
    assert_eq!(query(Syntax::Fts4, &deep).unwrap_err().kind, FaultKind::TooLong);
    assert!(query(Syntax::Fts5, &format!("a{}", " NOT a".repeat(10_000))).is_ok());
    assert_eq!(query(Syntax::Fts5, &"a".repeat(LONGEST + 1)).unwrap_err().kind, FaultKind::TooLong);
}

#[test]
fn fts4_enhanced() {
    reads(
        Syntax::Fts4,
        &[
            ("Linux system-wide", "('linux' & ('system' & 'wide'))"),
            ("lin* OR \"one tw* three\"", "('lin':* | ('one' <-> 'tw':* <-> 'three'))"),
            ("a NOT b AND c OR d", "((('a' & !'b') & 'c') | 'd')"),
            ("a AND (b OR c)", "('a' & ('b' | 'c'))"),
            ("title:a b", "('a':A & 'b')"),
            ("other:a", "('other' & 'a')"),
            ("a NEAR/0 b", "(('a' <-> 'b') | ('b' <-> 'a'))"),
        ],
    );
    let chain = query(Syntax::Fts4, "a NEAR/0 b NEAR/0 a").unwrap();
    for row in ["('a' <-> 'b')", "('a' <-> 'b' <-> 'a')", "('b' <-> 'a')"] {
        assert!(chain.contains(row), "{chain}");
    }
    reads(
        Syntax::Fts4,
        &[("...", ""), ("", ""), ("()", ""), ("ORacle", "'oracle'"), ("a () b", "('a' & 'b')")],
    );
    refuses(
        Syntax::Fts4,
        &[
            ("a AND", FaultKind::Syntax, "operand is missing", 5),
            ("AND a", FaultKind::Syntax, "near \"AND\"", 0),
            ("(a", FaultKind::Syntax, "no \")\"", 2),
            ("a)", FaultKind::Syntax, "no \"(\"", 1),
            ("a NEAR (b OR c)", FaultKind::Syntax, "near", 7),
            ("\"a", FaultKind::Syntax, "unterminated", 0),
            ("a -b", FaultKind::Unsupported, "standard query syntax", 2),
            ("^a", FaultKind::Unsupported, "first word", 0),
            ("\"^a b\"", FaultKind::Unsupported, "first word", 1),
        ],
    );
}

#[test]
fn fts4_standard() {
    reads(
        Syntax::Standard,
        &[
            ("a b OR c", "('a' & ('b' | 'c'))"),
            ("a -b -c", "('a' & !('b' | 'c'))"),
            ("a AND (b)", "('a' & ('and' & 'b'))"),
        ],
    );
    refuses(Syntax::Standard, &[("-a", FaultKind::Syntax, "operand is missing", 2)]);
}

#[test]
fn columns_that_share_a_weight_cannot_be_told_apart() {
    let columns: Vec<String> = ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec();
    let weights: Vec<Weight> = (0..5).map(Weight::of_place).collect();
    let of =
        |text| written(&parse(text, Syntax::Fts5, &Words::unicode61(), Some(&columns)).unwrap(), &weights);
    assert_eq!(of("c : x").unwrap(), "'x':C");
    assert_eq!(of("{d e} : x").unwrap(), "'x':D");
    assert!(of("e : x").unwrap_err().reason.contains("weight D"));
    let without = parse("title : x", Syntax::Fts5, &Words::unicode61(), None).unwrap_err();
    assert_eq!((without.kind, without.at), (FaultKind::Unsupported, 0));
}

#[test]
fn mutilated_queries_never_panic() {
    let text = "{title body} : NEAR(\"é \"\"b\" c* + d, 3) OR -x:y^ NOT (title:\u{301}a NEAR/2 b) \0 z";
    let chars: Vec<char> = text.chars().collect();
    for cut in 0..=chars.len() {
        for extra in ["", "(", ")", "\"", "*", "NEAR/", " NOT ", "^", "-", "{", ":"] {
            let text: String = chars[..cut].iter().collect::<String>() + extra;
            let tail: String = chars.get(cut + 1..).unwrap_or_default().iter().collect();
            for syntax in [Syntax::Fts5, Syntax::Fts4, Syntax::Standard] {
                let _ = (query(syntax, &text), query(syntax, &(text.clone() + &tail)));
            }
        }
    }
}

#[test]
fn places_are_asked_for_by_phrases_near_and_columns() {
    let columns = ["title".to_owned(), "body".to_owned()];
    for (text, places) in [
        ("one two*", false),
        ("one OR (two NOT three)", false),
        ("{title body} : one", false),
        ("\"one\"", false),
        ("\"one two\"", true),
        ("three OR one + two", true),
        ("three NOT NEAR(one two, 3)", true),
        ("title : one", true),
    ] {
        let node = parse(text, Syntax::Fts5, &Words::unicode61(), Some(&columns));
        assert_eq!(node.map(|node| node.asks_for_places(2)), Ok(places), "{text}");
    }
}
