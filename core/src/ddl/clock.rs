//! Whether an expression depends on the moment at which it is evaluated.

use sqlite3_parser::dialect::TokenType;

use super::tokens::{Token, matching_parenthesis, split_at_commas, tokens};
use crate::sqltext::sqlite_unquote;

/// SQLite's date and time functions, with the number of arguments before the time, which is `'now'` where it may be left out.
const FUNCTIONS: [(&str, Option<usize>); 7] = [
    ("date", Some(0)),
    ("time", Some(0)),
    ("datetime", Some(0)),
    ("julianday", Some(0)),
    ("unixepoch", Some(0)),
    ("strftime", Some(1)),
    ("timediff", None),
];

/// It reads the current time: `CURRENT_DATE`, `date('now')`, `unixepoch()`. A text that is composed to `now` is not found.
pub fn reads_clock(expression: &str) -> bool {
    let Ok(tokens) = tokens(expression) else { return false };
    tokens.iter().enumerate().any(|(at, token)| {
        let follow = tokens.get(at + 1..).unwrap_or_default();
        token.kind == TokenType::TK_CTIME_KW || calls_now(expression, token, follow)
    })
}

fn calls_now(expression: &str, token: &Token, follow: &[Token]) -> bool {
    let name = sqlite_unquote(token.text(expression));
    let Some((_, before)) = FUNCTIONS.iter().find(|(function, _)| function.eq_ignore_ascii_case(&name))
    else {
        return false;
    };
    if follow.first().is_none_or(|next| next.kind != TokenType::TK_LP) {
        return false;
    }
    let Some(close) = matching_parenthesis(follow) else { return false };
    let arguments = follow.get(1..close).unwrap_or_default();
    let given = if arguments.is_empty() { 0 } else { split_at_commas(arguments).len() };
    let now = |token: &Token| {
        let text = token.text(expression);
        text.starts_with(['\'', '"']) && sqlite_unquote(text).eq_ignore_ascii_case("now")
    };
    *before == Some(given) || arguments.iter().any(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_current_time_is_found_by_all_its_names() {
        for expression in [
            "at > datetime('now', '-30 days')",
            "CURRENT_TIMESTAMP",
            "coalesce(at, current_date)",
            "at < unixepoch()",
            "strftime('%s')",
            "strftime('%s', \"NOW\") + 1",
            "timediff('now', at)",
            "substr(Date ( 'now' ), 1, 4)",
        ] {
            assert!(reads_clock(expression), "{expression}");
        }
        for expression in [
            "at > '2024-01-01'",
            "datetime(at, 'unixepoch')",
            "date = 'now'",
            "strftime('%s', at)",
            "timediff(at, until)",
            "'date(''now'')'",
            "\"current_date\" > 1",
        ] {
            assert!(!reads_clock(expression), "{expression}");
        }
    }
}
