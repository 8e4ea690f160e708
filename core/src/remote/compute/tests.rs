use super::*;
use crate::remote::ParameterForm;
use crate::remote::{Type, canonical};
use crate::value::InvalidValue;
use crate::value::native::Native;

fn call(name: &str, args: &[Cell<'static>]) -> Result<CellBuf<'static>, &'static str> {
    let function = FUNCTIONS
        .iter()
        .find(|f| f.name == name && f.arity == args.len() as i32)
        .unwrap_or_else(|| panic!("{name}"));
    function.call(args).map(|cell| cell.try_into_owned().unwrap()).map_err(|fault| fault.sqlstate)
}

fn text(text: &'static str) -> Cell<'static> {
    Cell::Text(text.as_bytes())
}

use Cell::{Integer as I, Null, Real as R};

#[test]
fn names_and_arities_are_unique() {
    for (at, function) in FUNCTIONS.iter().enumerate() {
        assert!(FUNCTIONS[at + 1..].iter().all(|f| (f.name, f.arity) != (function.name, function.arity)));
    }
}

#[test]
fn every_function_is_strict_and_survives_any_argument() {
    for function in FUNCTIONS {
        let arity = function.arity as usize;
        assert_eq!(function.call(&vec![Null; arity]), Ok(CellBuf::Null));
        for cell in [I(i64::MIN), R(f64::NAN), text("é\\"), Cell::Blob(b"\xFF"), Cell::Text(b"\xFF\0")] {
            let _ = function.call(&vec![cell; arity]);
        }
    }
}

#[test]
fn integers_stay_in_range() {
    for (name, args, answer) in [
        ("pg_int2", vec![I(32767)], Ok(32767)),
        ("pg_int2", vec![I(32768)], Err("22003")),
        ("pg_int4", vec![I(-2147483649)], Err("22003")),
        ("pg_int4", vec![R(1e19)], Err("22003")),
        ("pg_add", vec![I(i64::MAX), I(1)], Err("22003")),
        ("pg_sub", vec![I(i64::MIN), I(1)], Err("22003")),
        ("pg_sub", vec![I(0), I(i64::MIN)], Err("22003")),
        ("pg_mul", vec![I(i64::MIN), I(-1)], Err("22003")),
        ("pg_div", vec![I(-7), I(2)], Ok(-3)),
        ("pg_div", vec![I(i64::MIN), I(-1)], Err("22003")),
        ("pg_div", vec![I(1), I(0)], Err("22012")),
        ("pg_mod", vec![I(-7), I(3)], Ok(-1)),
        ("pg_mod", vec![I(i64::MIN), I(-1)], Ok(0)),
        ("pg_mod", vec![I(1), I(0)], Err("22012")),
        ("pg_abs", vec![I(i64::MIN)], Err("22003")),
        ("pg_limit", vec![I(-1)], Err("2201W")),
        ("pg_offset", vec![I(-1)], Err("2201X")),
    ] {
        assert_eq!(call(name, &args), answer.map(CellBuf::Integer), "{name} {args:?}");
    }
}

#[test]
fn doubles_neither_overflow_nor_underflow_silently() {
    let nan = || CellBuf::text("NaN");
    for (name, args, answer) in [
        ("pg_float8_add", vec![R(1e308), R(1e308)], Err("22003")),
        ("pg_float8_add", vec![R(f64::INFINITY), R(1.0)], Ok(CellBuf::Real(f64::INFINITY))),
        ("pg_float8_sub", vec![R(f64::INFINITY), R(f64::INFINITY)], Ok(nan())),
        ("pg_float8_mul", vec![R(1e-300), R(1e-300)], Err("22003")),
        ("pg_float8_mul", vec![R(0.0), R(5.0)], Ok(CellBuf::Real(0.0))),
        ("pg_float8_div", vec![R(1.0), R(0.0)], Err("22012")),
        ("pg_float8_div", vec![R(f64::INFINITY), R(0.0)], Err("22012")),
        ("pg_float8_div", vec![text("NaN"), R(0.0)], Ok(nan())),
        ("pg_float8_div", vec![R(1.0), R(f64::INFINITY)], Ok(CellBuf::Real(0.0))),
        ("pg_float8_neg", vec![text("NaN")], Ok(nan())),
        ("pg_float8", vec![text("0.30000000000000004")], Ok(CellBuf::Real(0.1 + 0.2))),
        ("pg_float8", vec![text("inf")], Ok(CellBuf::Real(f64::INFINITY))),
    ] {
        assert_eq!(call(name, &args), answer, "{name} {args:?}");
    }
}

#[test]
fn texts_are_taken_apart_by_characters() {
    let s = |text: &'static str| Ok(CellBuf::Text(text.into()));
    let n = |n| Ok(CellBuf::Integer(n));
    for (name, args, answer) in [
        ("pg_length", vec![text("é€x")], n(3)),
        ("pg_length", vec![Cell::Text(b"a\0b")], Err("22021")),
        ("pg_substr", vec![text("é€xyz"), I(2)], s("€xyz")),
        ("pg_substr", vec![text("abc"), I(-1)], s("abc")),
        ("pg_substr", vec![text("abc"), I(-1), I(3)], s("a")),
        ("pg_substr", vec![text("abc"), I(0), I(1)], s("")),
        ("pg_substr", vec![text("abc"), I(-5), I(2)], s("")),
        ("pg_substr", vec![text("abc"), I(2), I(2147483647)], s("bc")),
        ("pg_substr", vec![text("abc"), I(5), I(1)], s("")),
        ("pg_substr", vec![text("abc"), I(1), I(-1)], Err("22011")),
        ("pg_left", vec![text("é€x"), I(2)], s("é€")),
        ("pg_left", vec![text("é€x"), I(-1)], s("é€")),
        ("pg_left", vec![text("é€x"), I(-9)], s("")),
        ("pg_right", vec![text("é€x"), I(2)], s("€x")),
        ("pg_right", vec![text("é€x"), I(-1)], s("€x")),
        ("pg_right", vec![text("abc"), I(9)], s("abc")),
        ("pg_right", vec![text("abc"), I(-2147483648)], s("")),
        ("pg_strpos", vec![text("é€x"), text("x")], n(3)),
        ("pg_strpos", vec![text("abc"), text("")], n(1)),
        ("pg_strpos", vec![text("abc"), text("d")], n(0)),
        ("pg_starts_with", vec![text("abc"), text("")], n(1)),
        ("pg_reverse", vec![text("aé€")], s("€éa")),
    ] {
        assert_eq!(call(name, &args), answer, "{name} {args:?}");
    }
}

#[test]
fn like_matches_as_like_match_c() {
    for (subject, pattern, answer) in [
        ("abc", "abc", Ok(1)),
        ("abc", "ABC", Ok(0)),
        ("abc", "a%", Ok(1)),
        ("abc", "%", Ok(1)),
        ("", "%", Ok(1)),
        ("", "%%", Ok(1)),
        ("", "", Ok(1)),
        ("", "_", Ok(0)),
        ("é", "_", Ok(1)),
        ("é€", "_%_", Ok(1)),
        ("é", "_%_", Ok(0)),
        ("aab", "%ab", Ok(1)),
        ("abab", "a%b_", Ok(0)),
        ("ababc", "%ab_", Ok(1)),
        ("mississippi", "%iss%ip%", Ok(1)),
        ("mississippi", "%iss%iss%iss%", Ok(0)),
        ("a%c", "a\\%c", Ok(1)),
        ("abc", "a\\%c", Ok(0)),
        ("abc", "\\a\\b\\c", Ok(1)),
        ("a\\c", "a\\\\c", Ok(1)),
        ("abc", "abc\\", Ok(0)),
        ("abcd", "abc\\", Err("22025")),
        ("abd", "abc\\", Ok(0)),
        ("", "\\", Ok(0)),
        ("", "%\\", Ok(0)),
        ("a", "%\\", Err("22025")),
        ("a", "%_\\", Err("22025")),
        ("a", "a%\\", Ok(0)),
        ("a", "a%%", Ok(1)),
        ("a", "a%_", Ok(0)),
        ("abc", "%c\\", Ok(0)),
        ("x\u{10FFFF}y", "x_y", Ok(1)),
    ] {
        let found = call("pg_like", &[text(subject), text(pattern)]);
        assert_eq!(found, answer.map(CellBuf::Integer), "{subject} LIKE {pattern}");
    }
    let (long, many) = ("a".repeat(20_000), "%a".repeat(5_000));
    let found = FUNCTIONS.iter().find(|f| f.name == "pg_like").unwrap();
    let args = [Cell::Text(long.as_bytes()), Cell::Text(many.as_bytes())];
    assert_eq!(found.call(&args), Ok(CellBuf::Integer(1)), "no recursion");
}

#[test]
fn totals_are_exact_beyond_64_bits() {
    let mut total = Total::default();
    assert_eq!(AGGREGATES[0].finish(&total), CellBuf::Null);
    for cell in [I(i64::MAX), I(i64::MAX), Null] {
        total.add(cell).unwrap();
    }
    assert_eq!(AGGREGATES[0].finish(&total), CellBuf::text("18446744073709551614"));
    assert_eq!(AGGREGATES[1].finish(&total), CellBuf::text("18446744073709551614/2"));
    assert!(total.add(R(1.0)).is_err());
}

#[test]
fn rules_are_read_as_they_are_written() {
    for written in [
        "boolean",
        "character varying(3);on_invalid=null",
        "timestamp(3) without time zone;format=unixepoch_ms;on_invalid=null;timezone=Europe/Berlin",
        "timestamp with time zone;timezone=-03:30",
    ] {
        assert_eq!(Rule::parse(written).map(|rule| rule.to_string()).as_deref(), Some(written));
    }
    for wrong in ["", "numeric", "boolean;x", "boolean;format=x", "json", "boolean;on_invalid=text"] {
        assert!(Rule::parse(wrong).is_none(), "{wrong}");
    }
}

#[test]
fn cells_become_canonical_or_say_why_not() {
    let canonical = |rule: &str, cell| {
        Rule::parse(rule).unwrap().canonical(cell).map(|cell| cell.try_into_owned().unwrap())
    };
    for (rule, cell, expected) in [
        ("boolean", text("yes"), Ok(CellBuf::Integer(1))),
        ("boolean", I(2), Err(InvalidValue::Unreadable("value is not a boolean"))),
        ("boolean;on_invalid=null", I(2), Ok(CellBuf::Null)),
        ("bigint", text("12"), Ok(CellBuf::Integer(12))),
        ("double precision", I(3), Ok(CellBuf::Real(3.0))),
        ("double precision", text("nan"), Ok(CellBuf::text("NaN"))),
        ("real", R(0.5), Ok(CellBuf::Real(0.5))),
        ("text", I(5), Ok(CellBuf::text("5"))),
        ("text", Cell::Text(b"\xFF"), Err(InvalidValue::InvalidUtf8)),
        ("bytea", text("a"), Ok(CellBuf::Blob(b"a".as_slice().into()))),
        (
            "uuid",
            text("ABABABABABABABABABABABABABABABAB"),
            Ok(CellBuf::text("abababab-abab-abab-abab-abababababab")),
        ),
        ("date", text("1999-12-31"), Ok(CellBuf::Integer(-1))),
        ("bigint", Null, Ok(CellBuf::Null)),
    ] {
        assert_eq!(canonical(rule, cell), expected, "{rule} {cell:?}");
    }
}

#[test]
fn parameters_take_the_form_that_is_asked_for() {
    use ParameterForm::*;
    let tz = Native::TimestampTz;
    for (form, value, cell) in [
        (Canonical, tz(-1), CellBuf::Integer(-1)),
        (UnixSeconds, tz(0), CellBuf::Integer(946_684_800)),
        (UnixSeconds, tz(1), CellBuf::Real(946_684_800.5)),
        (UnixSeconds, tz(-1), CellBuf::Real(946_684_799.5)),
        (UnixMilliseconds, tz(1000), CellBuf::Integer(946_684_800_001)),
        (UnixMicroseconds, tz(1), CellBuf::Integer(946_684_800_000_001)),
        (UnixMicroseconds, tz(i64::MAX - 1), CellBuf::Real(9_224_318_721_654_775_806.0)),
        (UnixSeconds, tz(i64::MAX), CellBuf::Real(f64::INFINITY)),
        (UnixSeconds, tz(i64::MIN), CellBuf::Real(f64::NEG_INFINITY)),
        (UnixSeconds, Native::Null, CellBuf::Null),
        (IsoDayFrom, Native::Date(0), CellBuf::text("1999-12-30")),
        (IsoDayTo, tz(-1), CellBuf::text("2000-01-03")),
        (IsoDayTo, tz(i64::MAX), CellBuf::text(":")),
        (IsoDayFrom, Native::Date(i32::MIN), CellBuf::text("")),
        (Limit, Native::Null, CellBuf::Integer(-1)),
        (Offset, Native::Null, CellBuf::Integer(0)),
        (Limit, Native::Integer(0), CellBuf::Integer(0)),
        (JsonArray, Native::Text("[1]".into()), CellBuf::text("[1]")),
    ] {
        assert_eq!(canonical::parameter(Type::TimestampTz, form, &value), Ok(cell), "{form:?} {value:?}");
    }
    let fault = |form| canonical::parameter(Type::Int8, form, &Native::Integer(-1)).unwrap_err().sqlstate;
    assert_eq!((fault(Limit), fault(Offset)), ("2201W", "2201X"));
}

#[test]
fn arrays_are_sent_as_the_functions_read_them() {
    let floats =
        [Native::Float(0.1), Native::Float(f64::NAN), Native::Float(f64::NEG_INFINITY), Native::Null];
    assert_eq!(canonical::json_array(floats).unwrap().as_deref(), Some(r#"["0.1","NaN","-inf",null]"#));
    let bytes = [Native::Bytes(vec![1, 0xff].into())];
    assert_eq!(canonical::json_array(bytes).unwrap().as_deref(), Some(r#"["01ff"]"#));
    assert_eq!(canonical::json_array([Native::Printed("1".into())]), Ok(None));
}
