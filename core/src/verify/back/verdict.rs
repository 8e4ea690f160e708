//! The answer, and what makes an equal value look another.

/// What became of one cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Equal,
    Normalised(Normalisation),
    Different,
    /// The type's values have no way back that is known here.
    Unknown,
}

/// Why an equal value has another form than the stored one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Normalisation {
    StorageClass,
    TimeSpelling,
    UuidSpelling,
    BooleanSpelling,
    JsonSpelling,
    NumberSpelling,
    SingleDigits,
    IntervalSpelling,
    Blanks,
    Encoded,
    Container,
    Recoded,
    NulStripped,
    Shortened,
    ListedNull,
    InvalidNull,
    Defaulted,
    Orphan,
}

impl Normalisation {
    pub const ALL: [Normalisation; 18] = [
        Normalisation::StorageClass,
        Normalisation::TimeSpelling,
        Normalisation::UuidSpelling,
        Normalisation::BooleanSpelling,
        Normalisation::JsonSpelling,
        Normalisation::NumberSpelling,
        Normalisation::SingleDigits,
        Normalisation::IntervalSpelling,
        Normalisation::Blanks,
        Normalisation::Encoded,
        Normalisation::Container,
        Normalisation::Recoded,
        Normalisation::NulStripped,
        Normalisation::Shortened,
        Normalisation::ListedNull,
        Normalisation::InvalidNull,
        Normalisation::Defaulted,
        Normalisation::Orphan,
    ];

    /// As the result names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Normalisation::StorageClass => "storage class",
            Normalisation::TimeSpelling => "spelling of a time",
            Normalisation::UuidSpelling => "spelling of a UUID",
            Normalisation::BooleanSpelling => "spelling of a boolean",
            Normalisation::JsonSpelling => "spelling of JSON",
            Normalisation::NumberSpelling => "spelling of a number",
            Normalisation::SingleDigits => "digits of a four-byte float",
            Normalisation::IntervalSpelling => "spelling of an interval",
            Normalisation::Blanks => "padding of char(n)",
            Normalisation::Encoded => "format of bytes",
            Normalisation::Container => "container of a geometry",
            Normalisation::Recoded => "text_encoding",
            Normalisation::NulStripped => "nul",
            Normalisation::Shortened => "excess",
            Normalisation::ListedNull => "null_values",
            Normalisation::InvalidNull => "on_invalid",
            Normalisation::Defaulted => "default for NULL",
            Normalisation::Orphan => "orphans",
        }
    }
}
