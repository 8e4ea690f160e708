//! What the plan asks of the other rooms, in one place: type choice and translation.
//!
//! A table of functions, so that the plan's tests say exactly what is answered.

use crate::translate::{Scope, Translated, Untranslatable};
use crate::types::{Choice, ColumnProfile, Fit, Question};
use crate::value::{Excess, Format, PgType, Timezone};

/// The questions.
pub struct Rules {
    pub choose: fn(&Question<'_>) -> Choice,
    pub widest: fn(&Question<'_>) -> Choice,
    pub format_for: fn(&Question<'_>, &PgType) -> Option<Format>,
    pub fit: fn(&ColumnProfile, &PgType, Option<Format>, Excess) -> Fit,
    pub expression: fn(&str, &Scope) -> Result<Translated, Untranslatable>,
    pub condition: fn(&str, &Scope) -> Result<String, Untranslatable>,
    pub generated: TranslateGenerated,
    pub default: TranslateDefault,
}

type TranslateGenerated = fn(&str, &Scope, &PgType, Option<Format>) -> Result<String, Untranslatable>;
type TranslateDefault =
    fn(&str, &PgType, Option<Format>, &Timezone) -> Result<Option<String>, Untranslatable>;

/// The answers that an import uses.
pub const RULES: Rules = Rules {
    choose: crate::types::choose,
    widest: crate::types::widest,
    format_for: crate::types::format_for,
    fit: crate::types::fit_without,
    expression: crate::translate::expression,
    condition: crate::translate::condition,
    generated: crate::translate::generated,
    default: crate::translate::default,
};

/// The type of a column of which the plan says only the format.
pub fn type_of_format(format: Format) -> PgType {
    use Format::*;
    match format {
        Seconds | Milliseconds | Microseconds | Days | Since1970 => PgType::INTERVAL,
        Hex | Base64 | Text | GeoPackage | SpatiaLite | Wkb | Wkt => PgType::Bytea,
        Comma => PgType::Array(Box::new(PgType::Text)),
        Iso8601 | UnixEpoch | UnixEpochMs | UnixEpochUs | UnixEpochNs | JulianDay | Chrome | Apple => {
            PgType::TIMESTAMPTZ
        }
    }
}
