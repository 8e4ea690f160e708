//! One PostgreSQL value -> one cell of the exported file, exact or refused.

use std::borrow::Cow;

use super::forms::{self, NoForm};
use super::json::{self, Element};
use super::spelling::Spelling;
use super::types::Form;
use crate::value::affinity::Affinity;
use crate::value::datetime::{DAY, SECOND};
use crate::value::encode::{self, Encoder, iso_date, iso_time};
use crate::value::native::Native;
use crate::value::number::{self, Decimal};
use crate::value::{Cell, CellBuf, Decoded, Decoder, Format, PgType, Timezone, text};

/// What to do with a value that has no exact form in its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnInvalid {
    Error,
    Null,
    /// As PostgreSQL spells it.
    Text,
}

/// What a value has become that the file does not hold exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    Null,
    Text,
    Rounded,
    /// Another spelling of the same value.
    Respelled,
}

/// Why a value stops an export. The caller adds table, column and the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    Value(String),
    NoMemory,
}

impl From<NoForm> for Refused {
    fn from(no: NoForm) -> Refused {
        match no {
            NoForm::Reason(reason) => Refused::Value(reason.into()),
            NoForm::NoMemory => Refused::NoMemory,
        }
    }
}

/// How SQLAlchemy spells times.
const SINCE_1970: &str = "0000-00-00 00:00:00.000000";

/// Converts the values of one column.
#[derive(Debug, Clone)]
pub struct Converter {
    form: Form,
    element: Element,
    encoder: Encoder,
    decoder: Decoder,
    format: Option<Format>,
    affinity: Affinity,
    timezone: Timezone,
    spelling: Option<Spelling>,
    on_invalid: OnInvalid,
}

/// What a column is.
#[derive(Debug, Clone)]
pub struct Shape<'a> {
    pub pg_type: &'a PgType,
    pub form: Form,
    pub format: Option<Format>,
    pub affinity: Affinity,
    pub timezone: &'a Timezone,
    pub spelling: Option<&'a Spelling>,
    pub on_invalid: OnInvalid,
}

impl Converter {
    pub fn new(shape: &Shape<'_>) -> Converter {
        let Shape { pg_type, form, format, affinity, timezone, spelling, on_invalid } = *shape;
        let element = match pg_type.base() {
            PgType::Array(element) => Element::of(element),
            _ => Element::String,
        };
        Converter {
            form,
            element,
            encoder: Encoder::new(pg_type, format, affinity, timezone),
            decoder: Decoder::new(pg_type.base(), format, timezone),
            format,
            affinity,
            timezone: timezone.clone(),
            spelling: spelling.cloned(),
            on_invalid,
        }
    }

    /// The cell, and what the value has become in it where that is another value.
    pub fn convert<'a>(&self, value: &'a Native<'_>) -> Result<(CellBuf<'a>, Option<Changed>), Refused> {
        match self.exact(value) {
            Ok(cell) => Ok(cell),
            // An R*Tree makes zero of a NULL, and of a text.
            Err(refused) if matches!(self.form, Form::Coordinate(_)) => Err(refused),
            Err(Refused::Value(_)) if self.on_invalid == OnInvalid::Null => {
                Ok((CellBuf::Null, Some(Changed::Null)))
            }
            Err(refused @ Refused::Value(_)) if self.on_invalid == OnInvalid::Text => {
                let text = spelled(value).map(CellBuf::Text);
                // SQLite makes a number of some texts.
                match text.filter(|text| self.affinity.stored(text.as_cell()).as_ref() == Some(text)) {
                    Some(text) => Ok((text, Some(Changed::Text))),
                    None => Err(refused),
                }
            }
            Err(refused) => Err(refused),
        }
    }

    fn exact<'a>(&self, value: &'a Native<'_>) -> Result<(CellBuf<'a>, Option<Changed>), Refused> {
        let can_be_spelled =
            !matches!((self.form, value), (Form::Coordinate(_) | Form::Since1970, _) | (_, Native::Null));
        match &self.spelling {
            Some(spelling) if can_be_spelled => self.spelled(spelling, value),
            _ => self.plain(value),
        }
    }

    /// As it is by default.
    fn plain<'a>(&self, value: &'a Native<'_>) -> Result<(CellBuf<'a>, Option<Changed>), Refused> {
        let kept = |cell| Ok((cell, None));
        let blob = |bytes| Ok((CellBuf::Blob(Cow::Owned(bytes)), None));
        match (self.form, value) {
            (Form::Coordinate(rounding), value) => {
                let (cell, changed) = forms::coordinate::coordinate(value, rounding)?;
                Ok((cell, changed.then_some(Changed::Rounded)))
            }
            (_, Native::Null) => kept(CellBuf::Null),
            (Form::TextOfBytes, Native::Bytes(bytes)) => {
                let text = std::str::from_utf8(bytes).ok().map(|text| CellBuf::Text(Cow::Borrowed(text)));
                let text = text.filter(|text| self.affinity.stored(text.as_cell()).as_ref() == Some(text));
                kept(text.unwrap_or(CellBuf::Blob(Cow::Borrowed(bytes))))
            }
            // As the number that the text is of, where the column makes a number of the text anyway.
            (Form::Value, Native::Text(text)) if let Some(number) = self.number(text) => kept(number),
            (Form::UuidBlob, Native::Uuid(bytes)) => kept(CellBuf::Blob(Cow::Borrowed(bytes))),
            (Form::NearestReal, Native::Printed(printed)) => nearest(printed),
            (Form::Iso8601, Native::Printed(printed)) => {
                kept(CellBuf::text(forms::interval::iso8601(printed)?))
            }
            (Form::Units, Native::Printed(printed)) => {
                let format = self.format.unwrap_or(Format::Microseconds);
                kept(forms::interval::number(printed, format)?)
            }
            (Form::Since1970, Native::Printed(printed)) => {
                let moment = Native::Timestamp(forms::interval::since_1970(printed)?);
                self.since_1970(&moment)
            }
            (Form::Pairs, Native::Printed(printed)) => kept(CellBuf::text(forms::hstore::json(printed)?)),
            (Form::JsonB, Native::Printed(printed)) => blob(forms::jsonb::jsonb(printed)?),
            (Form::Floats, Native::Printed(printed)) => blob(forms::vector::blob(printed)?),
            (Form::Ewkb, Native::Printed(printed)) => blob(forms::geometry::ewkb(printed)?),
            (Form::GeoPackage, Native::Printed(printed)) => blob(forms::geopackage::blob(printed)?),
            (Form::Wkb, Native::Printed(printed)) => blob(forms::geometry::wkb(printed)?),
            (Form::Array, Native::Printed(printed)) => self.array(printed).map(|cell| (cell, None)),
            (Form::Printed, Native::Printed(text) | Native::Text(text)) => {
                kept(CellBuf::Text(Cow::Borrowed(text)))
            }
            (Form::Value, value) => match self.encoder.encode(value) {
                Ok(cell) => kept(cell),
                Err(encode::Refusal::NoMemory(_)) => Err(Refused::NoMemory),
                Err(refusal) => Err(Refused::Value(refusal.to_string())),
            },
            _ => Err(Refused::Value("the column's form does not hold it".into())),
        }
    }

    /// In the column's spelling, if that holds the value, and as it is by default if not.
    fn spelled<'a>(
        &self,
        spelling: &Spelling,
        value: &'a Native<'_>,
    ) -> Result<(CellBuf<'a>, Option<Changed>), Refused> {
        let is_read_back = |text: &String| match (value, self.decoder.decode(Cell::Text(text.as_bytes()))) {
            (Native::Timestamp(i) | Native::TimestampTz(i), Ok(Decoded::Word(word))) => *i as u64 == word,
            (Native::Uuid(uuid), Ok(Decoded::Uuid(read))) => *uuid == read,
            // A span is spelled only where it reads back.
            (Native::Printed(_), Ok(_)) => true,
            _ => false,
        };
        let is_kept = |text: &String| {
            let cell = CellBuf::Text(Cow::Borrowed(text));
            self.affinity.stored(cell.as_cell()).as_ref() == Some(&cell)
        };
        match spelling.spell(value, &self.timezone).filter(is_read_back).filter(is_kept) {
            Some(text) => Ok((CellBuf::text(text), None)),
            None => self.plain(value).map(|(cell, changed)| (cell, changed.or(Some(Changed::Respelled)))),
        }
    }

    /// As the column spells times, or as SQLAlchemy does.
    fn since_1970(&self, moment: &Native<'_>) -> Result<(CellBuf<'static>, Option<Changed>), Refused> {
        let of_column = self.spelling.as_ref().and_then(|spelling| spelling.spell(moment, &Timezone::UTC));
        let respelled = of_column.is_none() && self.spelling.is_some();
        let by_default = || Spelling::parse(SINCE_1970)?.spell(moment, &Timezone::UTC);
        match of_column.or_else(by_default) {
            Some(text) => Ok((CellBuf::text(text), respelled.then_some(Changed::Respelled))),
            None => Err(Refused::Value("a text has no such time".into())),
        }
    }

    /// A text of a column with a numeric affinity.
    fn number(&self, text: &str) -> Option<CellBuf<'static>> {
        if matches!(self.affinity, Affinity::Text | Affinity::Blob) {
            return None;
        }
        if let Some(integer) = number::canonical_integer(text.as_bytes()) {
            return Some(CellBuf::Integer(integer)).filter(|_| self.affinity != Affinity::Real);
        }
        let real: f64 = text.parse().ok().filter(|real: &f64| real.is_finite())?;
        (text::real_text(real) == text).then_some(CellBuf::Real(real))
    }

    /// An array is kept if its JSON reads back as it.
    fn array(&self, printed: &str) -> Result<CellBuf<'static>, Refused> {
        let bounds = || Refused::Value("a JSON array cannot say where its indexes begin".into());
        let json = json::array(printed, self.element).map_err(|_| Refused::NoMemory)?.ok_or_else(bounds)?;
        // `true` is `t`, which a decoder leaves as it is written.
        if self.element == Element::Boolean {
            return Ok(CellBuf::text(json));
        }
        let read =
            |text: &str| self.decoder.decode(Cell::Text(text.as_bytes())).map(|read| format!("{read:?}"));
        match (read(&json), read(printed)) {
            (Ok(back), Ok(meant)) if back == meant => Ok(CellBuf::text(json)),
            _ => Err(Refused::Value("a JSON array would be read as another value".into())),
        }
    }
}

fn nearest(printed: &str) -> Result<(CellBuf<'static>, Option<Changed>), Refused> {
    let value: f64 = match printed.parse() {
        Ok(value) if !f64::is_nan(value) => value,
        _ => return Err(Refused::Value(encode::Refusal::NotANumber.to_string())),
    };
    let is_same = value.is_infinite() && printed.ends_with("Infinity")
        || Decimal::of_real(value).is_some_and(|read| Some(read) == Decimal::parse(printed.as_bytes()));
    Ok((CellBuf::Real(value), (!is_same).then_some(Changed::Rounded)))
}

/// A value that does not fit, as PostgreSQL spells it with its default settings.
pub fn spelled<'a>(value: &'a Native<'_>) -> Option<Cow<'a, str>> {
    Some(match value {
        Native::Float(f) if f.is_nan() => "NaN".into(),
        Native::Float(f) => f.to_string().into(),
        Native::Integer(i) => i.to_string().into(),
        Native::Bool(b) => b.to_string().into(),
        Native::Text(text) | Native::Printed(text) => Cow::Borrowed(text),
        Native::Date(i32::MAX) | Native::Timestamp(i64::MAX) | Native::TimestampTz(i64::MAX) => {
            "infinity".into()
        }
        Native::Date(i32::MIN) | Native::Timestamp(i64::MIN) | Native::TimestampTz(i64::MIN) => {
            "-infinity".into()
        }
        Native::Date(day) => calendar(i64::from(*day), "").into(),
        Native::Time(time) => clock(*time).into(),
        Native::Timestamp(wall) => moment(*wall, "").into(),
        Native::TimestampTz(instant) => moment(*instant, "+00").into(),
        Native::Uuid(bytes) => ::uuid::Uuid::from_bytes(*bytes).hyphenated().to_string().into(),
        Native::Null | Native::Bytes(_) => return None,
    })
}

fn moment(micros: i64, zone: &str) -> String {
    calendar(micros.div_euclid(DAY), &format!(" {}{zone}", clock(micros.rem_euclid(DAY))))
}

/// PostgreSQL prints no zeros at the end of a fraction.
fn clock(time: i64) -> String {
    let text = iso_time(time);
    if time.rem_euclid(SECOND) == 0 { text } else { text.trim_end_matches('0').to_string() }
}

/// `0044-03-15 BC`: years have four digits at least, and the era is last.
fn calendar(day: i64, rest: &str) -> String {
    // The calendar repeats itself every 400 years; the years from 2000 on have an ISO form.
    const ERA: i64 = 146_097;
    let within = i32::try_from(day.rem_euclid(ERA)).unwrap_or_default();
    let iso = iso_date(within).unwrap_or_default();
    let (year, of_year) = iso.split_once('-').unwrap_or((&iso, ""));
    let year = year.parse::<i64>().unwrap_or_default() + 400 * day.div_euclid(ERA);
    match year {
        1.. => format!("{year:04}-{of_year}{rest}"),
        _ => format!("{:04}-{of_year}{rest} BC", 1 - year),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_iso_form_is_spelled_as_postgresql_does() {
        for (value, expected) in [
            (Native::Date(i32::MAX), "infinity"),
            (Native::Date(0), "2000-01-01"),
            (Native::Date(-730_119), "0001-01-01"),
            (Native::Date(-730_120), "0001-12-31 BC"),
            (Native::Date(2_921_940), "10000-01-01"),
            (Native::Timestamp(2_921_940 * DAY + 500_000), "10000-01-01 00:00:00.5"),
            (Native::TimestampTz(-730_120 * DAY), "0001-12-31 00:00:00+00 BC"),
            (Native::Float(f64::NAN), "NaN"),
        ] {
            assert_eq!(spelled(&value).unwrap(), expected);
        }
    }

    #[test]
    fn rounding_is_told() {
        for (printed, value, changed) in [
            ("0.1", 0.1, None),
            ("12.00", 12.0, None),
            ("12345678901234567890.12", 12345678901234567890.12, Some(Changed::Rounded)),
            ("Infinity", f64::INFINITY, None),
            ("-Infinity", f64::NEG_INFINITY, None),
        ] {
            assert_eq!(nearest(printed), Ok((CellBuf::Real(value), changed)), "{printed}");
        }
        assert!(nearest("NaN").is_err());
    }
}
