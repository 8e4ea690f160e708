//! Comments of PostgreSQL's as comments in the text of a CREATE TABLE: each line of a text is one that begins with `--`,
//! which nothing but a line break ends.

/// A longer comment is left out, with a finding: it is part of a definition, which is read whenever the file is opened.
pub const LONGEST: usize = 64 << 10;

/// The lines of a comment, each with its end and with what the next line begins with; nothing of none.
pub fn lines(comment: Option<&str>) -> String {
    let text = comment.filter(|text| text.len() <= LONGEST).map(str::trim).unwrap_or_default();
    if text.is_empty() {
        return String::new();
    }
    let text = text.replace("\r\n", "\n");
    let line = |line: &str| match line.trim_end() {
        "" => "--\n\t".to_owned(),
        line => format!("-- {line}\n\t"),
    };
    text.split(['\n', '\r', '\0']).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ddl;

    #[test]
    fn no_comment_ends_before_its_line() {
        assert_eq!(lines(None), "");
        assert_eq!(lines(Some(" \n")), "");
        assert_eq!(lines(Some("one\r\n\r\ntwo  \n")), "-- one\n\t--\n\t-- two\n\t");
        for comment in
            ["*/ b TEXT, /*", "a\n); DROP TABLE t; --", "\r, b INT", "-- x\u{2028}y", "'\"`[", "é\\\n\\"]
        {
            let lines = lines(Some(comment));
            let sql = format!("CREATE TABLE t (\n\t{lines}\n\t{lines}\"a\" TEXT\n)");
            let columns = ddl::table(&sql).unwrap().columns;
            assert_eq!(columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["a"], "{sql}");
        }
    }
}
