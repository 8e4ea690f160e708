//! PostgreSQL names for source names: folding, the 63-byte limit, collisions.
//!
//! Everything is deterministic: the same source and plan give the same names.

use std::collections::{HashMap, HashSet};

use crate::plan::given::words::Names;
pub use crate::sqltext::LONGEST_NAME as LIMIT;

/// Attributes that every PostgreSQL table has.
pub const SYSTEM_COLUMNS: &[&str] = &["tableoid", "cmax", "xmax", "cmin", "xmin", "ctid"];

/// The name's first bytes, up to a character boundary.
pub fn clip(name: &str, limit: usize) -> &str {
    let mut end = name.len().min(limit);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.get(..end).unwrap_or(name)
}

/// The name as the `names` key wants it.
pub fn fold(names: Names, name: &str) -> String {
    match names {
        Names::Preserve => name.to_string(),
        Names::Lower => name.to_lowercase(),
        Names::SnakeCase => snake_case(name),
    }
}

/// `userId`, `HTTPServer`, `Order Details` -> `user_id`, `http_server`, `order_details`.
fn snake_case(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut out = String::with_capacity(name.len() + 8);
    for (i, &c) in chars.iter().enumerate() {
        let before = i.checked_sub(1).and_then(|j| chars.get(j)).copied();
        let after = chars.get(i + 1).copied();
        let separates = c.is_whitespace() || (c.is_ascii_punctuation() && c != '_');
        // A capital after a small letter or digit, or the last capital of a run before a small letter.
        let ends_run = after.is_some_and(char::is_lowercase);
        let ends_word = |b: char| b.is_lowercase() || b.is_numeric() || (b.is_uppercase() && ends_run);
        let starts_word = c.is_uppercase() && before.is_some_and(ends_word);
        if (separates || starts_word) && !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
        if !separates {
            out.extend(c.to_lowercase());
        }
    }
    let trimmed = out.strip_suffix('_').filter(|_| !name.ends_with('_')).unwrap_or(&out);
    trimmed.to_string()
}

/// Names that are taken in one scope.
#[derive(Debug, Default)]
pub struct Scope {
    taken: HashSet<String>,
    /// The next number to try for a name, so that many collisions stay cheap.
    next: HashMap<String, u32>,
}

impl Scope {
    /// Takes exactly this name; false if it is taken.
    pub fn reserve(&mut self, name: &str) -> bool {
        self.taken.insert(name.to_string())
    }

    /// Takes the name, or the name with `separator` and the first free number from `first`.
    fn take(&mut self, name: &str, first: u32, numbered: impl Fn(u32) -> String) -> String {
        let start = clip(name, LIMIT).to_string();
        if self.reserve(&start) {
            return start;
        }
        let mut number = self.next.get(&start).copied().unwrap_or(first);
        loop {
            let candidate = numbered(number);
            number = number.saturating_add(1);
            if self.reserve(&candidate) || number == u32::MAX {
                self.next.insert(start, number);
                return candidate;
            }
        }
    }

    /// A table's, column's or index's own name: `name`, `name_2`, `name_3`.
    pub fn claim(&mut self, name: &str) -> String {
        self.take(name, 2, |n| {
            let suffix = format!("_{n}");
            format!("{}{suffix}", clip(name, LIMIT - suffix.len()))
        })
    }

    /// A constraint's name by PostgreSQL's own convention: `users_email_key`, `users_email_key1`.
    pub fn object(&mut self, table: &str, columns: &[String], label: &str) -> String {
        let columns = columns.join("_");
        let first = make_object_name(table, &columns, label);
        self.take(&first, 1, |n| make_object_name(table, &columns, &format!("{label}{n}")))
    }
}

/// `makeObjectName()` of PostgreSQL: the longer of both names is cut until all fits.
pub fn make_object_name(name1: &str, name2: &str, label: &str) -> String {
    let overhead = label.len() + 1 + usize::from(!name2.is_empty());
    let available = LIMIT.saturating_sub(overhead);
    // ChooseIndexNameAddition() has already cut the column names to NAMEDATALEN.
    let (mut len1, mut len2) = (name1.len(), name2.len().min(LIMIT));
    while len1 + len2 > available {
        if len1 > len2 { len1 -= 1 } else { len2 -= 1 }
    }
    let (name1, name2) = (clip(name1, len1), clip(name2, len2));
    if name2.is_empty() { format!("{name1}_{label}") } else { format!("{name1}_{name2}_{label}") }
}

/// A source name with its PostgreSQL name, and why that is not simply the folded one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub name: String,
    pub changed: Option<&'static str>,
}

/// Names for all that share a scope. Names given by the user are taken first, and as they are;
/// `Err` is the position of one that repeats another.
pub fn assign(
    names: Names,
    wanted: &[(&str, Option<&str>)],
    scopes: &mut [&mut Scope],
    scope_of: &[usize],
) -> Result<Vec<Named>, usize> {
    let mut out: Vec<Option<Named>> = vec![None; wanted.len()];
    for (i, (_, given)) in wanted.iter().enumerate() {
        let (Some(given), Some(scope)) = (given, scope_of.get(i).and_then(|s| scopes.get_mut(*s))) else {
            continue;
        };
        if !scope.reserve(given) {
            return Err(i);
        }
        out[i] = Some(Named { name: given.to_string(), changed: None });
    }
    for (i, (source, _)) in wanted.iter().enumerate() {
        let Some(scope) = scope_of.get(i).and_then(|s| scopes.get_mut(*s)) else { continue };
        out[i].get_or_insert_with(|| choose(names, source, scope));
    }
    Ok(out.into_iter().flatten().collect())
}

fn choose(names: Names, source: &str, scope: &mut Scope) -> Named {
    let folded = fold(names, source);
    let base = if folded.is_empty() { "unnamed" } else { folded.as_str() };
    let name = scope.claim(base);
    let changed = if folded.is_empty() {
        Some("has no usable name")
    } else if base.len() > LIMIT {
        Some("has a name longer than PostgreSQL's 63 bytes")
    } else if name != folded {
        Some("has a name that is taken")
    } else {
        None
    };
    Named { name, changed }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(names: Names, sources: &[&str]) -> Vec<String> {
        let wanted: Vec<_> = sources.iter().map(|s| (*s, None)).collect();
        let mut scope = Scope::default();
        let named = assign(names, &wanted, &mut [&mut scope], &vec![0; wanted.len()]);
        named.unwrap_or_default().into_iter().map(|n| n.name).collect()
    }

    #[test]
    fn snake_case_breaks_where_people_do() {
        for (from, to) in [
            ("userId", "user_id"),
            ("HTTPServer", "http_server"),
            ("Order Details", "order_details"),
            ("_id", "_id"),
            ("user_id", "user_id"),
            ("createdAt2", "created_at2"),
            ("a--b", "a_b"),
            ("naïveÜber", "naïve_über"),
            ("😀", "😀"),
            ("(x)", "x"),
            ("end_", "end_"),
        ] {
            assert_eq!(fold(Names::SnakeCase, from), to);
        }
    }

    #[test]
    fn collisions_and_long_names_are_numbered_in_order() {
        assert_eq!(
            all(Names::SnakeCase, &["userId", "user_id", "UserID"]),
            ["user_id", "user_id_2", "user_id_3"]
        );
        assert_eq!(all(Names::Preserve, &["", "unnamed"]), ["unnamed", "unnamed_2"]);
        assert_eq!(all(Names::SnakeCase, &["a", "a_2", "A"]), ["a", "a_2", "a_3"]);
        let long = "é".repeat(40);
        let named = all(Names::Preserve, &[&long, &format!("{long}x")]);
        assert_eq!(named, ["é".repeat(31), format!("{}_2", "é".repeat(30))]);
        assert!(named.iter().all(|n| n.len() <= LIMIT));
    }

    #[test]
    fn names_given_are_taken_first() {
        let mut scope = Scope::default();
        let wanted = [("a", None), ("b", Some("a"))];
        let named = assign(Names::Preserve, &wanted, &mut [&mut scope], &[0, 0]).unwrap_or_default();
        assert_eq!(named[0], Named { name: "a_2".into(), changed: Some("has a name that is taken") });
        assert_eq!(named[1].name, "a");
        let mut scope = Scope::default();
        assert_eq!(
            assign(Names::Preserve, &[("a", Some("x")), ("b", Some("x"))], &mut [&mut scope], &[0, 0]),
            Err(1)
        );
    }

    #[test]
    fn constraint_names_are_postgresql_s() {
        let mut scope = Scope::default();
        let columns = ["email".to_string()];
        assert_eq!(scope.object("users", &columns, "key"), "users_email_key");
        assert_eq!(scope.object("users", &columns, "key"), "users_email_key1");
        assert_eq!(scope.object("users", &[], "pkey"), "users_pkey");
        let long = "t".repeat(63);
        assert_eq!(make_object_name(&long, "", "pkey"), format!("{}_pkey", "t".repeat(58)));
        assert_eq!(
            make_object_name(&long, &"c".repeat(63), "fkey"),
            format!("{}_{}_fkey", "t".repeat(29), "c".repeat(28))
        );
    }
}
