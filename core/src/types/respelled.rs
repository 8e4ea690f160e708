//! Values in spellings that no type reads, but an expression of SQLite turns into one: `31.12.2020`, `20201231`, `1,5`,
//! `0xFF`, `9:05 AM`, SQLite's binary JSON. Counted while profiling; where every value of a column has the same, a finding offers the expression
//! as the column's `using`.

use super::profile::ColumnProfile;
use crate::sqltext::sqlite_ident;
use crate::value::PgType;
use crate::value::datetime::day_number;
use crate::value::jsonb::is_jsonb;

/// The spellings; each value has at most one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelling {
    /// `31.12.2020`
    DottedDate,
    /// `20201231`, as a text or a number.
    CompactDate,
    /// `1,5`, `1.234,50`
    DecimalComma,
    /// `0xFF`
    Hex,
    /// `9:05 AM`, `10:15:30 pm`
    Clock12,
    /// What `jsonb()` of SQLite makes.
    BinaryJson,
}

const COUNT: usize = 6;
/// More digits than a double holds exactly.
const DOUBLE_DIGITS: usize = 15;

/// How many values have which spelling.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Respelled {
    counts: [u64; COUNT],
    /// Decimal commas with dots between thousands.
    grouped: u64,
    /// Decimal commas that cannot be read as commas between thousands.
    certain: u64,
    /// Decimal commas with more digits than a double holds.
    long: u64,
}

impl Respelled {
    /// Takes in what was counted of other values.
    pub fn add_all(&mut self, other: &Respelled) {
        self.counts.iter_mut().zip(other.counts).for_each(|(count, more)| *count += more);
        self.grouped += other.grouped;
        self.certain += other.certain;
        self.long += other.long;
    }

    /// Counts a text that has no form of its own.
    #[inline]
    pub fn observe(&mut self, text: &[u8]) {
        match text {
            [b'0', b'x' | b'X', digits @ ..] => {
                let hex = (1..=15).contains(&digits.len()) && digits.iter().all(u8::is_ascii_hexdigit);
                self.add(hex.then_some(Spelling::Hex));
            }
            [b'0'..=b'9' | b'-' | b',', ..] if text.len() <= 40 => {
                let found = dotted_date(text).or_else(|| clock(text)).or_else(|| self.decimal_comma(text));
                self.add(found);
            }
            _ => {}
        }
    }

    /// Counts a blob that may be JSON.
    #[inline]
    pub fn observe_blob(&mut self, bytes: &[u8]) {
        self.add(is_jsonb(bytes).then_some(Spelling::BinaryJson));
    }

    /// Counts a number that may be a date.
    #[inline]
    pub fn observe_number(&mut self, value: i64) {
        self.add(is_compact_date(value).then_some(Spelling::CompactDate));
    }

    /// Values with any of the spellings.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Blobs that are JSON in SQLite's binary form.
    pub fn binary_json(&self) -> u64 {
        self.count(Spelling::BinaryJson)
    }

    fn add(&mut self, found: Option<Spelling>) {
        if let Some(count) = found.and_then(|spelling| self.counts.get_mut(spelling as usize)) {
            *count += 1;
        }
    }

    fn count(&self, spelling: Spelling) -> u64 {
        self.counts.get(spelling as usize).copied().unwrap_or(0)
    }

    fn decimal_comma(&mut self, text: &[u8]) -> Option<Spelling> {
        let unsigned = text.strip_prefix(b"-").unwrap_or(text);
        let comma = unsigned.iter().position(|b| *b == b',')?;
        let (whole, fraction) = (unsigned.get(..comma)?, unsigned.get(comma + 1..)?);
        let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
        if fraction.is_empty() || !digits(fraction) {
            return None;
        }
        let groups: Vec<&[u8]> = whole.split(|b| *b == b'.').collect();
        let (first, others) = groups.split_first()?;
        let thousands = !first.is_empty() && first.len() <= 3 && others.iter().all(|g| g.len() == 3);
        if !groups.iter().all(|group| digits(group)) || !(others.is_empty() || thousands) {
            return None;
        }
        self.grouped += u64::from(!others.is_empty());
        self.certain += u64::from(!others.is_empty() || fraction.len() != 3 || !thousands || *first == b"0");
        self.long += u64::from(unsigned.len() - 1 - others.len() > DOUBLE_DIGITS);
        Some(Spelling::DecimalComma)
    }
}

fn number(digits: &[u8]) -> Option<u32> {
    let sound = !digits.is_empty() && digits.len() <= 8 && digits.iter().all(u8::is_ascii_digit);
    sound.then(|| digits.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0')))
}

fn dotted_date(text: &[u8]) -> Option<Spelling> {
    let [d1, d2, b'.', m1, m2, b'.', y1, y2, y3, y4] = text else { return None };
    let (year, month, day) = (number(&[*y1, *y2, *y3, *y4])?, number(&[*m1, *m2])?, number(&[*d1, *d2])?);
    day_number(year, month, day).map(|_| Spelling::DottedDate)
}

/// Of the years 1900 to 2100: other numbers of eight digits are no dates.
fn is_compact_date(value: i64) -> bool {
    let Ok(value) = u32::try_from(value) else { return false };
    (1900..=2100).contains(&(value / 10_000))
        && day_number(value / 10_000, value / 100 % 100, value % 100).is_some()
}

fn clock(text: &[u8]) -> Option<Spelling> {
    let text = text.strip_suffix(b"M").or_else(|| text.strip_suffix(b"m"))?;
    let (clock, half) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let clock = clock.strip_suffix(b" ").unwrap_or(clock);
    let mut parts = clock.split(|b| *b == b':');
    let hour = parts.next().filter(|hour| hour.len() <= 2).and_then(number)?;
    let rest: Vec<&[u8]> = parts.collect();
    let sixty = |part: &&[u8]| part.len() == 2 && number(part).is_some_and(|n| n < 60);
    let sound = matches!(half, b"A" | b"a" | b"P" | b"p") && (1..=12).contains(&hour);
    (sound && matches!(rest.len(), 1 | 2) && rest.iter().all(sixty)).then_some(Spelling::Clock12)
}

/// The expression by which every value of the column has `pg_type`, and what the values are, if there is one.
pub fn using(p: &ColumnProfile, column: &str, pg_type: &PgType) -> Option<(String, &'static str)> {
    let found = &p.respelled;
    let name = sqlite_ident(column);
    let all = |spelling| p.values() > 0 && found.count(spelling) == p.values();
    // Numbers that SQLite has stored as numbers stay what they are.
    let texts = |spelling| p.texts > 0 && p.blobs == 0 && found.count(spelling) == p.texts;
    let kept = |expression: String| match p.numbers() {
        0 => expression,
        _ => format!("CASE typeof({name}) WHEN 'text' THEN {expression} ELSE {name} END"),
    };
    let cut = |from: u8, length: u8| format!("substr({name}, {from}, {length})");
    match pg_type.base() {
        PgType::Date | PgType::Timestamp(_) | PgType::TimestampTz(_) if all(Spelling::DottedDate) => {
            let parts = [cut(7, 4), cut(4, 2), cut(1, 2)];
            Some((parts.join(" || '-' || "), "dates as dd.mm.yyyy"))
        }
        PgType::Date | PgType::Timestamp(_) | PgType::TimestampTz(_) if all(Spelling::CompactDate) => {
            let parts = [cut(1, 4), cut(5, 2), cut(7, 2)];
            Some((parts.join(" || '-' || "), "dates as yyyymmdd"))
        }
        wanted @ (PgType::Float4 | PgType::Float8 | PgType::Numeric(_))
            if texts(Spelling::DecimalComma)
                && found.certain > 0
                && (found.grouped == 0 || p.numbers() == 0) =>
        {
            let plain = match found.grouped {
                0 => format!("replace({name}, ',', '.')"),
                _ => format!("replace(replace({name}, '.', ''), ',', '.')"),
            };
            match wanted {
                PgType::Numeric(_) => Some((kept(plain), "numbers with a decimal comma")),
                _ if found.long > 0 => None,
                _ => Some((kept(format!("CAST({plain} AS REAL)")), "numbers with a decimal comma")),
            }
        }
        PgType::Int2 | PgType::Int4 | PgType::Int8 | PgType::Numeric(_) if texts(Spelling::Hex) => {
            // JSON5 has hexadecimal numbers.
            Some((kept(format!("{name} ->> '$'")), "hexadecimal numbers"))
        }
        PgType::Time(_) if all(Spelling::Clock12) => {
            let hour =
                format!("CAST({name} AS INTEGER) % 12 + CASE WHEN {name} LIKE '%pm' THEN 12 ELSE 0 END");
            let rest = format!("rtrim(substr({name}, instr({name}, ':') + 1, 5), ' APMapm')");
            Some((format!("printf('%02d:%s', {hour}, {rest})"), "times with AM and PM"))
        }
        PgType::Json | PgType::Jsonb
            if p.blobs > 0
                && found.binary_json() == p.blobs
                && p.numbers() == 0
                && p.text.json.valid == p.texts =>
        {
            Some((format!("json({name})"), "JSON in SQLite's binary form"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Cell;

    fn offered(pg_type: &str, cells: &[Cell<'_>]) -> Option<&'static str> {
        let mut profile = ColumnProfile::default().with_times();
        cells.iter().for_each(|cell| profile.observe(*cell));
        using(&profile, "c", &PgType::parse(pg_type)).map(|(_, what)| what)
    }

    #[test]
    fn an_expression_is_offered_where_every_value_has_the_spelling() {
        let text = |text: &'static str| Cell::Text(text.as_bytes());
        for (pg_type, cells, expected) in [
            ("date", &[text("31.12.2020"), Cell::Null, text("01.02.2021")][..], Some("dates as dd.mm.yyyy")),
            ("date", &[text("31.12.2020"), text("31.13.2020")], None),
            ("date", &[text("31.12.2020"), text("")], None),
            ("bigint", &[text("31.12.2020")], None),
            ("timestamp", &[Cell::Integer(20201231), text("20210102")], Some("dates as yyyymmdd")),
            ("date", &[Cell::Integer(20201231), Cell::Integer(20201331)], None),
            (
                "double precision",
                &[text("1,5"), text("-0,25"), Cell::Real(2.5)],
                Some("numbers with a decimal comma"),
            ),
            ("double precision", &[text("1,500"), text("2,000")], None),
            ("double precision", &[text("1.234,5"), Cell::Real(1.234)], None),
            ("double precision", &[text("1234567890123456,5")], None),
            ("numeric", &[text("1234567890123456,5")], Some("numbers with a decimal comma")),
            ("numeric", &[text("1,5"), text("1,2,3")], None),
            ("numeric", &[text("12.34,5")], None),
            ("bigint", &[text("0xFF"), text("0x1a"), Cell::Integer(3)], Some("hexadecimal numbers")),
            ("bigint", &[text("0x"), text("0x1a")], None),
            ("bigint", &[text("0x1234567890123456")], None),
            ("time", &[text("9:05 AM"), text("12:15:30pm")], Some("times with AM and PM")),
            ("time", &[text("13:05 AM")], None),
            ("time", &[text("9:5 AM")], None),
            (
                "jsonb",
                &[Cell::Blob(&[0x0b]), Cell::Blob(&[0x13, b'7'])],
                Some("JSON in SQLite's binary form"),
            ),
            ("jsonb", &[Cell::Blob(&[0x0b]), Cell::Blob(&[0xff])], None),
            ("bytea", &[Cell::Blob(&[0x0b])], None),
        ] {
            assert_eq!(offered(pg_type, cells), expected, "{pg_type} {cells:?}");
        }
    }

    #[test]
    fn long_columns_are_counted_to_their_end() {
        let mut cells = vec![Cell::Text(b"31.12.2020"); 3000];
        assert!(offered("date", &cells).is_some());
        cells.push(Cell::Text(b"x"));
        assert_eq!(offered("date", &cells), None);
    }
}
