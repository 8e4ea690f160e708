//! How the cells of one column become canonical: `pg_value`'s rule, as text in the remote query.
//!
//! The text is the type as `format_type` prints it, then `;key=value` for what is not the default:
//! `timestamp with time zone;format=unixepoch;on_invalid=null;timezone=Europe/Berlin`.

use std::fmt;

use crate::remote::{Column, Type, canonical};
use crate::value::batch::OnInvalid;
use crate::value::{Cell, CellBuf, Decoder, Format, InvalidValue, PgType, Timezone};

#[derive(Debug, Clone)]
pub struct Rule {
    pg_type: PgType,
    type_: Type,
    format: Option<Format>,
    null_if_invalid: bool,
    timezone: Timezone,
    decoder: Decoder,
}

impl Rule {
    /// `None` for a type without a canonical form.
    pub fn of(column: &Column, timezone: Option<&Timezone>) -> Option<Rule> {
        let null_if_invalid = column.on_invalid == OnInvalid::Null;
        Rule::new(
            column.pg_type.clone(),
            column.format,
            null_if_invalid,
            timezone.cloned().unwrap_or_default(),
        )
    }

    fn new(
        pg_type: PgType,
        format: Option<Format>,
        null_if_invalid: bool,
        timezone: Timezone,
    ) -> Option<Rule> {
        let type_ = canonical::type_of(&pg_type)?;
        let decoder = Decoder::new(&pg_type, format, &timezone);
        Some(Rule { pg_type, type_, format, null_if_invalid, timezone, decoder })
    }

    pub fn type_(&self) -> Type {
        self.type_
    }

    pub fn parse(text: &str) -> Option<Rule> {
        let mut parts = text.split(';');
        let pg_type = PgType::parse(parts.next()?);
        let (mut format, mut null_if_invalid, mut timezone) = (None, false, Timezone::UTC);
        for part in parts {
            match part.split_once('=')? {
                ("format", name) => format = Some(Format::parse(name)?),
                ("on_invalid", "null") => null_if_invalid = true,
                ("timezone", name) => timezone = Timezone::parse(name).ok()?,
                _ => return None,
            }
        }
        Rule::new(pg_type, format, null_if_invalid, timezone)
    }

    /// The cell in canonical form; NULL for an invalid value where `on_invalid` says so.
    pub fn canonical<'a>(&self, cell: Cell<'a>) -> Result<CellBuf<'a>, InvalidValue> {
        match self.decoder.decode(cell) {
            Ok(decoded) => canonical::from_decoded(self.type_, decoded),
            Err(invalid) if self.null_if_invalid && invalid.is_of_value() => Ok(CellBuf::Null),
            Err(invalid) => Err(invalid),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.pg_type)?;
        if let Some(format) = self.format {
            write!(f, ";format={}", format.as_str())?;
        }
        if self.null_if_invalid {
            f.write_str(";on_invalid=null")?;
        }
        if self.timezone.is_utc() { Ok(()) } else { write!(f, ";timezone={}", self.timezone) }
    }
}
