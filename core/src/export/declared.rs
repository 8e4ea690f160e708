//! Declared types that a log has kept, and that are printed into a file: names of types, and nothing else.

/// The types of STRICT tables: <https://www.sqlite.org/stricttables.html>.
const STRICT: &[&str] = &["ANY", "BLOB", "INT", "INTEGER", "REAL", "TEXT"];

/// Words that end a type's name, or that no name may be: <https://www.sqlite.org/lang_keywords.html> without those that
/// can be names as well.
#[rustfmt::skip]
const NO_NAMES: &[&str] = &[
    "ADD", "ALL", "ALTER", "ALWAYS", "AND", "AS", "AUTOINCREMENT", "BETWEEN",
    "CASE", "CHECK", "COLLATE", "COMMIT", "CONSTRAINT", "CREATE", "DEFAULT", "DEFERRABLE",
    "DELETE", "DISTINCT", "DROP", "ELSE", "ESCAPE", "EXCEPT", "EXISTS", "FOREIGN",
    "FROM", "GENERATED", "GROUP", "HAVING", "IN", "INDEX", "INDEXED", "INSERT",
    "INTERSECT", "INTO", "IS", "ISNULL", "JOIN", "LIMIT", "NOT", "NOTHING",
    "NOTNULL", "NULL", "ON", "OR", "ORDER", "PRIMARY", "REFERENCES", "RETURNING",
    "SELECT", "SET", "TABLE", "THEN", "TO", "TRANSACTION", "UNION", "UNIQUE",
    "UPDATE", "USING", "VALUES", "WHEN", "WHERE",
];

/// Words, and one or two numbers in parentheses: `VARCHAR(10)`, `DOUBLE PRECISION`, `DECIMAL(10, -2)`, or nothing.
pub fn is_type(declared: &str) -> bool {
    let (words, numbers) = match declared.split_once('(') {
        None => (declared, None),
        Some((words, rest)) => match rest.trim_end().strip_suffix(')') {
            Some(numbers) => (words, Some(numbers)),
            None => return false,
        },
    };
    let numbers: Option<Vec<&str>> = numbers.map(|numbers| numbers.split(',').collect());
    words.split_ascii_whitespace().all(is_word)
        && numbers.is_none_or(|numbers| {
            !words.trim().is_empty() && numbers.len() <= 2 && numbers.iter().all(|text| is_number(text))
        })
}

fn is_word(word: &str) -> bool {
    let begins = word.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let is_name = begins && word.chars().all(|c| c.is_alphanumeric() || c == '_');
    is_name && !NO_NAMES.iter().any(|no| no.eq_ignore_ascii_case(word))
}

fn is_number(text: &str) -> bool {
    let text = text.trim();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

/// A type that a STRICT table takes.
pub fn is_strict(declared: &str) -> bool {
    STRICT.iter().any(|name| name.eq_ignore_ascii_case(declared))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_types_are_types() {
        for declared in
            ["", "INT", "varchar(10)", "DOUBLE PRECISION", "DECIMAL ( 10 , -2 )", "Größe", "unsigned big int"]
        {
            assert!(is_type(declared), "{declared}");
        }
        for declared in [
            "INT); ATTACH 'x' AS y; --",
            "INT, b",
            "INT PRIMARY KEY",
            "INT DEFAULT 1",
            "INT--",
            "INT/*",
            "VARCHAR(10",
            "VARCHAR(1)(2)",
            "VARCHAR(1) x",
            "VARCHAR(--1)",
            "(1)",
            "\"a b\"",
            "INT(1,2,3)",
            "INT check(1)",
            "1",
        ] {
            assert!(!is_type(declared), "{declared}");
        }
        assert!(is_strict("int") && !is_strict("VARCHAR") && !is_strict("TEXT "));
    }
}
