//! What PostgreSQL compares of a converted value: values with equal images are equal keys. Pure.
//!
//! Of a type whose equality is not known here, the text that its input function gets is the image: values that it reads
//! alike from different texts stay apart.

use std::borrow::Cow;

use super::encoding::TextReading;
use super::number::{canonical_numeric, nan_or_real};
use super::{Cell, CellBuf, Decoded, Decoder, Excess, PgType, ValueList};

/// Makes the images of one column.
#[derive(Debug, Clone)]
pub struct Image {
    pub texts: TextReading,
    pub decoder: Decoder,
    pub null_values: ValueList,
    pub excess: Excess,
    pub form: Form,
}

/// How values of a type are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As they are decoded.
    Plain,
    Float4,
    Float8,
    Bytes,
    /// Whatever the number of digits.
    Number,
    /// Whatever the case of ASCII letters.
    LowerAscii,
    /// Whatever the case, as `lower()` has it.
    Lower,
    /// Whatever the case, as a collation has it.
    Folded,
}

impl Form {
    pub fn of(pg_type: &PgType) -> Form {
        match pg_type.base() {
            PgType::Float4 => Form::Float4,
            PgType::Float8 => Form::Float8,
            PgType::Bytea => Form::Bytes,
            PgType::Numeric(_) => Form::Number,
            _ => Form::Plain,
        }
    }
}

impl Image {
    /// The same with case, for who compares by a collation.
    pub fn unfolded(self, pg_type: &PgType) -> Image {
        Image { form: Form::of(pg_type), ..self }
    }

    /// NULL for a value that becomes NULL, and for one that does not fit.
    pub fn of<'a>(&self, cell: Cell<'a>) -> CellBuf<'a> {
        self.loaded(cell).unwrap_or(CellBuf::Null)
    }

    /// `None` for a value that does not fit.
    pub fn loaded<'a>(&self, cell: Cell<'a>) -> Option<CellBuf<'a>> {
        match self.texts.read(cell) {
            Some(text) => self.of_read(Cell::Text(&text)).map(owned),
            None => self.of_read(cell),
        }
    }

    /// The value as it is read, or NULL where it becomes that.
    pub fn read<'a>(&self, cell: Cell<'a>) -> CellBuf<'a> {
        if self.of(cell) == CellBuf::Null {
            return CellBuf::Null;
        }
        match (self.texts.read(cell), cell) {
            (Some(text), _) => String::from_utf8(text).map_or(CellBuf::Null, CellBuf::text),
            (None, Cell::Null) => CellBuf::Null,
            (None, Cell::Integer(n)) => CellBuf::Integer(n),
            (None, Cell::Real(n)) => CellBuf::Real(n),
            (None, Cell::Text(bytes)) => {
                std::str::from_utf8(bytes).map_or(CellBuf::Null, |text| CellBuf::Text(Cow::Borrowed(text)))
            }
            (None, Cell::Blob(bytes)) => CellBuf::Blob(Cow::Borrowed(bytes)),
        }
    }

    fn of_read<'a>(&self, cell: Cell<'a>) -> Option<CellBuf<'a>> {
        match self.decoder.decode(cell) {
            Ok(decoded) => Some(self.of_decoded(decoded)),
            Err(_) if self.null_values.holds(cell) => Some(CellBuf::Null),
            Err(_) => Some(self.of_decoded(self.decoder.decode_without(cell, self.excess)?)),
        }
    }

    fn of_decoded<'a>(&self, decoded: Decoded<'a>) -> CellBuf<'a> {
        match decoded {
            Decoded::Null => CellBuf::Null,
            Decoded::Word(word) => match self.form {
                Form::Float4 => nan_or_real(f64::from(f32::from_bits(word as u32))),
                Form::Float8 => nan_or_real(f64::from_bits(word)),
                _ => CellBuf::Integer(word as i64),
            },
            Decoded::Uuid(bytes) => CellBuf::Blob(Cow::Owned(bytes.to_vec())),
            Decoded::Varlena(bytes) if self.form == Form::Bytes => CellBuf::Blob(bytes),
            Decoded::Varlena(Cow::Borrowed(bytes)) => match std::str::from_utf8(bytes) {
                Ok(text) => self.of_text(Cow::Borrowed(text)),
                Err(_) => self.of_bytes(Cow::Borrowed(bytes)),
            },
            Decoded::Varlena(Cow::Owned(bytes)) => match String::from_utf8(bytes) {
                Ok(text) => self.of_text(Cow::Owned(text)),
                Err(error) => self.of_bytes(Cow::Owned(error.into_bytes())),
            },
            Decoded::Input(text) => self.of_text(text),
        }
    }

    /// A text that is not UTF-8, of a database without encoding.
    fn of_bytes<'a>(&self, bytes: Cow<'a, [u8]>) -> CellBuf<'a> {
        match self.form {
            Form::LowerAscii | Form::Lower | Form::Folded => {
                CellBuf::Blob(Cow::Owned(bytes.to_ascii_lowercase()))
            }
            _ => CellBuf::Blob(bytes),
        }
    }

    fn of_text<'a>(&self, text: Cow<'a, str>) -> CellBuf<'a> {
        match self.form {
            Form::Number => match canonical_numeric(&text) {
                Some(number) => CellBuf::text(number),
                None => CellBuf::Text(text),
            },
            Form::LowerAscii => CellBuf::text(text.to_ascii_lowercase()),
            // Letter by letter: a letter whose small form are several has none for PostgreSQL.
            Form::Lower => CellBuf::text(text.chars().map(lowered).collect::<String>()),
            // Some capitals have no small letter of their own, and 'ß' becomes "SS".
            Form::Folded => CellBuf::text(text.to_lowercase().to_uppercase()),
            _ => CellBuf::Text(text),
        }
    }
}

fn owned(image: CellBuf<'_>) -> CellBuf<'static> {
    match image {
        CellBuf::Text(text) => CellBuf::text(text.into_owned()),
        CellBuf::Blob(bytes) => CellBuf::Blob(Cow::Owned(bytes.into_owned())),
        CellBuf::Integer(n) => CellBuf::Integer(n),
        CellBuf::Real(n) => CellBuf::Real(n),
        CellBuf::Null => CellBuf::Null,
    }
}

fn lowered(letter: char) -> char {
    let mut small = letter.to_lowercase();
    small.next().filter(|_| small.next().is_none()).unwrap_or(letter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Timezone;
    use crate::value::encoding::Nul;

    fn image(pg_type: &str) -> Image {
        let pg_type = PgType::parse(pg_type);
        let decoder = Decoder::new(&pg_type, None, &Timezone::UTC);
        let form = Form::of(&pg_type);
        let texts = TextReading::default();
        Image { texts, decoder, null_values: ValueList::default(), excess: Excess::Error, form }
    }

    #[test]
    fn spellings_of_one_value_have_one_image() {
        let text = |text: &'static str| Cell::Text(text.as_bytes());
        for (pg_type, one, other) in [
            ("timestamptz", text("2024-01-01 00:00:00Z"), text("2024-01-01T01:00:00+01:00")),
            ("timestamp", text("2024-01-01"), text("2024-01-01 00:00")),
            ("date", text("2024-01-01"), text("2024-01-01 00:00:00")),
            (
                "uuid",
                text("3f2504e0-4f89-41d3-9a0c-0305e82c3301"),
                text("{3F2504E04F8941D39A0C0305E82C3301}"),
            ),
            ("numeric", text("1.50"), Cell::Real(1.5)),
            ("numeric", text("-0.0"), Cell::Integer(0)),
            ("numeric", text("1e2"), Cell::Integer(100)),
            ("double precision", text("2.50"), Cell::Real(2.5)),
            ("double precision", Cell::Real(-0.0), Cell::Real(0.0)),
            ("double precision", text("NaN"), text("nan")),
            ("boolean", text("TRUE"), Cell::Integer(1)),
            ("bigint", text("7"), Cell::Integer(7)),
            ("text", text("7"), Cell::Integer(7)),
            ("bytea", text("ab"), Cell::Blob(b"ab")),
        ] {
            let image = image(pg_type);
            assert_eq!(image.of(one), image.of(other), "{pg_type}");
            assert_ne!(image.of(one), CellBuf::Null, "{pg_type}");
        }
    }

    #[test]
    fn other_values_have_other_images() {
        for (pg_type, one, other) in [
            ("timestamptz", "2024-01-01 00:00:00Z", "2024-01-01 00:00:00.000001Z"),
            ("numeric", "1.5", "15"),
            ("text", "a", "A"),
            ("text", "a", "a "),
        ] {
            let image = image(pg_type);
            assert_ne!(
                image.of(Cell::Text(one.as_bytes())),
                image.of(Cell::Text(other.as_bytes())),
                "{pg_type}"
            );
        }
    }

    #[test]
    fn case_is_ignored_as_far_as_the_type_ignores_it() {
        let of = |form, text: &'static str| Image { form, ..image("text") }.of(Cell::Text(text.as_bytes()));
        assert_eq!(of(Form::LowerAscii, "Ann"), of(Form::LowerAscii, "ANN"));
        assert_ne!(of(Form::LowerAscii, "é"), of(Form::LowerAscii, "É"));
        assert_eq!(of(Form::Lower, "é"), of(Form::Lower, "É"));
        assert_ne!(of(Form::Lower, "straße"), of(Form::Lower, "STRASSE"));
        assert_eq!(of(Form::Folded, "straße"), of(Form::Folded, "STRASSE"));
    }

    #[test]
    fn what_is_left_away_is_not_compared_and_what_does_not_fit_has_no_image() {
        let rounded = Image { excess: Excess::Round, ..image("timestamp") };
        let fine = |text: &'static str| rounded.of(Cell::Text(text.as_bytes()));
        assert_eq!(fine("2024-01-01 00:00:00.1234567"), fine("2024-01-01 00:00:00.123457"));
        assert_eq!(image("uuid").of(Cell::Text(b"x")), CellBuf::Null);
        assert_eq!(
            (image("uuid").loaded(Cell::Text(b"x")), image("uuid").loaded(Cell::Null)),
            (None, Some(CellBuf::Null))
        );
    }

    #[test]
    fn a_value_is_read_as_it_is_stored_unless_it_becomes_null() {
        let lists = |texts: &[&str]| ValueList::new(texts.iter().map(|text| text.to_string()));
        let dates = Image { null_values: lists(&["never"]), ..image("date") };
        let texts = TextReading { nul: Nul::Strip, ..TextReading::default() };
        for (image, stored, read) in [
            (&dates, "2024-01-01T00:00:00", CellBuf::text("2024-01-01T00:00:00")),
            (&dates, "never", CellBuf::Null),
            (&dates, "soon", CellBuf::Null),
            (&Image { texts, ..image("text") }, "a\0b", CellBuf::text("ab")),
        ] {
            assert_eq!(image.read(Cell::Text(stored.as_bytes())), read, "{stored}");
        }
        assert_eq!(image("timestamp").read(Cell::Real(1.5)), CellBuf::Null, "no number without a format");
    }
}
