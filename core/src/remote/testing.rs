//! Tables and expressions for tests.

use std::rc::Rc;

use super::canonical;
use super::{
    Affinity, Collation, Column, Expr, From, Index, Select, Sorting, Table, Tables, Target, Type, Var,
};
use crate::value::batch::OnInvalid;
use crate::value::native::Native;
use crate::value::{Format, PgType};

pub fn column(name: &str, pg_type: &str, affinity: Affinity) -> Column {
    let type_ = canonical::type_of(&PgType::parse(pg_type)).unwrap_or(match PgType::parse(pg_type) {
        PgType::Numeric(_) => Type::Numeric,
        PgType::Bpchar(_) => Type::Bpchar,
        _ => Type::Other,
    });
    Column {
        name: name.to_owned(),
        type_,
        pg_type: PgType::parse(pg_type),
        type_name: pg_type.to_owned(),
        format: None,
        on_invalid: OnInvalid::Error,
        not_null: false,
        affinity,
        sorting: Sorting::Binary,
        strict: false,
        is_rowid: false,
        generated: false,
    }
}

/// The attributes of `t`, from 1.
pub const ID: i16 = 1;
pub const N: i16 = 2;
pub const NAME: i16 = 3;
pub const OK: i16 = 4;
pub const PRICE: i16 = 5;
pub const MADE: i16 = 6;
pub const AT: i16 = 7;
pub const DAY: i16 = 8;
pub const KEY: i16 = 9;
pub const BODY: i16 = 10;
pub const SMALL: i16 = 11;
pub const CODE: i16 = 12;
pub const AMOUNT: i16 = 13;
pub const NICK: i16 = 14;

pub const DDL: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, name TEXT, ok BOOLEAN, price REAL, \
     made INTEGER, at DATETIME, day DATE, key TEXT, body BLOB, small INTEGER, code TEXT, amount NUMERIC, \
     nick TEXT COLLATE NOCASE); \
     CREATE INDEX t_n ON t (n); CREATE INDEX t_name ON t (name); CREATE INDEX t_made ON t (made); \
     CREATE INDEX t_at ON t (at); CREATE INDEX t_nick ON t (nick COLLATE BINARY); \
     CREATE INDEX t_small ON t (small); CREATE INDEX t_code ON t (code); CREATE INDEX t_key ON t (key)";

pub fn table() -> Table {
    use Affinity::{Blob, Integer, Numeric, Real, Text};
    let mut columns = vec![
        column("id", "bigint", Integer),
        column("n", "bigint", Integer),
        column("name", "text", Text),
        column("ok", "boolean", Numeric),
        column("price", "double precision", Real),
        column("made", "timestamp with time zone", Integer),
        column("at", "timestamp without time zone", Numeric),
        column("day", "date", Numeric),
        column("key", "uuid", Text),
        column("body", "bytea", Blob),
        column("small", "integer", Integer),
        column("code", "character varying(3)", Text),
        column("amount", "numeric", Numeric),
        column("nick", "text", Text),
    ];
    columns[0].strict = true;
    columns[0].is_rowid = true;
    columns[5].format = Some(Format::UnixEpoch);
    columns[13].sorting = Sorting::Nocase;
    let index =
        |attribute| Index { columns: vec![attribute], binary: true, unique: false, rows_per_key: vec![] };
    Table {
        relation: "t".into(),
        name: "t".into(),
        stored: true,
        rowid: Some("rowid".into()),
        columns: columns.into_iter().map(Some).collect(),
        indexes: [N, NAME, MADE, AT, NICK, SMALL, CODE, KEY].map(index).to_vec(),
        ..Table::default()
    }
}

/// Twice the same table: relations 1 and 2.
pub fn tables() -> Tables {
    let table = Rc::new(table());
    [(1, table.clone()), (2, table)].into()
}

pub fn col(attribute: i16) -> Expr {
    Expr::Column(Var { relation: 1, attribute })
}

pub fn other(attribute: i16) -> Expr {
    Expr::Column(Var { relation: 2, attribute })
}

pub fn int(value: i64) -> Expr {
    Expr::Const(Type::Int8, Native::Integer(value))
}

pub fn text(value: &str) -> Expr {
    Expr::Const(Type::Text, Native::Text(value.to_owned().into()))
}

pub fn param(index: usize, type_: Type) -> Expr {
    Expr::Param { index, type_ }
}

pub fn op(name: &str, left: Expr, right: Expr) -> Expr {
    typed(name, left, right, Type::Bool)
}

pub fn typed(name: &str, left: Expr, right: Expr, result: Type) -> Expr {
    collated(name, left, right, result, Collation::Bytes)
}

pub fn collated(name: &str, left: Expr, right: Expr, result: Type, collation: Collation) -> Expr {
    Expr::Operator { name: name.into(), left: left.into(), right: right.into(), collation, result }
}

pub fn call(name: &str, args: Vec<Expr>, result: Type) -> Expr {
    Expr::Function { name: name.into(), args, collation: Collation::Bytes, result }
}

pub fn aggregate(name: &str, args: Vec<Expr>, result: Type) -> Expr {
    Expr::Aggregate {
        name: name.into(),
        args,
        distinct: false,
        filter: None,
        collation: Collation::Bytes,
        result,
    }
}

pub fn any(name: &str, left: Expr, elements: Vec<Expr>, all: bool) -> Expr {
    Expr::ArrayTest { name: name.into(), left: left.into(), elements, all, collation: Collation::Bytes }
}

pub fn select(targets: Vec<Target>, conditions: Vec<Expr>) -> Select {
    Select { conditions, ..Select::of(From::Table { relation: 1 }, targets) }
}
