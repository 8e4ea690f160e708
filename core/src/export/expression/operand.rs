//! Operands: columns, constants, casts, arithmetic, CASE and calls.

use super::cast::{cast, number};
use super::column::column_node;
use super::comparison::comparable;
use super::tokens::Token;
use super::{Class, Node, Of, Parser, Result, constant_text, flag, plain, refuse};
use crate::export::convert::OnInvalid;
use crate::sqltext::sqlite_ident;

impl Parser<'_> {
    /// An operand, or one operator between two of them: PostgreSQL prints parentheses round each.
    pub(in crate::export) fn arithmetic(&mut self) -> Result<Node> {
        let left = self.operand()?;
        let Some(Token::Mark(operator)) = self.peek().cloned() else { return Ok(left) };
        if !matches!(operator.as_str(), "+" | "-" | "*" | "/" | "%" | "||") {
            return Ok(left);
        }
        self.at += 1;
        let right = self.operand()?;
        if operator == "||" {
            return concatenated(&left, &right);
        }
        let whole = |node: &Node| node.class == Class::Number && node.of <= Of::BigInt;
        if !whole(&left) || !whole(&right) {
            return refuse(format!("operator {operator} of anything but integers is not carried over"));
        }
        let of = left.of.max(right.of);
        Ok(Node { of, ..plain(format!("({} {operator} {})", left.sql, right.sql), Class::Number) })
    }

    /// A column, constant or parenthesis, with its casts.
    fn operand(&mut self) -> Result<Node> {
        let mut node = self.primary()?;
        while self.take("::") {
            let name = self.type_name()?;
            node = Node { column: None, ..cast(node, &name)? };
        }
        Ok(node)
    }

    fn primary(&mut self) -> Result<Node> {
        let Some(token) = self.peek().cloned() else { return refuse("the expression ends too early") };
        self.at += 1;
        match token {
            Token::Mark(mark) if mark == "(" => {
                let node = self.or()?;
                self.need(")")?;
                Ok(node)
            }
            Token::Mark(mark) if mark == "-" => self.negative(),
            Token::Number(digits) => number(&digits),
            Token::Text(text) => Ok(constant_text(text, Of::Other)),
            Token::Word(word) if word == "CASE" => self.case(),
            Token::Name(name) if self.take("(") => self.call(&name),
            Token::Word(word) if word.eq_ignore_ascii_case("true") => Ok(flag("1")),
            Token::Word(word) if word.eq_ignore_ascii_case("false") => Ok(flag("0")),
            Token::Word(word) if word.eq_ignore_ascii_case("null") => {
                Ok(Node { constant: true, ..plain("NULL".into(), Class::Null) })
            }
            Token::Word(word) if self.take("(") => self.call(&word),
            Token::Word(word) if word == "VALUE" && self.value.is_some() => match self.value {
                Some(column) => Ok(column_node(column)),
                None => refuse("VALUE is no column"),
            },
            Token::Name(name) | Token::Word(name) => self.column(name),
            Token::Mark(mark) => refuse(format!("\"{mark}\" is not carried over")),
        }
    }

    fn negative(&mut self) -> Result<Node> {
        if let Some(Token::Number(digits)) = self.peek().cloned() {
            self.at += 1;
            return number(&format!("-{digits}"));
        }
        self.deeper()?;
        let node = self.operand()?;
        self.depth -= 1;
        match node.class {
            Class::Number if node.of <= Of::BigInt => {
                Ok(Node { of: node.of, ..plain(format!("(- {})", node.sql), Class::Number) })
            }
            _ => refuse("operator - of anything but an integer is not carried over"),
        }
    }

    /// `name`, or `alias.name`.
    fn column(&mut self, first: String) -> Result<Node> {
        let mut alias = None;
        let mut name = first;
        if self.take(".") {
            let Some(Token::Name(next) | Token::Word(next)) = self.peek().cloned() else {
                return refuse("whole rows are not carried over");
            };
            self.at += 1;
            alias = Some(std::mem::replace(&mut name, next));
        }
        let scopes = self.scopes.iter().enumerate();
        let mut of_alias = scopes.filter(|(_, scope)| alias.is_none() || scope.alias == alias);
        let found = of_alias.find_map(|(at, scope)| {
            let place = scope.columns.iter().position(|c| c.source.name == name)?;
            Some((at, scope, place))
        });
        let Some((at, scope, place)) = found else {
            return refuse(format!("\"{name}\" is not carried over"));
        };
        let column = scope.columns[place];
        let node = column_node(column);
        if node.class == Class::Other && column.on_invalid != OnInvalid::Error {
            return refuse(node.reason());
        }
        let sql = match &scope.alias {
            Some(alias) => format!("{}.{}", sqlite_ident(alias), node.sql),
            None => node.sql.clone(),
        };
        Ok(Node { sql, column: Some((at, place)), ..node })
    }

    fn case(&mut self) -> Result<Node> {
        let of = match self.peek() {
            Some(token) if token.is("WHEN") => None,
            _ => Some(self.or()?),
        };
        let (mut sql, mut values) = (String::from("CASE"), vec![]);
        if let Some(of) = &of {
            sql.push_str(&format!(" {}", of.sql));
        }
        while self.take("WHEN") {
            let when = self.or()?;
            match &of {
                Some(of) => comparable(of, &when, true)?,
                None if when.class == Class::Boolean => {}
                None => return refuse("a WHEN is no condition"),
            }
            self.need("THEN")?;
            let then = self.or()?;
            sql.push_str(&format!(" WHEN {} THEN {}", when.sql, then.sql));
            values.push(then);
        }
        if self.take("ELSE") {
            let value = self.or()?;
            sql.push_str(&format!(" ELSE {}", value.sql));
            values.push(value);
        }
        self.need("END")?;
        one_of(format!("({sql} END)"), &values)
    }

    fn call(&mut self, name: &str) -> Result<Node> {
        if self.aggregates && matches!(name, "count" | "sum" | "min" | "max") {
            return self.aggregate(name);
        }
        let mut arguments = vec![];
        if !self.take(")") {
            loop {
                arguments.push(self.or()?);
                if !self.take(",") {
                    break;
                }
            }
            self.need(")")?;
        }
        let other = || refuse(format!("function {name}() of such an argument is not carried over"));
        match (name, arguments.as_slice()) {
            ("length" | "char_length" | "character_length", [text]) => match text.class {
                Class::Text | Class::Bytes => {
                    Ok(Node { of: Of::Integer, ..plain(format!("length({})", text.sql), Class::Number) })
                }
                _ => refuse(format!("function {name}() of anything but a text is not carried over")),
            },
            ("abs", [number]) if number.class == Class::Number && number.of <= Of::BigInt => {
                Ok(Node { of: number.of, ..plain(format!("abs({})", number.sql), Class::Number) })
            }
            ("abs", _) => other(),
            ("lower" | "upper", _) => refuse(format!("function {name}() of SQLite knows ASCII letters only")),
            ("COALESCE", [only]) => Ok(only.clone()),
            ("COALESCE", [_, ..]) => {
                let list: Vec<&str> = arguments.iter().map(|node| node.sql.as_str()).collect();
                one_of(format!("coalesce({})", list.join(", ")), &arguments)
            }
            ("NULLIF", [value, null]) => {
                comparable(value, null, true)?;
                Ok(Node {
                    of: value.of,
                    ..plain(format!("nullif({}, {})", value.sql, null.sql), value.class)
                })
            }
            _ => refuse(format!("function {name}() is not carried over")),
        }
    }

    /// After its parenthesis.
    fn aggregate(&mut self, name: &str) -> Result<Node> {
        self.aggregated = true;
        // Nothing is aggregated twice.
        self.aggregates = false;
        if name == "count" && self.take("*") {
            self.need(")")?;
            self.aggregates = true;
            return Ok(Node { of: Of::BigInt, ..plain("count(*)".into(), Class::Number) });
        }
        let distinct = if self.take("DISTINCT") { "DISTINCT " } else { "" };
        let argument = self.or()?;
        self.need(")")?;
        self.aggregates = true;
        if matches!(self.peek(), Some(token) if token.is("FILTER") || token.is("OVER")) {
            return refuse(format!("FILTER and OVER of {name}() are not carried over"));
        }
        if !distinct.is_empty() {
            comparable(&argument, &argument, true)?;
        }
        let sql = format!("{name}({distinct}{})", argument.sql);
        match (name, argument.class) {
            ("count", _) => Ok(Node { of: Of::BigInt, ..plain(sql, Class::Number) }),
            ("sum", Class::Number) if argument.of <= Of::Integer => {
                Ok(Node { of: Of::BigInt, ..plain(sql, Class::Number) })
            }
            ("sum", _) => refuse("sum() of anything but integers of 32 bits is not carried over"),
            (_, Class::Number | Class::Bytes | Class::Date | Class::Timestamp)
                if argument.of != Of::Padded =>
            {
                Ok(Node { of: argument.of, ..plain(sql, argument.class) })
            }
            _ => {
                comparable(&argument, &argument, false)?;
                refuse(format!("function {name}() of such an argument is not carried over"))
            }
        }
    }

    /// A type's name as `format_type` prints it. One with modifiers is refused: a cast to it rounds or shortens.
    pub(super) fn type_name(&mut self) -> Result<String> {
        const FOLLOW: &[&str] = &["precision", "varying", "without", "with", "time", "zone"];
        let mut words: Vec<String> = vec![];
        while let Some(Token::Word(word) | Token::Name(word)) = self.peek() {
            let after_dot = words.last().is_some_and(|last| last == ".");
            if !words.is_empty() && !after_dot && !FOLLOW.contains(&word.as_str()) {
                break;
            }
            words.push(word.clone());
            self.at += 1;
            if self.take(".") {
                words.push(".".into());
            }
            if self.peek().is_some_and(|token| token.is("(")) {
                return refuse(format!(
                    "a cast to {} of a given length is not carried over",
                    words.join(" ")
                ));
            }
        }
        while self.take("[") {
            self.need("]")?;
            words.push("[]".into());
        }
        if words.is_empty() { refuse("a type's name is not understood") } else { Ok(words.join(" ")) }
    }
}

fn concatenated(left: &Node, right: &Node) -> Result<Node> {
    let text = |node: &Node| match node.class {
        Class::Text | Class::Bytes if node.of != Of::Padded => Some((node.sql.clone(), node.class)),
        Class::Number if node.of <= Of::BigInt => {
            Some((format!("CAST({} AS TEXT)", node.sql), Class::Number))
        }
        _ => None,
    };
    let (Some((left, one)), Some((right, other))) = (text(left), text(right)) else {
        return refuse("operator || of anything but texts and integers is not carried over");
    };
    match (one, other) {
        (Class::Number, Class::Number) => refuse("operator || of two integers is not carried over"),
        (Class::Bytes, Class::Bytes) => Ok(plain(format!("({left} || {right})"), Class::Bytes)),
        _ => Ok(plain(format!("({left} || {right})"), Class::Text)),
    }
}

/// An expression that has the value of one of these, which must be of one kind.
fn one_of(sql: String, values: &[Node]) -> Result<Node> {
    let mut found: Option<(Class, Of)> = None;
    for value in values.iter().filter(|value| value.class != Class::Null) {
        found = Some(match (found, value.class) {
            (_, Class::Other | Class::Named) => return refuse(value.reason()),
            _ if value.of == Of::Padded => return refuse("the values of an expression are padded"),
            (None, class) => (class, value.of),
            (Some((was, of)), class) if was == class => (was, of.max(value.of)),
            (Some((Class::Text | Class::Bytes, of)), Class::Text | Class::Bytes) => (Class::Text, of),
            _ => return refuse("the values of an expression are not of one kind"),
        });
    }
    match found {
        Some((class, of)) => Ok(Node { of, ..plain(sql, class) }),
        None => Ok(plain(sql, Class::Null)),
    }
}
