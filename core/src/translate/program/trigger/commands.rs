//! The statements of a trigger -> those of PL/pgSQL.
//!
//! Nobody sees what a SELECT of a trigger returns: it is there for the RAISE in it, which is reached under conditions. A
//! SELECT without RAISE has no effect, and is left out once it is known to be translatable: a function of the application
//! in it might have one.

use sqlite3_parser::ast::{
    Expr, FromClause, Id, Limit, Literal, Name, OneSelect, ResolveType, ResultColumn, Select, TriggerCmd,
};

use super::super::LONGEST;
use super::super::guard::{self, Part};
use super::super::scope::Level;
use super::super::write::Write;
use super::body::{Command, Raise};
use crate::sqltext::{literal, sqlite_unquote};
use crate::translate::compare::{self, Op};
use crate::translate::expr::Walk;
use crate::translate::node::{Node, Prec, Result, refuse};

/// The most RAISE that rows of one SELECT reach: each asks for the rows once more.
const MOST_RAISES: usize = 100;

impl<'s> Walk<'s> {
    /// A statement of a trigger's body.
    pub(super) fn performs(&mut self, command: &'s TriggerCmd<'s>) -> Result<Vec<Command>> {
        if let TriggerCmd::Select(select) = command {
            return self.performed(select);
        }
        match Write::of_trigger(command) {
            Some(write) => Ok(vec![Command::Sql(self.write(&write)?)]),
            None => refuse("a statement that is none of a trigger"),
        }
    }

    /// A SELECT for the sake of the RAISE in it.
    fn performed(&mut self, select: &'s Select<'s>) -> Result<Vec<Command>> {
        if !raises([Part::Select(select)]) {
            self.query(select)?;
            return Ok(vec![]);
        }
        let compound = select.body.compounds.as_deref().is_some_and(|arms| !arms.is_empty());
        let OneSelect::Select { columns, from, where_clause, group_by, having, window_clause, .. } =
            &select.body.select
        else {
            return refuse("RAISE in VALUES");
        };
        if compound || window_clause.is_some() {
            return refuse("RAISE in a SELECT with UNION or windows");
        }
        let known = self.program()?.ctes.len();
        let with = select.with.as_ref().map(|with| self.with_clause(with)).transpose()?;
        self.program()?.levels.push(Level::default());
        let commands = match (from.as_ref().filter(|from| from.select.is_some()), with) {
            (None, _) if group_by.is_some() || having.is_some() => {
                refuse("RAISE in a SELECT of groups without a table")
            }
            (None, None) => self.conditional(*where_clause, columns, select.limit),
            (from, with) => self.of_rows(select, with.as_deref().unwrap_or(""), from),
        };
        self.program()?.levels.pop();
        self.program()?.ctes.truncate(known);
        commands
    }

    /// `SELECT … WHERE …` without a table.
    fn conditional(
        &mut self,
        condition: Option<&'s Expr<'s>>,
        columns: &'s [ResultColumn<'s>],
        limit: Option<&'s Limit<'s>>,
    ) -> Result<Vec<Command>> {
        check_limit(limit)?;
        let condition = condition.map(|e| self.expr(e)?.truth()).transpose()?;
        let commands = self.results_of(columns)?;
        Ok(match condition {
            Some(condition) => vec![Command::If(vec![(condition.sql, commands)], vec![])],
            None => commands,
        })
    }

    /// `WITH … SELECT … FROM … WHERE …`: what is raised for any of the rows.
    fn of_rows(
        &mut self,
        select: &'s Select<'s>,
        with: &str,
        from: Option<&'s FromClause<'s>>,
    ) -> Result<Vec<Command>> {
        let OneSelect::Select { columns, where_clause, group_by, having, .. } = &select.body.select else {
            return refuse("RAISE in VALUES");
        };
        let tables = match from {
            Some(from) => format!(" FROM {}", self.joined_tables(from)?),
            None => String::new(),
        };
        self.begin(columns, &[])?;
        let condition = match where_clause {
            Some(e) => vec![self.expr(e)?.truth()?.at(Prec::Not)],
            None => vec![],
        };
        let groups = self.group(group_by.unwrap_or(&[]), columns, *having, &[])?;
        let grouped = self.level()?.grouped;
        let of_groups = match having {
            Some(e) => vec![self.expr(e)?.truth()?.at(Prec::Not)],
            None => vec![],
        };
        let commands = self.results_of(columns)?;
        let around = condition.iter().chain(&of_groups).chain(&groups).map(String::len).sum::<usize>();
        let reached = Reached::of(&commands, with.len() + tables.len() + around)?;
        // Which rows come first is not certain.
        let bare = matches!(reached.as_slice(), [(conditions, _)] if conditions.is_empty());
        if !bare && select.limit.is_some() {
            return refuse("RAISE for some of the rows of a SELECT with LIMIT");
        }
        check_limit(select.limit)?;
        if reached.len() > 1 {
            self.note("of several RAISE that rows of a SELECT reach, the first in its text is raised");
        }
        let exists = |conditions: Vec<String>| {
            let (mut condition, mut of_groups) = (condition.clone(), of_groups.clone());
            if grouped {
                of_groups.extend(conditions)
            } else {
                condition.extend(conditions)
            }
            let clause = |word: &str, parts: Vec<String>| match parts.is_empty() {
                true => String::new(),
                false => format!(" {word} {}", parts.join(" AND ")),
            };
            let groups = groups.clone().unwrap_or_default();
            let tail = clause("WHERE", condition) + &groups + &clause("HAVING", of_groups);
            format!("EXISTS ({with}SELECT{tables}{tail})")
        };
        let raised = |(conditions, raise)| {
            Command::If(vec![(exists(conditions), vec![Command::Raise(raise)])], vec![])
        };
        Ok(reached.into_iter().map(raised).collect())
    }

    fn results_of(&mut self, columns: &'s [ResultColumn<'s>]) -> Result<Vec<Command>> {
        let mut commands = vec![];
        for column in columns {
            if let ResultColumn::Expr(e, _) = column {
                commands.extend(self.evaluated(e)?);
            }
        }
        Ok(commands)
    }

    /// What the evaluation of an expression does whose value nobody sees.
    fn evaluated(&mut self, e: &'s Expr<'s>) -> Result<Vec<Command>> {
        if !raises([Part::Expr(e)]) {
            self.expr(e)?;
            return Ok(vec![]);
        }
        match e {
            Expr::Raise(kind, message) => Ok(vec![Command::Raise(self.raise(*kind, *message)?)]),
            Expr::Parenthesized(items) if items.len() == 1 => self.evaluated(&items[0]),
            Expr::Subquery(select) => self.performed(select),
            Expr::Case { base, when_then_pairs, else_expr } => self.cases(*base, when_then_pairs, *else_expr),
            Expr::FunctionCall { name, args: Some(args), .. } => {
                match (sqlite_unquote(name.0).to_ascii_lowercase().as_str(), *args) {
                    ("iif" | "if", [condition, then, rest @ ..]) if rest.len() < 2 => {
                        let condition = self.expr(condition)?.truth()?.sql;
                        let branch = (condition, self.evaluated(then)?);
                        let otherwise = rest.first().map(|e| self.evaluated(e)).transpose()?;
                        Ok(vec![Command::If(vec![branch], otherwise.unwrap_or_default())])
                    }
                    ("coalesce" | "ifnull", [values @ .., last])
                        if !raises(values.iter().map(Part::Expr)) =>
                    {
                        let nulls =
                            values.iter().map(|e| Ok(compare::is_null(&self.expr(e)?, false).at(Prec::Not)));
                        let nulls = nulls.collect::<Result<Vec<String>>>()?.join(" AND ");
                        Ok(vec![Command::If(vec![(nulls, self.evaluated(last)?)], vec![])])
                    }
                    _ => refuse("RAISE as an argument of a function"),
                }
            }
            _ => refuse("RAISE within an expression whose value depends on it"),
        }
    }

    fn cases(
        &mut self,
        base: Option<&'s Expr<'s>>,
        pairs: &'s [(Expr<'s>, Expr<'s>)],
        otherwise: Option<&'s Expr<'s>>,
    ) -> Result<Vec<Command>> {
        let base = base.map(|e| self.expr(e)).transpose()?;
        let (mut branches, mut bytes) = (vec![], 0);
        for (when, then) in pairs {
            let when = self.expr(when)?;
            let condition: Node = match &base {
                Some(base) => {
                    let (base, when) = self.pair(base.clone(), when, false)?;
                    compare::compare(base, Op::Eq, when)?
                }
                None => when.truth()?,
            };
            bytes += condition.sql.len();
            if bytes > LONGEST {
                return refuse("the conditions of a RAISE are too long");
            }
            branches.push((condition.sql, self.evaluated(then)?));
        }
        let otherwise = otherwise.map(|e| self.evaluated(e)).transpose()?.unwrap_or_default();
        if otherwise.is_empty() {
            // Conditions after the last RAISE decide nothing.
            while branches.last().is_some_and(|(_, commands)| commands.is_empty()) {
                branches.pop();
            }
        }
        Ok(vec![Command::If(branches, otherwise)])
    }

    fn raise(&mut self, kind: ResolveType, message: Option<&'s Expr<'s>>) -> Result<Raise> {
        match kind {
            ResolveType::Ignore => return Ok(Raise::Ignore),
            ResolveType::Fail => {
                self.note(
                    "RAISE(FAIL) undoes all that the statement did, where SQLite keeps the rows before",
                );
            }
            ResolveType::Rollback | ResolveType::Abort | ResolveType::Replace => {}
        }
        let Some(message) = message else { return refuse("RAISE without a message") };
        // A name is the text: SQLite before 3.47 knows no other expression here.
        if let Expr::Id(Id(word)) | Expr::Name(Name(word)) = message {
            return Ok(Raise::Error(literal(&sqlite_unquote(word))));
        }
        let level = self.level()?;
        let (of_rows, before) = (!level.relations.is_empty(), std::mem::take(&mut level.named));
        let node = self.expr(message)?;
        let node = self.as_text(node)?;
        let level = self.level()?;
        if of_rows && level.named {
            return refuse("the message of a RAISE is computed from rows");
        }
        level.named |= before;
        let text = node.text()?;
        // A message must not be NULL.
        Ok(Raise::Error(match text.literal() {
            Some(_) if !text.is_null() => text.sql,
            _ => format!("coalesce({}, '')", text.sql),
        }))
    }
}

fn raises<'a>(roots: impl IntoIterator<Item = Part<'a>>) -> bool {
    let mut open: Vec<Part<'a>> = roots.into_iter().collect();
    while let Some(part) = open.pop() {
        if let Part::Expr(Expr::Raise(..)) = part {
            return true;
        }
        guard::parts(part, &mut |part| open.push(part));
    }
    false
}

/// A limit that leaves a row.
fn check_limit(limit: Option<&Limit<'_>>) -> Result<()> {
    let Some(limit) = limit else { return Ok(()) };
    let leaves = match &limit.expr {
        Expr::Literal(Literal::Numeric(digits)) => digits.parse::<u64>().is_ok_and(|n| n > 0),
        _ => false,
    };
    if leaves && limit.offset.is_none() { Ok(()) } else { refuse("RAISE in a SELECT with such a LIMIT") }
}

/// Under which conditions each RAISE is reached.
struct Reached {
    found: Vec<(Vec<String>, Raise)>,
    /// Of a statement without its conditions.
    around: usize,
    /// Of all statements.
    bytes: usize,
}

impl Reached {
    fn of(commands: &[Command], around: usize) -> Result<Vec<(Vec<String>, Raise)>> {
        let mut reached = Reached { found: vec![], around, bytes: 0 };
        reached.add(commands, &mut vec![])?;
        Ok(reached.found)
    }

    /// `under` is what must be true before. Only what a RAISE is reached by is copied.
    fn add(&mut self, commands: &[Command], under: &mut Vec<String>) -> Result<()> {
        for command in commands {
            match command {
                Command::Sql(_) => {}
                Command::Raise(raise) => {
                    self.bytes += self.around + under.iter().map(String::len).sum::<usize>();
                    if self.found.len() >= MOST_RAISES || self.bytes > LONGEST {
                        return refuse("rows of a SELECT reach too many RAISE");
                    }
                    self.found.push((under.clone(), raise.clone()));
                }
                Command::If(branches, otherwise) => {
                    let before = under.len();
                    for (condition, commands) in branches {
                        under.push(format!("({condition})"));
                        self.add(commands, under)?;
                        under.pop();
                        under.push(format!("({condition}) IS NOT TRUE"));
                    }
                    self.add(otherwise, under)?;
                    under.truncate(before);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raise(message: &str) -> Command {
        Command::Raise(Raise::Error(message.to_owned()))
    }

    /// `CASE WHEN c0 THEN RAISE … WHEN c1 …`
    fn cases(count: usize, condition: &str) -> Vec<Command> {
        let branches = (0..count).map(|at| (format!("{condition}{at}"), vec![raise("no")])).collect();
        vec![Command::If(branches, vec![])]
    }

    #[test]
    fn each_raise_comes_after_those_before_it() {
        let inner = Command::If(vec![("b".into(), vec![raise("1")])], vec![raise("2")]);
        let commands = [Command::If(vec![("a".into(), vec![inner])], vec![raise("3")]), raise("4")];
        let reached = Reached::of(&commands, 0).unwrap();
        let shown: Vec<String> =
            reached.iter().map(|(under, raise)| format!("{}: {raise:?}", under.join(" AND "))).collect();
        assert_eq!(
            shown,
            [
                "(a) AND (b): Error(\"1\")",
                "(a) AND (b) IS NOT TRUE: Error(\"2\")",
                "(a) IS NOT TRUE: Error(\"3\")",
                ": Error(\"4\")"
            ]
        );
    }

    #[test]
    fn too_many_are_refused() {
        assert_eq!(Reached::of(&cases(MOST_RAISES, "c"), 0).unwrap().len(), MOST_RAISES);
        assert!(Reached::of(&cases(MOST_RAISES + 1, "c"), 0).is_err());
        assert!(Reached::of(&cases(8_000, "c"), 0).is_err());
        assert!(Reached::of(&cases(90, &"c".repeat(200)), 0).is_err());
        assert!(Reached::of(&cases(10, "c"), LONGEST / 5).is_err());
    }
}
