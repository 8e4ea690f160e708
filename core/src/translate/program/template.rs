//! A view that has no translation, for a person: its text with PostgreSQL's names, and the place that hinders.

use sqlite3_parser::dialect::TokenType;

use super::{Refusal, Schema, guard};
use crate::sqltext::{ident, sqlite_unquote};

/// Characters of a line that are shown before and after the place.
const AROUND: usize = 60;

/// The line of a statement that hinders, with the expression between « ».
pub fn marked_line(sql: &str, refusal: &Refusal) -> Option<String> {
    let (start, end) = guard::found(sql, refusal.near.as_deref()?)?;
    let (before, near, after) = (sql.get(..start)?, sql.get(start..end)?, sql.get(end..)?);
    let head: Vec<char> = before.rsplit('\n').next()?.chars().rev().take(AROUND).collect();
    let tail: String = after.lines().next().unwrap_or_default().chars().take(AROUND).collect();
    let near = near.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(format!("{}«{near}»{tail}", head.into_iter().rev().collect::<String>().trim_start()))
}

/// The SELECT of a CREATE VIEW with the names of PostgreSQL's tables and columns, the expression that hinders between « »,
/// and the original in a comment. `None` for what cannot be read.
pub fn template(definition: &str, schema: &Schema, refusal: Option<&Refusal>) -> Option<String> {
    let tokens = guard::tokens(definition).ok()?;
    let body = tokens.iter().position(|(_, _, kind)| *kind == TokenType::TK_AS)? + 1;
    let marked = refusal.and_then(|refusal| guard::found(definition, refusal.near.as_deref()?));
    // Where nothing is marked, all of it is to be looked at.
    let first = tokens.get(body)?.0;
    let (start, end) = marked.filter(|(start, _)| *start >= first).unwrap_or((first, definition.len()));
    let mut out = String::new();
    let mut at = first;
    let (mut open, mut ended) = (false, false);
    for (place, (offset, token, kind)) in tokens.iter().enumerate().skip(body) {
        if *kind == TokenType::TK_SEMI {
            ended = true;
            break;
        }
        if open && *offset >= end {
            out.push('»');
            open = false;
        }
        out += definition.get(at..*offset)?;
        if !open && (start..end).contains(offset) {
            out.push('«');
            open = true;
        }
        let previous = tokens.get(place - 1).map(|(_, _, kind)| *kind);
        let next = tokens.get(place + 1).map(|(_, _, kind)| *kind);
        out += &renamed(schema, token, *kind, previous, next).unwrap_or_else(|| (*token).to_owned());
        at = offset + token.len();
    }
    if open {
        out.push('»');
    }
    if !ended {
        out += definition.get(at..)?;
    }
    // A comment within a comment would need two ends.
    let original = definition.replace("/*", "/ *").replace("*/", "* /");
    Some(format!("{}\n/* {original} */", out.trim_end()))
}

/// A name as PostgreSQL has it, if the token is one that the file knows.
fn renamed(
    schema: &Schema,
    token: &str,
    kind: TokenType,
    previous: Option<TokenType>,
    next: Option<TokenType>,
) -> Option<String> {
    use TokenType::{TK_COMMA, TK_DOT, TK_FROM, TK_ID, TK_JOIN, TK_LP};
    if kind != TK_ID || next == Some(TK_LP) {
        return None;
    }
    let name = sqlite_unquote(token);
    let is = |other: &str| other.eq_ignore_ascii_case(&name);
    let relation = schema.relations.iter().find(|relation| is(&relation.source));
    let reads = matches!(previous, Some(TK_FROM | TK_JOIN | TK_COMMA | TK_LP)) && next != Some(TK_DOT);
    if let (true, Some(relation)) = (reads, relation)
        && let Ok(target) = &relation.target
        && !(previous == Some(TK_COMMA) && is_column(schema, &name))
    {
        return Some(target.clone());
    }
    if previous != Some(TK_DOT) && next == Some(TK_DOT) {
        // A table's name in PostgreSQL, or an alias.
        let target = relation.and_then(|relation| relation.target.as_ref().ok());
        let last =
            target.and_then(|target| Some(target.split_once("\".\"")?.1.trim_end_matches('"').to_owned()));
        return Some(ident(&last.unwrap_or(name)));
    }
    let columns = schema.relations.iter().flat_map(|relation| &relation.columns);
    let column = columns.map(|column| &column.column).find(|column| is(&column.source));
    let quoted = token.starts_with(['"', '[', '`']);
    column.map(|column| ident(&column.target)).or_else(|| quoted.then(|| ident(&name)))
}

fn is_column(schema: &Schema, name: &str) -> bool {
    let mut columns = schema.relations.iter().flat_map(|relation| &relation.columns);
    columns.any(|column| column.column.source.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::super::{Relation, view};
    use super::*;

    fn schema() -> Schema {
        let gone = |name: &str, target: Result<String, String>| Relation {
            source: name.to_owned(),
            target,
            columns: vec![],
            rowid: None,
            view: None,
        };
        let there = gone("Items", Ok("\"app\".\"items\"".into()));
        Schema { relations: vec![there, gone("lost", Err("is not there".into()))], ..Schema::default() }
    }

    fn of(definition: &str) -> (String, String) {
        let schema = schema();
        let refusal = view(definition, &schema, str::to_owned).err();
        let marked = refusal.as_ref().and_then(|refusal| marked_line(definition, refusal));
        (template(definition, &schema, refusal.as_ref()).unwrap_or_default(), marked.unwrap_or_default())
    }

    #[test]
    fn tables_get_their_names_and_the_place_is_marked() {
        let (sql, marked) = of("CREATE VIEW v AS\nSELECT [Items].x, nosuch(1)\nFROM items, lost;");
        assert_eq!(
            sql,
            "SELECT \"items\".x, nosuch(1)\nFROM \"app\".\"items\", «lost»\n\
             /* CREATE VIEW v AS\nSELECT [Items].x, nosuch(1)\nFROM items, lost; */"
        );
        assert_eq!(marked, "FROM items, «lost»;");
    }

    #[test]
    fn a_comment_does_not_end_the_comment() {
        let (sql, _) = of("CREATE VIEW v AS SELECT /* a */ nosuch(2) -- b");
        assert_eq!(
            sql,
            "SELECT /* a */ «nosuch(2)» -- b\n/* CREATE VIEW v AS SELECT / * a * / nosuch(2) -- b */"
        );
    }

    #[test]
    fn what_cannot_be_read_has_no_template() {
        for definition in ["", "CREATE VIEW v", "CREATE VIEW v AS", "SELECT 'x"] {
            assert_eq!(template(definition, &schema(), None), None, "{definition}");
        }
    }
}
