//! The wording of choices: counts with thousands separators, and the reason.

use super::profile::ColumnProfile;
use super::textform::TextFormat;
use crate::value::Format;

/// `2,011`.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 value`, `2,011 values`.
pub fn values(count: u64) -> String {
    if count == 1 { "1 value".to_owned() } else { format!("{} values", grouped(count)) }
}

/// What is stored, most frequent first: `2,011 of 2,013 values are ISO-8601 text, 2 are integer milliseconds`.
pub fn stored(p: &ColumnProfile, format: Option<Format>, forms: bool) -> String {
    let mut parts = parts(p, format, forms);
    parts.sort_by_key(|part| std::cmp::Reverse(part.0));
    let total = p.values();
    match parts.as_slice() {
        [] => "no value is stored".to_owned(),
        [(1, label)] => format!("the only value is {label}"),
        [(_, label)] => format!("all {} values are {label}", grouped(total)),
        [(count, label), rest @ ..] => {
            let first = format!("{} of {} values are {label}", grouped(*count), grouped(total));
            let rest = rest.iter().map(|(count, label)| {
                format!(", {} {} {label}", grouped(*count), if *count == 1 { "is" } else { "are" })
            });
            first + &rest.collect::<String>()
        }
    }
}

fn parts(p: &ColumnProfile, format: Option<Format>, forms: bool) -> Vec<(u64, String)> {
    let unit = match format {
        Some(Format::UnixEpoch) => " seconds",
        Some(Format::UnixEpochMs) => " milliseconds",
        Some(Format::UnixEpochUs) => " microseconds",
        Some(Format::UnixEpochNs) => " nanoseconds",
        Some(Format::Chrome) => " microseconds since 1601",
        Some(Format::Apple) => " seconds since 2001",
        Some(Format::JulianDay) => " Julian days",
        _ => "",
    };
    let mut parts = vec![(p.integers, format!("integer{unit}")), (p.reals, format!("real{unit}"))];
    if forms {
        parts.extend(TextFormat::all().map(|form| (p.text.count(form), form.label().to_owned())));
    } else {
        parts.push((p.texts, "text".to_owned()));
    }
    parts.push((p.blobs, "blob".to_owned()));
    parts.retain(|part| part.0 > 0);
    parts
}

/// `1 value becomes`, `2,011 values become`.
pub fn becomes(count: u64) -> String {
    format!("{} {}", values(count), if count == 1 { "becomes" } else { "become" })
}

/// `1 value is`, `12 values are`.
pub fn values_are(count: u64) -> String {
    format!("{} {}", values(count), if count == 1 { "is" } else { "are" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_separators() {
        for (count, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(count), text);
        }
    }
}
