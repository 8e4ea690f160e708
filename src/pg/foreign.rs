//! Foreign tables and servers as PostgreSQL's catalog has them.

use std::ffi::c_char;

use pgrx::pg_sys;

use super::nodes;
use super::{encoding, types};

/// Options in the order of the catalog.
pub type Options = Vec<(String, String)>;

#[derive(Debug, Clone)]
pub struct ForeignTable {
    pub oid: pg_sys::Oid,
    pub name: String,
    pub options: Options,
    /// Without dropped ones.
    pub attributes: Vec<Attribute>,
    pub server: ForeignServer,
}

#[derive(Debug, Clone)]
pub struct ForeignServer {
    pub oid: pg_sys::Oid,
    pub name: String,
    pub owner: pg_sys::Oid,
    pub options: Options,
}

/// A foreign table's attribute.
#[derive(Debug, Clone)]
pub struct Attribute {
    /// From 1.
    pub number: i16,
    pub name: String,
    pub type_oid: pg_sys::Oid,
    pub typmod: i32,
    /// As `format_type` prints it, with its schema.
    pub type_name: String,
    pub not_null: bool,
    pub options: Options,
}

/// A foreign table. Raises an error if there is none of this oid.
pub fn table(oid: pg_sys::Oid) -> ForeignTable {
    // SAFETY: the look-ups return palloc'd copies; the relation stays locked until the transaction ends.
    unsafe {
        let table = pg_sys::GetForeignTable(oid);
        let opened = pg_sys::table_open(oid, pg_sys::AccessShareLock as i32);
        let relation = ForeignTable {
            oid,
            name: name(&(*(*opened).rd_rel).relname),
            options: options((*table).options),
            attributes: attributes(oid, (*opened).rd_att),
            server: server((*table).serverid),
        };
        pg_sys::table_close(opened, pg_sys::NoLock as i32);
        relation
    }
}

/// A foreign server. Raises an error if there is none of this oid.
pub fn server(oid: pg_sys::Oid) -> ForeignServer {
    // SAFETY: raises an error or returns a palloc'd copy.
    unsafe { copy_server(&*pg_sys::GetForeignServer(oid)) }
}

/// The server of this name.
pub fn server_by_name(name: &str) -> Option<ForeignServer> {
    let name = encoding::to_server(name).ok()?;
    // SAFETY: a NUL-terminated string; null when there is no such server.
    unsafe { pg_sys::GetForeignServerByName(name.as_ptr(), true).as_ref().map(|server| copy_server(server)) }
}

/// # Safety
/// `server` comes from a catalog look-up.
unsafe fn copy_server(server: &pg_sys::ForeignServer) -> ForeignServer {
    // SAFETY: GetForeignServer fills every field from the catalog: names are NUL-terminated, options DefElems.
    unsafe {
        ForeignServer {
            oid: server.serverid,
            name: text(server.servername),
            owner: server.owner,
            options: options(server.options),
        }
    }
}

/// # Safety
/// `desc` is the relation's descriptor.
unsafe fn attributes(relation: pg_sys::Oid, desc: pg_sys::TupleDesc) -> Vec<Attribute> {
    // SAFETY: natts attributes follow the descriptor of an open relation.
    let desc = unsafe { pgrx::PgTupleDesc::from_pg_unchecked(desc) };
    (desc.iter().filter(|a| !a.attisdropped))
        .map(|a| Attribute {
            number: a.attnum,
            name: name(&a.attname),
            type_oid: a.atttypid,
            typmod: a.atttypmod,
            type_name: types::format_type_qualified(a.atttypid, a.atttypmod),
            not_null: a.attnotnull,
            // SAFETY: a list of DefElems from the catalog.
            options: unsafe { options(pg_sys::GetForeignColumnOptions(relation, a.attnum)) },
        })
        .collect()
}

/// # Safety
/// `list` is null or a list of `DefElem`s.
pub(crate) unsafe fn options(list: *mut pg_sys::List) -> Options {
    // SAFETY: an option's name is a string, and so is what defGetString makes of its value.
    unsafe {
        nodes::items::<pg_sys::DefElem>(list)
            .map(|option| (text((*option).defname), text(pg_sys::defGetString(option))))
            .collect()
    }
}

fn name(name: &pg_sys::NameData) -> String {
    // SAFETY: a NameData is NUL-terminated.
    unsafe { encoding::from_server(name.data.as_ptr().cast_mut()) }
}

/// # Safety
/// `text` is null or a NUL-terminated string in the server's encoding.
pub(crate) unsafe fn text(text: *mut c_char) -> String {
    // SAFETY: it is not null, so a NUL-terminated string.
    if text.is_null() { String::new() } else { unsafe { encoding::from_server(text) } }
}

/// The collation of an attribute.
pub fn collation(relation: pg_sys::Oid, attribute: i16) -> pg_sys::Oid {
    let (mut type_oid, mut typmod, mut collation) = (pg_sys::InvalidOid, -1, pg_sys::InvalidOid);
    // SAFETY: results are local; raises an error for an attribute that is not there.
    unsafe {
        pg_sys::get_atttypetypmodcoll(relation, attribute, &mut type_oid, &mut typmod, &mut collation);
    }
    collation
}
