//! A value within a JSON document, whose storage class only the document knows.
//!
//! SQLite gives a number, a text, 0 and 1 for JSON's false and true, NULL for JSON's null, and the text of an array or object.
//! PostgreSQL has the document's value; each use takes the form that it needs. Only statements have it.

use super::beginning;
use super::node::{Kind, Node, Prec};
use crate::sqltext;
use crate::types::TypeClass;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Member {
    /// An operand of type json or jsonb.
    root: String,
    steps: Vec<Step>,
    /// The value of type json or jsonb, NULL where there is none.
    chain: String,
    /// The value as a text, NULL for JSON's null as well.
    pub plain: String,
    pub jsonb: bool,
    /// Whether SQLite takes the text of an array or object for JSON within other JSON; `None` where that depends on the row.
    pub json: Option<bool>,
}

/// A step into a document.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    Label(String),
    /// Below zero from the end.
    Index(i32),
}

impl Step {
    fn sql(&self) -> String {
        match self {
            Step::Label(label) => sqltext::literal(label),
            Step::Index(n) => n.to_string(),
        }
    }

    /// As a step of PostgreSQL's own paths.
    fn strict(&self) -> String {
        match self {
            Step::Label(label) => format!(".\"{label}\""),
            Step::Index(n) if *n < 0 => format!("[last - {}]", -(n + 1)),
            Step::Index(n) => format!("[{n}]"),
        }
    }
}

impl Member {
    /// The document itself, an operand.
    pub fn root(document: String, jsonb: bool) -> Member {
        let plain = format!("{document} #>> '{{}}'");
        Member { chain: document.clone(), root: document, steps: vec![], plain, jsonb, json: Some(true) }
    }

    pub fn step(&self, step: &Step) -> Member {
        let steps: Vec<Step> = self.steps.iter().chain([step]).cloned().collect();
        // To jsonb's `->`, a number or text is an array of itself.
        if self.jsonb && steps.iter().any(|s| matches!(s, Step::Index(_))) {
            let path: String = steps.iter().map(Step::strict).collect();
            let path = sqltext::literal(&format!("strict ${path}"));
            let chain = format!("jsonb_path_query_first({}, {path}, '{{}}', true)", self.root);
            let plain = format!("{chain} #>> '{{}}'");
            return Member { chain, plain, steps, ..self.clone() };
        }
        let sql = step.sql();
        let (chain, plain) = (format!("{} -> {sql}", self.chain), format!("{} ->> {sql}", self.chain));
        Member { chain, plain, steps, ..self.clone() }
    }

    /// As `->>` gives it: a text is no JSON, whatever it says.
    pub fn into_value(self) -> Member {
        self.with_json(Some(false))
    }

    pub fn with_json(self, json: Option<bool>) -> Member {
        Member { json, ..self }
    }

    /// A column of another SELECT, which is no JSON within other JSON.
    pub fn of_query(column: String, jsonb: bool) -> Member {
        Member { json: Some(false), ..Member::root(column, jsonb) }
    }

    /// One of several values, of which some may be JSON and others not.
    pub fn one_of(value: String) -> Member {
        Member { json: None, ..Member::root(value, true) }
    }

    pub fn node(self) -> Node {
        Node::new(self.plain.clone(), TypeClass::Other, Prec::Operator).kind(Kind::Member(self))
    }

    /// As an operand of type json or jsonb.
    pub fn value(&self) -> String {
        let operand = self.steps.is_empty() || self.chain.ends_with(", true)");
        if operand { self.chain.clone() } else { format!("({})", self.chain) }
    }

    /// As a result of type json or jsonb.
    pub fn chain(&self) -> &str {
        &self.chain
    }

    pub fn of_jsonb(&self) -> String {
        if self.jsonb { self.value() } else { format!("{}::jsonb", self.value()) }
    }

    pub fn of_json(&self) -> String {
        if self.jsonb { format!("{}::json", self.value()) } else { self.value() }
    }

    /// The name of a function for its type.
    pub fn function(&self, name: &str) -> String {
        format!("json{}_{name}", if self.jsonb { "b" } else { "" })
    }

    pub fn kind(&self) -> String {
        format!("{}({})", self.function("typeof"), self.chain)
    }

    fn flag(&self) -> String {
        format!("CASE {} WHEN 'true' THEN 1 ELSE 0 END", self.plain)
    }

    /// The document's text without spaces between its parts, as SQLite prints it.
    pub fn compact(&self) -> String {
        compact(&self.value())
    }

    /// SQLite's text of the value; of numbers as the document spells them.
    pub fn text(&self) -> Node {
        let compact = self.compact();
        let sql = format!(
            "CASE {} WHEN 'boolean' THEN ({})::text WHEN 'object' THEN {compact} WHEN 'array' THEN {compact} ELSE {} END",
            self.kind(),
            self.flag(),
            self.plain
        );
        Node::new(sql, TypeClass::Text, Prec::Unary)
    }

    /// The number that the value is taken for in a computation.
    pub fn number(&self) -> String {
        format!(
            "CASE {} WHEN 'number' THEN ({})::numeric WHEN 'boolean' THEN {} WHEN 'string' THEN {} WHEN 'object' THEN 0 \
             WHEN 'array' THEN 0 END",
            self.kind(),
            self.plain,
            self.flag(),
            beginning::number_of(&self.plain)
        )
    }

    /// The value where it is a number in SQLite, NULL where it is not.
    pub fn only_number(&self) -> String {
        format!(
            "CASE {} WHEN 'number' THEN ({})::numeric WHEN 'boolean' THEN {} END",
            self.kind(),
            self.plain,
            self.flag()
        )
    }

    /// The value as jsonb in the one form that SQLite's equal values have: as groups and `=` need it.
    pub fn canonical(&self) -> String {
        let value = self.of_jsonb();
        format!(
            "CASE {value} WHEN 'true'::jsonb THEN '1'::jsonb WHEN 'false'::jsonb THEN '0'::jsonb \
             ELSE nullif({value}, 'null'::jsonb) END"
        )
    }

    /// The same value, made of its canonical form.
    pub fn grouped(&self) -> Member {
        Member { json: self.json, ..Member::root(format!("({})", self.canonical()), true) }
    }

    /// As keys of SQLite's order: numbers before texts.
    pub fn keys(&self) -> [String; 3] {
        let (kind, compact) = (self.kind(), self.compact());
        [
            format!(
                "CASE {kind} WHEN 'number' THEN 0 WHEN 'boolean' THEN 0 WHEN 'string' THEN 1 WHEN 'array' THEN 1 WHEN 'object' \
                 THEN 1 END"
            ),
            self.only_number(),
            format!(
                "CASE {kind} WHEN 'string' THEN {} WHEN 'array' THEN {compact} WHEN 'object' THEN {compact} END COLLATE \"C\"",
                self.plain
            ),
        ]
    }

    /// The value within other JSON, where SQLite has 1 and 0 for true and false.
    pub fn within(&self) -> String {
        let compact = match self.json {
            Some(false) => format!("to_json({})::text", self.compact()),
            _ => self.compact(),
        };
        format!(
            "CASE {} WHEN 'string' THEN to_json({})::text WHEN 'number' THEN {} WHEN 'boolean' THEN ({})::text \
             WHEN 'object' THEN {compact} WHEN 'array' THEN {compact} ELSE 'null' END",
            self.kind(),
            self.plain,
            self.plain,
            self.flag()
        )
    }

    /// `json_type()`: integers have neither point nor exponent.
    pub fn json_type(&self) -> String {
        let plain = &self.plain;
        format!(
            "CASE {} WHEN 'string' THEN 'text' WHEN 'boolean' THEN {plain} WHEN 'number' THEN \
             CASE WHEN {plain} ~ '[.eE]' THEN 'real' ELSE 'integer' END ELSE {} END",
            self.kind(),
            self.kind()
        )
    }

    /// `typeof()`
    pub fn storage_class(&self) -> String {
        let plain = &self.plain;
        format!(
            "CASE {} WHEN 'number' THEN CASE WHEN {plain} ~ '[.eE]' THEN 'real' ELSE 'integer' END WHEN 'boolean' THEN 'integer' \
             WHEN 'string' THEN 'text' WHEN 'object' THEN 'text' WHEN 'array' THEN 'text' ELSE 'null' END",
            self.kind()
        )
    }
}

/// A value that is a text in PostgreSQL, as a value of JSON, which keeps its storage class.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Typed {
    member: Member,
    /// The expression: what is made of it has another value.
    sql: String,
}

impl Node {
    /// Of a text whose storage class may be another, the value with its class.
    pub fn typed(&self) -> Option<&Member> {
        let typed = self.classed.as_deref().filter(|typed| typed.sql == self.sql);
        typed.filter(|_| self.kind == Kind::Dynamic).map(|typed| &typed.member)
    }

    /// The value with its class where that is known, for comparisons, orders and groups.
    pub fn with_class(&self) -> Node {
        self.typed().map_or_else(|| self.clone(), |member| member.clone().node().after(&[self]))
    }

    pub fn of_class(mut self, member: Member) -> Node {
        self.classed = Some(Box::new(Typed { member, sql: self.sql.clone() }));
        self
    }
}

/// A document's text without the spaces outside of its strings. The operand is of type json or jsonb.
pub(super) fn compact(document: &str) -> String {
    format!("regexp_replace({document}::text, {PARTS}, E'\\\\1', 'g')")
}

/// A string, which stays, or the space between other parts.
const PARTS: &str = "E'(\"(?:[^\"\\\\\\\\]|\\\\\\\\.)*\")|[ \\\\t\\\\n\\\\r]+'";
