//! The body of a trigger's function: statements of PL/pgSQL, and their text. Printing only; `commands` makes them.

use crate::sqltext::literal;

/// A statement of PL/pgSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    /// A statement that writes.
    Sql(String),
    Raise(Raise),
    /// The commands of the first condition that is true, else the last ones.
    If(Vec<(String, Vec<Command>)>, Vec<Command>),
}

/// RAISE, by what it does in PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Raise {
    /// An error with this message, as SQL.
    Error(String),
    /// The row is left alone.
    Ignore,
}

/// What is printed around the commands.
pub(super) struct Frame<'a> {
    /// `NEW`, `OLD` or `NULL`.
    pub returned: &'static str,
    /// The setting that is on while the trigger runs, if it must not fire itself.
    pub running: Option<&'a str>,
}

/// The text between `AS $$` and `$$`.
pub(super) fn print(commands: &[Command], frame: &Frame<'_>) -> String {
    // A name that is a column's as well as one of PL/pgSQL's means the column.
    let mut out = "\n#variable_conflict use_column\nBEGIN\n".to_owned();
    if let Some(setting) = frame.running.map(literal) {
        out += "    -- A trigger that runs already does not fire again.\n";
        out += &format!("    IF pg_trigger_depth() > 1 AND current_setting({setting}, true) = 'on' THEN\n");
        out += &format!("        RETURN {};\n    END IF;\n", frame.returned);
        out += &format!("    PERFORM set_config({setting}, 'on', true);\n");
    }
    print_all(commands, 1, frame, &mut out);
    out += &leave(frame, "    ", frame.returned);
    out + "END\n"
}

/// The end of the function, or of a part of it.
fn leave(frame: &Frame<'_>, indent: &str, returned: &str) -> String {
    let off = frame.running.map(|name| format!("{indent}PERFORM set_config({}, '', true);\n", literal(name)));
    format!("{}{indent}RETURN {returned};\n", off.unwrap_or_default())
}

fn print_all(commands: &[Command], depth: usize, frame: &Frame<'_>, out: &mut String) {
    let indent = "    ".repeat(depth);
    for command in commands {
        match command {
            Command::Sql(sql) => *out += &format!("{indent}{sql};\n"),
            Command::Raise(Raise::Error(message)) => {
                *out += &format!(
                    "{indent}RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation', MESSAGE = {message},\n\
                     {indent}    SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;\n"
                );
            }
            Command::Raise(Raise::Ignore) => *out += &leave(frame, &indent, "NULL"),
            Command::If(branches, otherwise) => {
                for (at, (condition, commands)) in branches.iter().enumerate() {
                    let word = if at == 0 { "IF" } else { "ELSIF" };
                    *out += &format!("{indent}{word} {} THEN\n", apart(condition));
                    print_branch(commands, depth + 1, frame, out);
                }
                if !otherwise.is_empty() {
                    *out += &format!("{indent}ELSE\n");
                    print_branch(otherwise, depth + 1, frame, out);
                }
                *out += &format!("{indent}END IF;\n");
            }
        }
    }
}

/// The statements, and the conditions and messages as statements.
pub(super) fn analysed(commands: &[Command]) -> Vec<String> {
    let mut out = vec![];
    for command in commands {
        match command {
            Command::Sql(sql) => out.push(sql.clone()),
            Command::Raise(Raise::Error(message)) => out.push(format!("SELECT {message}")),
            Command::Raise(Raise::Ignore) => {}
            Command::If(branches, otherwise) => {
                for (condition, commands) in branches {
                    out.push(format!("SELECT {condition}"));
                    out.extend(analysed(commands));
                }
                out.extend(analysed(otherwise));
            }
        }
    }
    out
}

fn print_branch(commands: &[Command], depth: usize, frame: &Frame<'_>, out: &mut String) {
    if commands.is_empty() {
        *out += &format!("{}NULL;\n", "    ".repeat(depth));
    }
    print_all(commands, depth, frame, out);
}

/// PL/pgSQL reads a condition up to the first THEN that is not in parentheses.
fn apart(condition: &str) -> String {
    if condition.contains("THEN") { format!("({condition})") } else { condition.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_conditional_is_indented() {
        let error = || Command::Raise(Raise::Error("'no'".into()));
        let commands = [
            Command::If(
                vec![("a".into(), vec![error()]), ("CASE WHEN b THEN c END".into(), vec![])],
                vec![error()],
            ),
            Command::Sql("DELETE FROM \"t\"".into()),
        ];
        let frame = Frame { returned: "NEW", running: None };
        let raised = "RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation', MESSAGE = 'no',\n            \
                      SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;\n";
        assert_eq!(
            print(&commands, &frame),
            format!(
                "\n#variable_conflict use_column\nBEGIN\n    IF a THEN\n        {raised}    ELSIF (CASE WHEN b THEN c END) THEN\n        \
                 NULL;\n    ELSE\n        {raised}    END IF;\n    DELETE FROM \"t\";\n    RETURN NEW;\nEND\n"
            )
        );
    }

    #[test]
    fn a_guard_is_left_wherever_the_function_ends() {
        let ignore = Command::If(vec![("a".into(), vec![Command::Raise(Raise::Ignore)])], vec![]);
        let text = print(&[ignore], &Frame { returned: "OLD", running: Some("sqlite_trigger.t") });
        assert_eq!(text.matches("PERFORM set_config('sqlite_trigger.t', '', true);").count(), 2);
        assert_eq!(text.matches("PERFORM set_config('sqlite_trigger.t', 'on', true);").count(), 1);
        assert!(
            text.contains("RETURN NULL;\n    END IF;\n    PERFORM") && text.ends_with("RETURN OLD;\nEND\n"),
            "{text}"
        );
    }
}
