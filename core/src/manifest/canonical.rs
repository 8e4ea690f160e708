//! One value in its canonical form, hashed: SHA-256 of the form's tag and bytes, the first 16 bytes of it as a number.
//!
//! Nothing is copied: a value's bytes go into the hash where they lie, and a document as it is spelled.

use std::borrow::Cow;
use std::io::{self, Write};

use sha2::{Digest, Sha256};

use super::form::{Form, NULL_TAG};
use crate::value::native::Native;
use crate::verify::back::{
    Document, Meant, Number, Span, Value, print_clock, print_day, print_moment, read_interval, read_json_all,
    read_time,
};

/// Picoseconds, in which times are read.
const MICRO: i128 = 1_000_000;
const SECOND: i128 = 1_000_000 * MICRO;
const DAY: i128 = 86_400 * SECOND;
/// The sign of a double.
const SIGN: u64 = 1 << 63;
/// From 1970-01-01 to 2000-01-01, from which PostgreSQL counts.
const POSTGRES_DAYS: i64 = 10_957;
const POSTGRES_MICROS: i128 = 10_957 * 86_400 * 1_000_000;

/// Bytes of a text that its extremes keep: of 60 characters, whatever they are.
const KEPT: usize = 240;
const CHARACTERS: usize = 60;
const BYTES: usize = 30;

/// What the sums need of a value.
#[derive(Debug, PartialEq)]
pub struct Taken<'a> {
    pub digest: u128,
    /// Bytes after the tag.
    pub length: u64,
    pub is_null: bool,
    /// `None` where the form has no order.
    pub order: Option<Order<'a>>,
}

/// The place of a value among those of its form. Of a text or bytes, the beginning: the beginning of the least value is the
/// least beginning.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Order<'a> {
    Integer(i128),
    /// The bits of a double, turned so that they sort: -0.0 before 0.0, NaN last.
    Double(u64),
    Bytes(Cow<'a, [u8]>),
    /// And how it is shown.
    Number(Vec<u8>, String),
}

/// SHA-256, and how much went in after the tag.
struct Hasher {
    hash: Sha256,
    length: u64,
}

impl Hasher {
    fn new(tag: u8) -> Hasher {
        Hasher { hash: Sha256::new_with_prefix([tag]), length: 0 }
    }

    fn put(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.length += bytes.len() as u64;
    }

    fn taken(self, order: Option<Order<'_>>) -> Taken<'_> {
        Taken { digest: shortened(self.hash), length: self.length, is_null: false, order }
    }
}

impl Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.put(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The first 16 bytes as a number.
fn shortened(hash: Sha256) -> u128 {
    let [high @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _]: [u8; 32] = hash.finalize().into();
    u128::from_be_bytes(high)
}

/// Memory that a value of so many bytes may need before it is hashed: a document is read into its parts, a number into its
/// digits. Texts and bytes are hashed where they lie.
pub fn room(form: Form, bytes: usize) -> usize {
    let factor = match form {
        Form::Text | Form::Character | Form::Bytea => 0,
        Form::Json => 64,
        _ => 8,
    };
    bytes.saturating_mul(factor)
}

/// The digest of a row: of the digests of its values, one after the other.
pub fn row(digests: &[u128]) -> u128 {
    let mut hash = Sha256::new();
    digests.iter().for_each(|digest| hash.update(digest.to_be_bytes()));
    shortened(hash)
}

/// The digest of a table within its file.
pub fn table(name: &str, checksum: u128) -> u128 {
    let hash = Sha256::new().chain_update(name).chain_update([0]).chain_update(checksum.to_be_bytes());
    shortened(hash)
}

pub fn null() -> Taken<'static> {
    Taken { is_null: true, ..Hasher::new(NULL_TAG).taken(None) }
}

/// What a load makes of a cell; `None` where that is not known here, or is nothing that the type holds. A text that the type
/// itself reads goes to [`printed`].
pub fn of_meant<'a>(form: Form, meant: &'a Meant<'_>) -> Option<Taken<'a>> {
    match meant {
        Meant::Null => Some(null()),
        Meant::Value(value) => of_value(form, value),
        Meant::Json(document) => of_document(form, document),
        Meant::Printed(_) | Meant::Unknown | Meant::Invalid => None,
    }
}

/// A value of a database. One that no cell can become is hashed as it is printed, with the tag of that form.
pub fn of_native<'a>(form: Form, native: &'a Native<'_>) -> Taken<'a> {
    let known = match (form, native) {
        (_, Native::Null) => Some(null()),
        (Form::Boolean, Native::Bool(truth)) => Some(of_count(form, (*truth).into())),
        (Form::Integer, Native::Integer(integer)) => Some(of_count(form, (*integer).into())),
        (Form::Double, Native::Float(real)) => Some(of_double(form, *real)),
        (Form::Numeric, Native::Printed(text)) => {
            Number::parse(text).and_then(|number| of_number(form, &number))
        }
        (Form::Text | Form::Character, Native::Text(text) | Native::Printed(text)) => {
            Some(of_text(form, text))
        }
        (Form::Bytea, Native::Bytes(bytes)) => Some(of_bytes(form, bytes)),
        (Form::Uuid, Native::Uuid(bytes)) => Some(of_bytes(form, bytes)),
        (Form::Date, Native::Date(days)) => Some(of_count(form, postgres_day(*days))),
        (Form::Time, Native::Time(micros)) => Some(of_count(form, i128::from(*micros))),
        (Form::Timestamp, Native::Timestamp(micros)) | (Form::TimestampTz, Native::TimestampTz(micros)) => {
            Some(of_count(form, postgres_moment(*micros)))
        }
        (Form::TimeTz, Native::Printed(text)) => {
            read_time(text).and_then(|written| of_offset_clock(form, written.clock?, written.offset?))
        }
        (Form::Interval, Native::Printed(text)) => read_interval(text).and_then(|span| of_span(form, &span)),
        (Form::Json, Native::Printed(text)) => {
            read_json_all(text).and_then(|document| of_document(form, &document))
        }
        (Form::Printed, Native::Text(text) | Native::Printed(text)) => Some(printed(text)),
        _ => None,
    };
    known.unwrap_or_else(|| match native {
        Native::Printed(text) | Native::Text(text) => printed(text),
        other => printed(&format!("{other:?}")),
    })
}

/// A value of a type that has no other form.
pub fn printed(text: &str) -> Taken<'static> {
    let mut hasher = Hasher::new(Form::Printed.tag());
    hasher.put(text.as_bytes());
    hasher.taken(None)
}

fn postgres_day(days: i32) -> i128 {
    match days {
        i32::MAX => i128::MAX,
        i32::MIN => i128::MIN,
        days => (i64::from(days) + POSTGRES_DAYS).into(),
    }
}

fn postgres_moment(micros: i64) -> i128 {
    match micros {
        i64::MAX => i128::MAX,
        i64::MIN => i128::MIN,
        micros => i128::from(micros) + POSTGRES_MICROS,
    }
}

fn of_value<'a>(form: Form, value: &'a Value<'_>) -> Option<Taken<'a>> {
    match value {
        Value::Bool(truth) => Some(of_count(form, (*truth).into())),
        Value::Integer(integer) => Some(of_count(form, (*integer).into())),
        Value::Time(time) if form == Form::Date => Some(of_count(form, time / DAY)),
        Value::Time(time) => Some(of_count(form, time / MICRO)),
        Value::Text(text) => Some(of_text(form, text)),
        Value::Bytes(bytes) => Some(of_bytes(form, bytes)),
        Value::Uuid(bytes) => Some(of_bytes(form, bytes)),
        Value::Double(bits) => Some(of_double(form, f64::from_bits(*bits))),
        Value::Number(number) => of_number(form, number),
        Value::TimeTz(clock, east) => of_offset_clock(form, *clock, *east),
        Value::Span(span) => of_span(form, span),
    }
}

fn of_double(form: Form, real: f64) -> Taken<'static> {
    let bits = if real.is_nan() { f64::NAN.to_bits() } else { real.to_bits() };
    let mut hasher = Hasher::new(form.tag());
    hasher.put(&bits.to_be_bytes());
    hasher.taken(Some(Order::Double(if bits & SIGN == 0 { bits | SIGN } else { !bits })))
}

/// `None` beyond the limits of a numeric.
fn of_number(form: Form, number: &Number) -> Option<Taken<'static>> {
    let shown = plain(number)?;
    let mut hasher = Hasher::new(form.tag());
    hasher.put(shown.as_bytes());
    Some(hasher.taken(Some(Order::Number(number.sortable(), shown))))
}

fn of_offset_clock(form: Form, clock: i128, east: i128) -> Option<Taken<'static>> {
    let mut hasher = Hasher::new(form.tag());
    write!(hasher, "{} {}", clock / MICRO, east / SECOND).ok()?;
    Some(hasher.taken(None))
}

fn of_span(form: Form, Span { months, days, time }: &Span) -> Option<Taken<'static>> {
    let mut hasher = Hasher::new(form.tag());
    write!(hasher, "{months} {days} {}", time / MICRO).ok()?;
    Some(hasher.taken(None))
}

/// Integers, booleans, days and microseconds; the infinities are the ends of the range.
fn of_count(form: Form, count: i128) -> Taken<'static> {
    let mut hasher = Hasher::new(form.tag());
    let written = match count {
        i128::MAX => hasher.write_all(b"infinity"),
        i128::MIN => hasher.write_all(b"-infinity"),
        count => write!(hasher, "{count}"),
    };
    debug_assert!(written.is_ok());
    hasher.taken(Some(Order::Integer(count)))
}

fn of_text(form: Form, text: &str) -> Taken<'_> {
    let text = if form == Form::Character { text.trim_end_matches(' ') } else { text };
    of_bytes(form, text.as_bytes())
}

fn of_bytes(form: Form, bytes: &[u8]) -> Taken<'_> {
    let mut hasher = Hasher::new(form.tag());
    hasher.put(bytes);
    hasher.taken(Some(Order::Bytes(bytes.get(..KEPT).unwrap_or(bytes).into())))
}

fn plain(number: &Number) -> Option<String> {
    match number {
        Number::Finite(number) => number.plain(),
        Number::NaN => Some("NaN".into()),
        Number::Infinity => Some("Infinity".into()),
        Number::NegativeInfinity => Some("-Infinity".into()),
    }
}

fn of_document(form: Form, document: &Document) -> Option<Taken<'static>> {
    let mut hasher = Hasher::new(form.tag());
    spell(document, &mut hasher)?;
    Some(hasher.taken(None))
}

/// Without spaces, keys by their bytes, numbers without exponent and zeros that say nothing, and only those characters
/// escaped that have to be.
fn spell(document: &Document, out: &mut Hasher) -> Option<()> {
    match document {
        Document::Null => out.put(b"null"),
        Document::Bool(truth) => out.put(if *truth { b"true" } else { b"false" }),
        Document::Number(number, _) => out.put(number.plain()?.as_bytes()),
        Document::Text(text) => spell_text(text, out),
        Document::List(items) => {
            out.put(b"[");
            for (at, item) in items.iter().enumerate() {
                out.put(if at == 0 { b"" } else { b"," });
                spell(item, out)?;
            }
            out.put(b"]");
        }
        Document::Object(members) => {
            out.put(b"{");
            for (at, (key, value)) in members.iter().enumerate() {
                out.put(if at == 0 { b"" } else { b"," });
                spell_text(key, out);
                out.put(b":");
                spell(value, out)?;
            }
            out.put(b"}");
        }
    }
    Some(())
}

fn spell_text(text: &str, out: &mut Hasher) {
    out.put(b"\"");
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)) {
        let (plain, after) = rest.split_at(at);
        out.put(plain);
        let Some((special, after)) = after.split_first() else { break };
        match special {
            b'"' => out.put(b"\\\""),
            b'\\' => out.put(b"\\\\"),
            8 => out.put(b"\\b"),
            9 => out.put(b"\\t"),
            10 => out.put(b"\\n"),
            12 => out.put(b"\\f"),
            13 => out.put(b"\\r"),
            other => out.put(format!("\\u{other:04x}").as_bytes()),
        }
        rest = after;
    }
    out.put(rest);
    out.put(b"\"");
}

impl Order<'_> {
    pub fn into_owned(self) -> Order<'static> {
        match self {
            Order::Integer(count) => Order::Integer(count),
            Order::Double(bits) => Order::Double(bits),
            Order::Bytes(bytes) => Order::Bytes(bytes.into_owned().into()),
            Order::Number(key, shown) => Order::Number(key, shown),
        }
    }

    /// For people: a text's first 60 characters, 30 bytes as hexadecimal digits, times as PostgreSQL prints them in ISO style,
    /// in UTC.
    pub fn shown(&self, form: Form) -> String {
        match self {
            Order::Integer(i128::MAX) => "infinity".into(),
            Order::Integer(i128::MIN) => "-infinity".into(),
            Order::Integer(count) => shown_count(form, *count),
            Order::Double(bits) => {
                shown_double(f64::from_bits(if bits & SIGN == 0 { !bits } else { bits ^ SIGN }))
            }
            Order::Number(_, shown) => shown.clone(),
            Order::Bytes(bytes) => shown_bytes(form, bytes),
        }
    }
}

fn shown_count(form: Form, count: i128) -> String {
    let shown = match form {
        Form::Boolean => Some((count != 0).to_string()),
        Form::Date => print_day(count.saturating_mul(DAY)),
        Form::Time => Some(print_clock(count * MICRO)),
        Form::Timestamp | Form::TimestampTz => print_moment(count.saturating_mul(MICRO)),
        _ => None,
    };
    shown.unwrap_or_else(|| count.to_string())
}

fn shown_double(real: f64) -> String {
    let sign = if real == 0.0 && real.is_sign_negative() { "-" } else { "" };
    // Every double is within the limits of a numeric.
    format!("{sign}{}", plain(&Number::of_real(real)).unwrap_or_default())
}

fn shown_bytes(form: Form, bytes: &[u8]) -> String {
    match form {
        Form::Uuid => uuid::Uuid::from_slice(bytes).map(|uuid| uuid.to_string()).unwrap_or_default(),
        Form::Bytea => bytes.iter().take(BYTES).map(|byte| format!("{byte:02x}")).collect(),
        _ => String::from_utf8_lossy(bytes).chars().take(CHARACTERS).collect(),
    }
}
