//! Numbers, times and sizes as all renderers spell them.

use std::borrow::Cow;

use crate::progress;

/// `1,234,567`
pub fn grouped(number: i64) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}", progress::grouped(number.unsigned_abs()))
}

/// `1 table`, `1,000 tables`
pub fn count(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", progress::grouped(number), if number == 1 { one } else { many })
}

/// `a`, `a and b`, `a, b and c`
pub fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// `3 ms`, `0.24 s`, `12.3 s`, `3 min 20 s`
pub fn seconds(seconds: f64) -> String {
    match seconds {
        s if s < 0.0995 => format!("{:.0} ms", s * 1000.0),
        s if s < 9.995 => format!("{s:.2} s"),
        s if s < 60.0 => format!("{s:.1} s"),
        s => progress::time(s),
    }
}

/// A part of a whole, between 0 and 1.
pub fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { (part / whole).clamp(0.0, 1.0) } else { 0.0 }
}

/// `17 %`
pub fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// `2026-11-30 17:22:01 UTC` of RFC 3339.
pub fn moment(at: &str) -> String {
    let whole = at.split(['.', 'Z']).next().unwrap_or(at);
    format!("{} UTC", whole.replace('T', " "))
}

/// `foreign_keys` as people write it.
pub fn spaced(name: &str) -> String {
    name.replace('_', " ")
}

/// A text on one line, without what would steer a terminal or is invisible: as a picture of the character, or spelt out.
pub fn one_line(text: &str) -> Cow<'_, str> {
    if !text.contains(hidden) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(visible).collect())
}

/// As [`one_line`], with its line breaks and tabs.
pub fn lines(text: &str) -> Cow<'_, str> {
    let broken = |c| matches!(c, '\n' | '\t');
    if !text.contains(|c| hidden(c) && !broken(c)) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if broken(c) { c.into() } else { visible(c) }).collect())
}

fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn visible(c: char) -> String {
    match c {
        '\0'..='\u{1f}' => char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}').into(),
        '\u{7f}' => '\u{2421}'.into(),
        c if hidden(c) => format!("\\u{{{:x}}}", c as u32),
        c => c.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_spelt_for_people() {
        assert_eq!([0, 999, -1_000, 1_234_567].map(grouped), ["0", "999", "-1,000", "1,234,567"]);
        let times = [0.0, 0.0031, 0.24, 9.99, 12.34, 200.0];
        assert_eq!(times.map(seconds), ["0 ms", "3 ms", "0.24 s", "9.99 s", "12.3 s", "3 min 20 s"]);
        assert_eq!(moment("2026-11-30T17:22:01.250Z"), "2026-11-30 17:22:01 UTC");
        assert_eq!([share(1.0, 0.0), share(3.0, 2.0), share(1.0, 4.0)], [0.0, 1.0, 0.25]);
        let items = ["a", "b", "c"].map(String::from);
        assert_eq!([list(&items), list(&items[..2]), list(&items[..1])], ["a, b and c", "a and b", "a"]);
    }

    #[test]
    fn what_is_hidden_is_shown() {
        assert_eq!(one_line("plain ünï"), "plain ünï");
        assert_eq!(one_line("a\0b\u{1b}[1m\nc\u{7f}"), "a␀b␛[1m␊c␡");
        assert_eq!(one_line("a\u{202e}b\u{85}"), "a\\u{202e}b\\u{85}");
        assert_eq!(lines("a\n\tb\r"), "a\n\tb␍");
    }
}
