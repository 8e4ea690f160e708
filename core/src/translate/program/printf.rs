//! `printf()` and `format()`: a literal format is taken apart, and each of its conversions becomes an expression of its own.

use crate::sqltext;
use crate::translate::expr::Walk;
use crate::translate::node::{Node, Prec, Result, integer, null, refuse, text};
use crate::translate::{arith, helper};
use crate::types::TypeClass;

/// The largest width and precision.
const MOST: i64 = 1_000_000;
const ROUNDED: &str = "printf() rounds a REAL by all its digits, as SQLite does since release 3.43; before, what 15 digits show as 5 went up";

const EMPTY: &str = "printf() of an empty format, or of one that begins with no conversion of SQLite, is the empty text; before SQLite's newest releases it was NULL";
const ESCAPED: &str = "%#q and %#Q escape control characters for unistr(), as SQLite does since release 3.50";

/// A part of a format.
#[derive(Debug, PartialEq)]
enum Piece {
    Text(String),
    Conversion(Conversion),
}

#[derive(Debug, Default, PartialEq)]
struct Conversion {
    flags: String,
    width: Option<Given>,
    precision: Option<Given>,
    letter: char,
}

/// Of a width or precision.
#[derive(Debug, PartialEq)]
enum Given {
    Number(i64),
    /// `*`
    Argument,
}

impl Conversion {
    fn is_plain(&self) -> bool {
        self.flags.is_empty() && self.width.is_none() && self.precision.is_none()
    }
}

impl<'s> Walk<'s> {
    pub(super) fn printf(&mut self, args: &[Node]) -> Result<Node> {
        let format = match args.first() {
            Some(format) if format.is_null() => return Ok(null()),
            Some(format) => format.text_literal(),
            None => return Ok(null()),
        };
        let Some(format) = format else { return self.printf_computed(args) };
        if format.is_empty() {
            return refuse(
                "printf() with an empty format, of which SQLite's releases make NULL or the empty text",
            );
        }
        let mut rest = args.iter().skip(1).cloned();
        let mut out = text("");
        for piece in pieces(format)? {
            let part = match piece {
                Piece::Text(plain) => text(&plain),
                Piece::Conversion(conversion) => self.printed(&conversion, &mut rest)?,
            };
            out = if out.text_literal() == Some("") { part } else { arith::concat(&out, &part)? };
        }
        Ok(out)
    }

    /// The helper function takes of each argument what a conversion may make of it.
    fn printf_computed(&mut self, args: &[Node]) -> Result<Node> {
        let [format, rest @ ..] = args else { return Ok(null()) };
        self.note(ROUNDED);
        self.note(EMPTY);
        self.note(ESCAPED);
        let format = self.as_text(format.clone())?.text()?.sql;
        let (mut integers, mut reals, mut texts) = (vec![], vec![], vec![]);
        for argument in rest {
            let argument = self.typed(argument.clone(), TypeClass::Text)?;
            integers.push(self.as_integer(argument.clone())?.sql);
            reals.push(self.as_real(argument.clone())?.sql);
            texts.push(self.as_text(argument)?.text()?.sql);
        }
        let array = |of: &[String], class: &str| format!("ARRAY[{}]::{class}[]", of.join(", "));
        let arrays =
            [format, array(&integers, "bigint"), array(&reals, "double precision"), array(&texts, "text")];
        Ok(Node::atom(helper::call("printf", &arrays), TypeClass::Text)
            .after(&args.iter().collect::<Vec<_>>()))
    }

    fn printed(&mut self, c: &Conversion, rest: &mut impl Iterator<Item = Node>) -> Result<Node> {
        let mut size = |given: &Option<Given>, none: i64, absolute: bool| -> Result<String> {
            match given {
                None => Ok(none.to_string()),
                Some(Given::Number(n)) => Ok(n.to_string()),
                Some(Given::Argument) => {
                    let n = self.as_integer(rest.next().unwrap_or_else(null))?;
                    let n = format!("coalesce({}, 0)", n.sql);
                    Ok(if absolute { format!("abs({n})") } else { n })
                }
            }
        };
        let (width, precision) = (size(&c.width, 0, false)?, size(&c.precision, -1, true)?);
        let mut value = || rest.next().unwrap_or_else(null);
        let (name, value) = match c.letter {
            'd' | 'i' | 'u' | 'x' | 'X' | 'o' | 'p' | 'r' => {
                let value = self.as_integer(value())?;
                if c.is_plain() && matches!(c.letter, 'd' | 'i') {
                    let known = value.literal().is_some();
                    return if known { value.text() } else { of_zero(&value).text() };
                }
                ("printf_integer", value.cast("bigint", TypeClass::Integer))
            }
            'f' | 'e' | 'E' | 'g' | 'G' => {
                self.note(ROUNDED);
                ("printf_real", self.as_real(value())?)
            }
            's' | 'z' | 'c' | 'q' | 'Q' | 'w' => {
                if c.flags.contains('#') && matches!(c.letter, 'q' | 'Q') {
                    self.note(ESCAPED);
                }
                let value = self.as_text(value())?.text()?;
                if c.is_plain() && matches!(c.letter, 's' | 'z') {
                    return Ok(match value.literal() {
                        Some(crate::translate::node::Lit::Text(_)) => value,
                        _ if value.sql == "NULL::text" => text(""),
                        _ => Node::atom(format!("coalesce({}, '')", value.sql), TypeClass::Text)
                            .after(&[&value]),
                    });
                }
                ("printf_text", value)
            }
            letter => return refuse(format!("printf() with %{letter}")),
        };
        let (letter, flags) = (sqltext::literal(&c.letter.to_string()), sqltext::literal(&c.flags));
        let call = helper::call(name, &[value.sql.clone(), letter, flags, width, precision]);
        Ok(Node::atom(call, TypeClass::Text).after(&[&value]))
    }
}

/// NULL is 0.
fn of_zero(value: &Node) -> Node {
    let sql = format!("coalesce({}, {})", value.sql, integer(0).sql);
    Node::new(sql, TypeClass::Integer, Prec::Atom).after(&[value])
}

fn pieces(format: &str) -> Result<Vec<Piece>> {
    let mut out = vec![];
    let mut chars = format.chars().peekable();
    let plain = |out: &mut Vec<Piece>, c: char| match out.last_mut() {
        Some(Piece::Text(text)) => text.push(c),
        _ => out.push(Piece::Text(c.to_string())),
    };
    while let Some(c) = chars.next() {
        if c != '%' {
            plain(&mut out, c);
            continue;
        }
        let mut conversion = Conversion::default();
        while let Some(flag) = chars.next_if(|c| "-+ #!0,".contains(*c)) {
            conversion.flags.push(flag);
        }
        conversion.width = given(&mut chars)?;
        if chars.next_if_eq(&'.').is_some() {
            conversion.precision = Some(given(&mut chars)?.unwrap_or(Given::Number(0)));
        }
        if chars.next_if_eq(&'l').is_some() {
            chars.next_if_eq(&'l');
        }
        match chars.next() {
            // A lone % at the end.
            None if conversion.is_plain() => plain(&mut out, '%'),
            None => return refuse("printf() with a format that ends within a conversion"),
            Some('%') if conversion.is_plain() => plain(&mut out, '%'),
            Some('n') => {}
            Some(letter) => out.push(Piece::Conversion(Conversion { letter, ..conversion })),
        }
    }
    Ok(out)
}

fn given(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Option<Given>> {
    if chars.next_if_eq(&'*').is_some() {
        return Ok(Some(Given::Argument));
    }
    let mut number = None;
    while let Some(digit) = chars.next_if(char::is_ascii_digit).and_then(|c| c.to_digit(10)) {
        let so_far: i64 = number.unwrap_or(0);
        number = Some(so_far * 10 + i64::from(digit));
        if so_far > MOST {
            return refuse("printf() with a width or precision that is too large");
        }
    }
    Ok(number.map(Given::Number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_taken_apart() {
        let conversion = |flags: &str, width, precision, letter| {
            Piece::Conversion(Conversion { flags: flags.into(), width, precision, letter })
        };
        assert_eq!(
            pieces("a%05.2f%% %-*s%lld%").unwrap(),
            [
                Piece::Text("a".into()),
                conversion("0", Some(Given::Number(5)), Some(Given::Number(2)), 'f'),
                Piece::Text("% ".into()),
                conversion("-", Some(Given::Argument), None, 's'),
                conversion("", None, None, 'd'),
                Piece::Text("%".into()),
            ]
        );
        assert!(pieces("%99999999999d").is_err());
        assert!(pieces("%5").is_err());
    }
}
