//! The findings about one column's type, each with the plan key that changes it.

mod bytes;

use super::decide::Decision;
use super::fit::{lossless, number_texts};
use super::invalid::invalid_values;
use super::reasons::obstacle;
use super::rules::{Declared, Family};
use super::textform::TextFormat;
use super::unread::{kept_as_bytes, unread_rest, unread_texts};
use super::words::{becomes, grouped, stored, values, values_are};
use super::{ColumnProfile, Epochs, Fit, Question, blanks, decide, excess, fit, respelled, times};
use crate::finding::{Finding, Fix, Kind};
use crate::path;
use crate::value::{Excess, Format, PgType};

/// One column and the choice for it.
struct Case<'a> {
    q: &'a Question<'a>,
    declared: &'a Declared,
    p: &'a ColumnProfile,
    d: &'a Decision,
}

/// All findings about one choice.
pub fn findings(q: &Question<'_>, declared: &Declared, p: &ColumnProfile, d: &Decision) -> Vec<Finding> {
    let case = Case { q, declared, p, d };
    if q.existing {
        // The type is fixed; only findings about the conversion of values matter.
        return [
            case.zeros(),
            case.unusual(),
            case.coarsened(),
            case.rounded_reals(),
            case.offsets(),
            case.converted(),
        ]
        .into_iter()
        .flatten()
        .collect();
    }
    let all = [
        case.partial(),
        case.refused(),
        case.missed(),
        case.zeros(),
        case.unusual(),
        case.named(),
        case.unread_numbers(),
        case.coarsened(),
        case.rounded_reals(),
        case.offsets(),
        case.text_is_more(),
        case.interval(),
        case.blobs(),
        case.converted(),
    ];
    all.into_iter().flatten().collect()
}

impl Case<'_> {
    fn object(&self) -> String {
        format!("{}.{}", self.q.table, self.q.column.name)
    }

    fn fix(&self, key: &'static str, value: &str) -> Fix {
        Fix::of_column(self.q.table, &self.q.column.name, key, value)
    }

    fn of_type(&self, pg_type: &PgType) -> Fix {
        self.fix("type", &pg_type.to_string())
    }

    /// Another type, if there is a choice.
    fn instead(&self, finding: Finding, pg_type: &PgType, to: &str) -> Finding {
        if self.q.existing { finding } else { finding.fix(self.of_type(pg_type), &format!(" to {to}")) }
    }

    fn declared_as(&self) -> &str {
        match self.q.column.declared.trim() {
            "" => "untyped",
            declared => declared,
        }
    }

    fn is(&self, pg_type: &PgType) -> bool {
        self.d.chosen.pg_type == *pg_type
    }

    /// The plan makes NULL of what does not fit.
    fn partial(&self) -> Option<Finding> {
        let missed = self.d.missed.as_ref().filter(|_| self.d.partial)?;
        let why = obstacle(self.p, &missed.pg_type, &PgType::Text);
        let cost = match invalid_values(self.p, &missed.pg_type, missed.format) {
            Some(1) => "1 value that does not fit becomes NULL".to_owned(),
            Some(n) => format!("{} values that do not fit become NULL", grouped(n)),
            None => "what does not fit becomes NULL".to_owned(),
        };
        let message = format!("not every stored value fits {}: {why}; {cost}", missed.pg_type);
        Some(Kind::InvalidValue.warning(self.object(), message))
    }

    fn refused(&self) -> Option<Finding> {
        let wanted = self.d.refused.as_ref().filter(|_| !self.d.partial)?;
        let message = format!(
            "plan.types asks for {wanted}, which does not hold every value: {}; becomes {}",
            stored(self.p, None, true),
            self.d.chosen.pg_type
        );
        let finding = Kind::TypeRefused.warning(self.object(), message);
        let format = decide::format_for(self.q, self.p, wanted);
        Some(self.despite_invalid(finding, wanted, format, "use it nevertheless"))
    }

    /// The declared type would lose something.
    fn missed(&self) -> Option<Finding> {
        let missed = self.d.missed.as_ref()?;
        if self.kept_as_numbers() {
            return None;
        }
        if self.d.by_plan
            || self.d.partial
            || (self.declared.family == Family::Unknown && missed.format.is_none())
        {
            return None;
        }
        if kept_as_bytes(self.p) {
            let texts = values_are(self.p.text.nul);
            let message = format!("{texts} text with a NUL character: becomes bytea, as nul says");
            return Some(Kind::TypeMissed.info(self.object(), message));
        }
        let message = format!(
            "declared {}, but {}: becomes {}",
            self.declared_as(),
            obstacle(self.p, &missed.pg_type, &self.d.chosen.pg_type),
            self.d.chosen.pg_type
        );
        if let Some((excess, rest)) = self.excess_to_set() {
            return Some(
                Kind::TypeMissed.warning(self.object(), message).fix(self.fix("excess", excess), rest),
            );
        }
        let finding = Kind::TypeMissed.warning(self.object(), message);
        // json keeps every document as it is spelt.
        if self.is(&PgType::Json) {
            return Some(finding);
        }
        if missed.pg_type == PgType::Jsonb
            && self.is(&PgType::Text)
            && fit(self.p, &PgType::Json, None) == Fit::Yes
        {
            return Some(self.instead(finding, &PgType::Json, "keep the documents as they are"));
        }
        let purpose = match times::is_time(self.declared.family) {
            true => "convert the rest",
            false => "keep the declared type",
        };
        Some(self.despite_invalid(finding, &missed.pg_type, missed.format, purpose))
    }

    /// A type that not every value fits, where it is known how many do not, and some do.
    fn despite_invalid(
        &self,
        finding: Finding,
        pg_type: &PgType,
        format: Option<Format>,
        purpose: &str,
    ) -> Finding {
        let unread = unread_texts(self.p, self.q.table, &self.q.column.name);
        if let Some(fix) = unread.filter(|_| !kept_as_bytes(self.p)) {
            return finding.fix(fix, &unread_rest(self.p));
        }
        if let Some((expression, what)) = respelled::using(self.p, &self.q.column.name, pg_type) {
            return finding.fix(self.fix("using", &expression), &format!(" to read {what}"));
        }
        if let Some((fix, count)) = self.without_blanks(pg_type) {
            return finding.fix(fix, &format!(" to {purpose}: {} NULL", becomes(count)));
        }
        self.at_a_cost(finding, pg_type, format, purpose)
    }

    /// The same, whatever is blank.
    fn at_a_cost(
        &self,
        finding: Finding,
        pg_type: &PgType,
        format: Option<Format>,
        purpose: &str,
    ) -> Finding {
        let Some(invalid) = invalid_values(self.p, pg_type, format).filter(|n| *n < self.p.values()) else {
            return finding;
        };
        let policy = match self.q.column.not_null {
            true => self.fix("on_invalid", "reject"),
            false => self.fix("on_invalid", "null").or(&["reject"]),
        };
        let rest = format!(" to {purpose}, which costs {}", values(invalid));
        finding.fix(self.of_type(pg_type).and(policy), &rest)
    }

    /// What makes NULL of the column's blanks, and how many these are, if the other values are of a type that the
    /// declaration or the plan asks for.
    fn without_blanks(&self, wanted: &PgType) -> Option<(Fix, u64)> {
        let blanks = blanks::blanks(self.p, |rest| {
            let then = decide::decide(self.q, self.declared, rest);
            let asked = then.missed.is_none() || then.chosen.pg_type == *wanted;
            let narrow = !matches!(then.chosen.pg_type, PgType::Text | PgType::Bytea);
            (asked || narrow).then_some((then.chosen.pg_type, then.chosen.format))
        })?;
        let listed = self.p.aside.texts().chain(blanks.values);
        let fix =
            Fix::of_column(self.q.table, &self.q.column.name, "null_values", listed.collect::<Vec<_>>());
        let fix = match self.q.column.not_null {
            true => fix.and(Fix::of_column(self.q.table, &self.q.column.name, "nullable", true)),
            false => fix,
        };
        Some((fix, blanks.count))
    }

    /// What the plan could say of the excess of values, so that the column gets a type nearer to the declared one.
    fn excess_to_set(&self) -> Option<(&'static str, &'static str)> {
        let values = [
            (Excess::Round, "round", " to round what is beyond"),
            (Excess::Truncate, "truncate", " to cut off what is beyond"),
        ];
        let helps = |excess| {
            let q = Question { excess, ..*self.q };
            decide::decide(&q, self.declared, self.p).chosen != self.d.chosen
        };
        let found = values.into_iter().find(|(excess, ..)| self.q.excess == Excess::Error && helps(*excess));
        found.map(|(_, word, rest)| (word, rest))
    }

    /// Times that lose digits by the plan's word.
    fn coarsened(&self) -> Option<Finding> {
        let fine = self.p.text.too_fine();
        let what = match self.q.excess {
            Excess::Error => return None,
            Excess::Round => "rounded",
            Excess::Truncate => "cut off",
        };
        let time = matches!(
            self.d.chosen.pg_type.base(),
            PgType::Time(_) | PgType::Timestamp(_) | PgType::TimestampTz(_) | PgType::Interval(_)
        );
        let message = format!("{} more precise than microseconds, and {what}", values_are(fine));
        (fine > 0 && time).then(|| Kind::Rounded.info(self.object(), message))
    }

    /// Zeros, which often mean "no date", become the start of the epoch.
    fn zeros(&self) -> Option<Finding> {
        let format = self.d.chosen.format.filter(|format| format.is_epoch())?;
        if self.p.number.zeros == 0 {
            return None;
        }
        let day = match format {
            Format::Chrome => "1601-01-01",
            Format::Apple => "2001-01-01",
            Format::JulianDay => "4714-11-24 BC",
            _ => "1970-01-01",
        };
        let verb = if self.p.number.zeros == 1 { "is" } else { "are" };
        let message = format!("{} {verb} 0: 0 becomes {day} 00:00:00+00", values(self.p.number.zeros));
        let finding = Kind::ZeroTimes.warning(self.object(), message);
        Some(self.instead(finding, &PgType::Int8, "keep the numbers"))
    }

    /// Numbers that are times, but not of our days.
    fn unusual(&self) -> Option<Finding> {
        let format = self.d.chosen.format.filter(|format| format.is_epoch())?;
        let (count, numbers) = (times::unusual(self.p, format), self.p.numbers() + number_texts(self.p));
        if count == 0 {
            return None;
        }
        let verb = if count == 1 { "is" } else { "are" };
        let message = format!(
            "{} of {} numbers {verb} before 1980 or after 2099: read as {}",
            grouped(count),
            grouped(numbers),
            format.describe()
        );
        let finding = Kind::UnusualTimes.info(self.object(), message);
        let (kept, _) = lossless(self.p)?;
        Some(self.instead(finding, &kept, "keep the numbers"))
    }

    /// The plan says that the numbers of a column declared as a time stay numbers.
    fn kept_as_numbers(&self) -> bool {
        let numbers = self.p.numbers() + number_texts(self.p);
        self.q.epochs == Epochs::Never && times::is_time(self.declared.family) && numbers > 0
    }

    /// The name alone made a number a time.
    fn named(&self) -> Option<Finding> {
        let format = self.d.chosen.format.filter(|format| format.is_epoch())?;
        if times::is_time(self.declared.family) || self.d.by_plan {
            return None;
        }
        let message =
            format!("its name and the range of its numbers suggest times: read as {}", format.describe());
        let kept = if self.p.reals > 0 { PgType::Float8 } else { PgType::Int8 };
        let finding = Kind::NamedTimes.info(self.object(), message);
        Some(finding.fix(self.of_type(&kept), " to keep the numbers"))
    }

    /// Numbers that may be times, or times that are numbers without a known epoch.
    fn unread_numbers(&self) -> Option<Finding> {
        let numbers = self.p.numbers() + number_texts(self.p);
        if numbers == 0 || self.d.chosen.format.is_some() || self.q.rowid_alias || self.d.by_plan {
            return None;
        }
        let epoch = match times::is_time(self.declared.family) {
            true => decide::epoch(self.q, self.p),
            false => decide::every_epoch(self.p),
        };
        let dates = respelled::using(self.p, &self.q.column.name, &PgType::Date);
        if let Some((expression, what)) = dates.filter(|_| times::is_time(self.declared.family)) {
            let message = "its numbers are no times by any known epoch, but dates";
            let finding = Kind::UnreadNumbers.info(self.object(), message);
            return Some(finding.fix(self.fix("using", &expression), &format!(" to read {what}")));
        }
        let by_key = epoch.and_then(|unit| self.unread_by_key(unit));
        if let Some((epochs, message)) = by_key.filter(|_| !self.q.typed) {
            let finding = Kind::UnreadNumbers.info(self.object(), message);
            return Some(finding.fix(self.fix("epochs", epochs), " to read them as times"));
        }
        let message = self.unread(epoch)?;
        let finding = Kind::UnreadNumbers.info(self.object(), message);
        let of_type = self.of_type(&PgType::TIMESTAMPTZ);
        Some(match epoch {
            Some(unit) => {
                finding.fix(of_type.and(self.fix("format", unit.as_str())), " to read them as times")
            }
            None => {
                let format = path::of_column(self.q.table, &self.q.column.name, "format");
                finding.hint(format!("Set {of_type} and {format} to say how its numbers are read."))
            }
        })
    }

    /// Numbers that another value of `epochs` would read as times, and that value.
    fn unread_by_key(&self, unit: Format) -> Option<(&'static str, String)> {
        if fit(self.p, &PgType::TIMESTAMPTZ, Some(unit)) != Fit::Yes {
            None
        } else if self.kept_as_numbers() {
            Some(("declared", format!("its numbers could be times as {}, and stay numbers", unit.describe())))
        } else if self.q.epochs == Epochs::Declared && self.named_number() {
            let message = format!(
                "its name and the range of its numbers suggest times as {}; they stay numbers",
                unit.describe()
            );
            Some(("named", message))
        } else {
            None
        }
    }

    /// A number by its declaration, a time by its name.
    fn named_number(&self) -> bool {
        use Family::*;
        matches!(self.declared.family, Integer | Real | Decimal | Unknown)
            && decide::epoch_by_name(self.q, self.p).is_some()
    }

    /// Why numbers that stay numbers may have been meant as times.
    fn unread(&self, epoch: Option<Format>) -> Option<String> {
        use Family::*;
        let family = self.declared.family;
        let says = times::is_time(family) || times::name_says_time(&self.q.column.name);
        let number = matches!(family, Integer | Real | Decimal | Unknown | Text);
        // A declared time, or a number too large to be a flag, a count or a duration in a day.
        let large = |n: f64| n.abs() >= 1e7;
        let may_count_time = times::is_time(family)
            || (self.p.integers > 0
                && (large(self.p.integer.min as f64) || large(self.p.integer.max as f64)))
            || (self.p.reals > 0 && (large(self.p.real.min) || large(self.p.real.max)));
        match epoch {
            Some(unit) if !says && number && self.p.numbers() > 0 => Some(format!(
                "every number could be a time as {}, but neither name nor type suggests it",
                unit.describe()
            )),
            Some(unit) if says && family == Text => {
                Some(format!("its texts could be times as {}", unit.describe()))
            }
            None if says && may_count_time && number_texts(self.p) == self.p.texts => Some(
                "its name or type suggests times, but no known epoch puts its numbers between 1980 and 2100"
                    .to_owned(),
            ),
            _ => None,
        }
    }

    fn rounded_reals(&self) -> Option<Finding> {
        let seconds = matches!(self.d.chosen.format, Some(Format::UnixEpoch | Format::Apple));
        if !seconds || self.p.real.sub_micro == 0 {
            return None;
        }
        let message = format!(
            "{} more precise than microseconds, rounded to the nearest microsecond",
            values_are(self.p.real.sub_micro)
        );
        let finding = Kind::Rounded.warning(self.object(), message);
        Some(self.instead(finding, &PgType::Float8, "keep every digit"))
    }

    fn offsets(&self) -> Option<Finding> {
        let plain = self.p.text.sum(&[TextFormat::Date, TextFormat::DateTime]);
        let offsets = self.p.text.count(TextFormat::DateTimeOffset);
        let instants = self.p.text.count(TextFormat::DateTimeUtc) + offsets + self.p.numbers();
        if !self.is(&PgType::TIMESTAMPTZ) {
            None
        } else if plain > 0 && instants > 0 {
            let message = format!("{} text without an offset, other values are instants", values_are(plain));
            let finding = Kind::Offsets.info(self.object(), message);
            Some(finding.hint("Such texts are read in plan.timezone."))
        } else if offsets > 0 {
            let message =
                format!("{} with an offset: the instant is kept, the offset is not", values_are(offsets));
            Some(self.instead(Kind::Offsets.info(self.object(), message), &PgType::Text, "keep it"))
        } else {
            None
        }
    }

    /// Text whose every value is a date, UUID or the like stays text; the finding says how to convert it.
    fn text_is_more(&self) -> Option<Finding> {
        let texts = matches!(self.declared.family, Family::Text | Family::Varchar | Family::Unknown);
        let stays = matches!(self.d.chosen.pg_type, PgType::Text | PgType::Varchar(_));
        if !texts || !stays || self.p.texts == 0 || self.p.texts != self.p.values() || self.d.by_plan {
            return None;
        }
        let p = excess::coarse(self.p, Excess::Round);
        let all = |forms: &[TextFormat]| p.text.sum(forms) == p.texts;
        let decimals = self.q.orms.iter().any(|recognised| recognised.orm.conventions.decimals_in_text);
        let (what, pg_type) = if all(&[TextFormat::Date]) {
            ("a date", PgType::Date)
        } else if all(&[TextFormat::Date, TextFormat::DateTime]) {
            ("an ISO-8601 time", PgType::TIMESTAMP)
        } else if all(&times::MOMENTS) {
            ("an ISO-8601 time", PgType::TIMESTAMPTZ)
        } else if all(&[TextFormat::Uuid, TextFormat::UuidUpper, TextFormat::UuidOther])
            || all(&[TextFormat::UuidHex])
        {
            ("a UUID", PgType::Uuid)
        } else if all(&[TextFormat::JsonLike]) && !self.p.json_measured() {
            ("apparently a JSON document", PgType::Jsonb)
        } else if self.p.text.json.valid == self.p.texts && self.p.text.count(TextFormat::JsonLike) > 0 {
            ("a JSON document", PgType::Jsonb)
        } else if p.text.comma_lists > 0 && p.text.spaced == 0 && p.text.brackets == 0 {
            ("a list with commas, or a word", PgType::Array(Box::new(PgType::Text)))
        } else if decimals
            && p.text.count(TextFormat::Decimal) > 0
            && all(&[TextFormat::Integer, TextFormat::Decimal])
        {
            ("a decimal number", PgType::Numeric(None))
        } else {
            return None;
        };
        let fine = pg_type.is_temporal() && self.p.text.count(TextFormat::TooFine) > 0;
        let digits = if fine { " with more digits than microseconds" } else { "" };
        let message = format!("every text is {what}{digits}, and stays text");
        let finding = Kind::TextForm.info(self.object(), message);
        let fix = self.of_type(&pg_type);
        Some(match fine && self.q.excess == Excess::Error {
            true => finding.fix(fix.and(self.fix("excess", "round")), " to convert and round it"),
            false => finding.fix(fix, " to convert it"),
        })
    }

    /// SQLAlchemy writes an interval as a date and time counted from 1970-01-01.
    fn interval(&self) -> Option<Finding> {
        if !self.is(&PgType::TIMESTAMP) || !times::near_1970(self.p) {
            return None;
        }
        let message = "every time is near 1970-01-01, as SQLAlchemy writes intervals";
        let fix = self.of_type(&PgType::INTERVAL).and(self.fix("format", Format::Since1970.as_str()));
        Some(Kind::IntervalForm.info(self.object(), message).fix(fix, " if it is one"))
    }
}
