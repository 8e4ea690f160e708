//! Conditions that must all hold. Where an index of the file can serve one, the bare column is compared, so that
//! SQLite sees it, and a row that is found is still checked by its canonical value. Pure.
//!
//! A row that the bare comparison leaves out is one that PostgreSQL would leave out too: [`IndexAccess`] says why.

use super::Printer;
use super::expr::balanced;
use super::literal::literal;
use crate::remote::column::{IndexAccess, Place, Unit};
use crate::remote::shippable;
use crate::remote::shippable::type_of;
use crate::remote::vocabulary::mirrored;
use crate::remote::{Expr, ParameterForm, Type, canonical};
use crate::sqltext::sqlite_ident;
use crate::value::native::Native;

impl Printer<'_> {
    /// ` WHERE …`, or nothing.
    pub fn where_clause(&mut self, conditions: &[Expr]) -> String {
        self.conjunction(conditions).map_or_else(String::new, |all| format!(" WHERE {all}"))
    }

    /// The same, with guards where they are not there already.
    pub fn where_guarded(&mut self, conditions: &[Expr], guards: Vec<String>) -> String {
        let mut parts = self.all_conjuncts(conditions);
        for guard in guards {
            if !parts.contains(&guard) {
                parts.push(guard);
            }
        }
        balanced(parts, "AND").map_or_else(String::new, |all| format!(" WHERE {all}"))
    }

    pub fn conjunction(&mut self, conditions: &[Expr]) -> Option<String> {
        balanced(self.all_conjuncts(conditions), "AND")
    }

    fn all_conjuncts(&mut self, conditions: &[Expr]) -> Vec<String> {
        let mut parts = vec![];
        for condition in conditions {
            self.conjuncts(condition, &mut parts);
        }
        parts
    }

    fn conjuncts(&mut self, condition: &Expr, parts: &mut Vec<String>) {
        if let Expr::And(all) = condition {
            for one in all {
                self.conjuncts(one, parts);
            }
            return;
        }
        match self.indexed(condition) {
            Some(found) => parts.extend(found),
            None => parts.push(self.expr(condition)),
        }
    }

    fn indexed(&mut self, condition: &Expr) -> Option<Vec<String>> {
        match condition {
            Expr::Operator { name, left, right, result: Type::Bool, .. } => {
                if matches!(name.as_str(), "=" | "<" | "<=" | ">" | ">=") {
                    self.direct(name, left, right)
                        .or_else(|| self.spelt(condition, name, left, std::slice::from_ref(right)))
                        .or_else(|| self.spelt(condition, name, right, std::slice::from_ref(left)))
                        .or_else(|| self.nearby(condition, name, left, right))
                        .or_else(|| self.nearby(condition, mirrored(name), right, left))
                } else if matches!(name.as_str(), "~~" | "^@") {
                    self.prefixed(condition, name, left, right)
                } else {
                    None
                }
            }
            Expr::Function { name, args, .. } if name == "starts_with" => match args.as_slice() {
                [left, right] => self.prefixed(condition, "^@", left, right),
                _ => None,
            },
            Expr::ArrayTest { name, left, elements, all: false, .. } if name == "=" => {
                if let Some(found) = self.spelt(condition, name, left, elements) {
                    return Some(found);
                }
                let (bare, guard) =
                    self.place(left, IndexAccess::Direct).map(|p| (p.equated(), p.guard()))?;
                let found = format!("{bare} IN {}", self.elements(elements));
                Some(std::iter::once(found).chain(guard).collect())
            }
            Expr::NullTest { arg, negated: false } => {
                // An invalid value may be NULL here.
                let place = self.place(arg, IndexAccess::Direct)?;
                let strict = place.column.on_invalid != crate::value::batch::OnInvalid::Null;
                strict.then(|| vec![format!("{} IS NULL", place.cell())])
            }
            _ => None,
        }
    }

    fn place(&self, expr: &Expr, access: IndexAccess) -> Option<Place<'_>> {
        let Expr::Column(var) = expr else { return None };
        shippable::place(*var, self.tables).filter(|place| place.access() == Some(access))
    }

    /// Bare columns on the sides that an index may serve, what is canonical on the other.
    fn direct(&mut self, name: &str, left: &Expr, right: &Expr) -> Option<Vec<String>> {
        let printed = |place: &Place<'_>| if name == "=" { place.equated() } else { place.bare() };
        let sides =
            [left, right].map(|side| self.place(side, IndexAccess::Direct).map(|p| (printed(&p), p.guard())));
        if sides.iter().all(Option::is_none) {
            return None;
        }
        let mut printed = vec![];
        for (side, place) in [left, right].into_iter().zip(&sides) {
            printed.push(match place {
                Some((bare, _)) => bare.clone(),
                None => self.expr(side),
            });
        }
        let guards = sides.into_iter().flatten().filter_map(|(_, guard)| guard);
        Some(std::iter::once(printed.join(&format!(" {name} "))).chain(guards).collect())
    }

    /// A range of the bare column around what a time is compared with, and the comparison itself.
    fn nearby(&mut self, exact: &Expr, name: &str, column: &Expr, value: &Expr) -> Option<Vec<String>> {
        if type_of(column, self.tables) != type_of(value, self.tables) {
            return None;
        }
        let Expr::Column(var) = column else { return None };
        let place = shippable::place(*var, self.tables)?;
        let (access, cell) = (place.access()?, place.cell());
        let range = match access {
            IndexAccess::Direct | IndexAccess::Spelt => return None,
            IndexAccess::Unit(unit) => self.near_unit(unit, name, &cell, value)?,
            IndexAccess::Day => self.near_day(name, &cell, value)?,
        };
        Some(vec![range, self.expr(exact)])
    }

    /// A unit on either side covers what is read to the nearest microsecond; texts are ISO-8601.
    fn near_unit(&mut self, unit: Unit, name: &str, cell: &str, value: &Expr) -> Option<String> {
        let form = match unit {
            Unit::Seconds => ParameterForm::UnixSeconds,
            Unit::Milliseconds => ParameterForm::UnixMilliseconds,
            Unit::Microseconds => ParameterForm::UnixMicroseconds,
        };
        let bound = self.bound(value, form)?;
        let numbers = match name {
            "=" => format!("{cell} BETWEEN {bound} - 1 AND {bound} + 1"),
            "<" | "<=" => format!("{cell} <= {bound} + 1"),
            _ => format!("{cell} >= {bound} - 1"),
        };
        Some(format!("({numbers} OR {cell} >= '')"))
    }

    fn near_day(&mut self, name: &str, cell: &str, value: &Expr) -> Option<String> {
        let mut parts = vec![];
        if name != "<" && name != "<=" {
            parts.push(format!("{cell} >= {}", self.bound(value, ParameterForm::IsoDayFrom)?));
        }
        if name != ">" && name != ">=" {
            parts.push(format!("{cell} < {}", self.bound(value, ParameterForm::IsoDayTo)?));
        }
        balanced(parts, "AND")
    }

    /// Cells that may be one of these UUIDs: texts that begin with the same digits, each spelling a range of the index,
    /// and the bytes. A digit or a dash follows, so that the range's ends need not look like numbers, which a column may
    /// turn them into.
    fn spelt(&mut self, exact: &Expr, name: &str, column: &Expr, values: &[Expr]) -> Option<Vec<String>> {
        let place = self.place(column, IndexAccess::Spelt)?;
        let known =
            |value: &Expr| matches!(value, Expr::Const(..) | Expr::Param { .. } | Expr::ArrayParam { .. });
        if name != "=" || !values.iter().all(known) || values.is_empty() {
            return None;
        }
        let (found, cell) = (place.equated(), format!("x.{}", sqlite_ident(&place.column.name)));
        let table = sqlite_ident(&place.table.name);
        let list = match values {
            [Expr::ArrayParam { index, element }] => {
                let array = self.parameter(*index, *element, ParameterForm::JsonArray);
                format!("SELECT value FROM json_each({array})")
            }
            values => {
                let rows: Vec<String> =
                    values.iter().map(|value| format!("({})", self.expr(value))).collect();
                format!("VALUES {}", rows.join(", "))
            }
        };
        let near = format!(
            "{found} IN (WITH v(uuid) AS ({list}) SELECT {cell} FROM v \
             CROSS JOIN json_each(pg_uuid_begins(v.uuid)) AS p CROSS JOIN main.{table} AS x \
             WHERE {cell} COLLATE BINARY >= p.value || '-' AND {cell} COLLATE BINARY < p.value || 'g' \
             UNION ALL SELECT unhex(uuid, '-') FROM v)"
        );
        Some(vec![near, self.expr(exact)])
    }

    /// A constant or parameter in another form than the canonical one.
    fn bound(&mut self, value: &Expr, form: ParameterForm) -> Option<String> {
        match value {
            Expr::Const(type_, value) => {
                let cell = canonical::parameter(*type_, form, value).ok()?;
                Some(super::literal::cell_literal(&cell))
            }
            Expr::Param { index, type_ } => Some(self.parameter(*index, *type_, form)),
            _ => None,
        }
    }

    /// Texts that begin with a constant are a range, if they are sorted by bytes in the file.
    fn prefixed(&mut self, exact: &Expr, name: &str, column: &Expr, pattern: &Expr) -> Option<Vec<String>> {
        let Expr::Const(_, Native::Text(pattern)) = pattern else { return None };
        let place = self.place(column, IndexAccess::Direct)?;
        let prefix = if name == "~~" { literal_prefix(pattern) } else { pattern.to_string() };
        if prefix.is_empty() || place.column.type_ != Type::Text {
            return None;
        }
        let text = |text: String| literal(&Native::Text(text.into()));
        let bare = place.bare();
        let above = successor(&prefix).map(|end| format!("{bare} < {}", text(end)));
        let mut parts = vec![format!("{bare} >= {}", text(prefix))];
        parts.extend(above);
        parts.push(self.expr(exact));
        Some(parts)
    }
}

/// What every text that a LIKE pattern matches begins with.
fn literal_prefix(pattern: &str) -> String {
    let mut prefix = String::new();
    let mut characters = pattern.chars();
    while let Some(c) = characters.next() {
        match c {
            '%' | '_' => break,
            '\\' => match characters.next() {
                Some(escaped) => prefix.push(escaped),
                None => break,
            },
            c => prefix.push(c),
        }
    }
    prefix
}

/// The first text after all those that begin with `prefix`; UTF-8 sorts as its characters do.
fn successor(prefix: &str) -> Option<String> {
    let mut rest = prefix.to_owned();
    while let Some(last) = rest.pop() {
        let next = if last == '\u{D7FF}' { Some('\u{E000}') } else { char::from_u32(u32::from(last) + 1) };
        if let Some(next) = next {
            rest.push(next);
            return Some(rest);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_of_patterns_end_at_the_first_wildcard() {
        for (pattern, prefix) in
            [("abc%", "abc"), ("%a", ""), ("a_c", "a"), ("a\\%b%", "a%b"), ("a\\", "a"), ("ab", "ab")]
        {
            assert_eq!(literal_prefix(pattern), prefix);
        }
    }

    #[test]
    fn the_successor_is_above_every_text_with_the_prefix() {
        assert_eq!(successor("abc").as_deref(), Some("abd"));
        assert_eq!(successor("a\u{10FFFF}").as_deref(), Some("b"));
        assert_eq!(successor("\u{D7FF}").as_deref(), Some("\u{E000}"));
        assert_eq!(successor("\u{10FFFF}"), None);
        assert_eq!(successor("\u{7f}").as_deref(), Some("\u{80}"));
    }
}
