//! A relation's name, attributes and lock.

use pgrx::pg_sys;

use super::settings::LocalSettings;
use super::{encoding, spi};
use pg_sqlite_migrate_core::value::PgType;

/// One attribute of the target, as far as a decoder has to know it.
#[derive(Debug, Clone)]
pub struct Attribute {
    pub name: String,
    /// Its number in the relation, from 1.
    pub attnum: i16,
    pub pg_type: PgType,
    /// A domain's constraints check its values.
    pub domain: bool,
    pub type_oid: pg_sys::Oid,
    pub typmod: i32,
}

impl Attribute {
    fn new(attribute: &pg_sys::FormData_pg_attribute) -> Attribute {
        Attribute {
            // SAFETY: a name is NUL-terminated.
            name: unsafe { encoding::from_server(attribute.attname.data.as_ptr().cast_mut()) },
            attnum: attribute.attnum,
            pg_type: super::types::of(attribute.atttypid, attribute.atttypmod),
            domain: super::types::is_domain(attribute.atttypid),
            type_oid: attribute.atttypid,
            typmod: attribute.atttypmod,
        }
    }
}

/// The oid of a relation, if it exists now.
pub fn find(schema: &str, name: &str) -> Option<pg_sys::Oid> {
    let (schema, name) = (encoding::to_server(schema).ok()?, encoding::to_server(name).ok()?);
    // SAFETY: syscache look-ups by NUL-terminated names; `true`: a schema that is missing is no error.
    let oid = unsafe {
        let schema = pg_sys::get_namespace_oid(schema.as_ptr(), true);
        match schema {
            pg_sys::InvalidOid => return None,
            schema => pg_sys::get_relname_relid(name.as_ptr(), schema),
        }
    };
    (oid != pg_sys::InvalidOid).then_some(oid)
}

/// `pg_class.relkind` of a relation, if it exists now.
pub fn kind(relation: pg_sys::Oid) -> Option<char> {
    // SAFETY: a syscache look-up, which gives 0 where there is none.
    let kind = unsafe { pg_sys::get_rel_relkind(relation) } as u8;
    (kind != 0).then_some(char::from(kind))
}

/// A name for a temporary table: `name`, or with a number where something of the caller's has it in this session.
pub fn free_temporary_name(name: &str) -> String {
    // A table has a type of its name.
    const TAKEN: &str = "
        SELECT FROM pg_class WHERE relnamespace = pg_my_temp_schema() AND relname = $1
        UNION ALL SELECT FROM pg_type WHERE typnamespace = pg_my_temp_schema() AND typname = $1";
    let (mut free, mut number) = (name.to_owned(), 1);
    while spi::any(TAKEN, &[(&free).into()]) {
        number += 1;
        free = format!("{name}_{number}");
    }
    free
}

/// The attributes of a relation in order, without dropped ones.
pub fn attributes(relation: pg_sys::Oid) -> Vec<Attribute> {
    // Decoders are chosen by the types' names.
    let _path = LocalSettings::safe_search_path();
    Opened::new(relation, pg_sys::AccessShareLock as i32).attributes()
}

/// The columns whose values the table computes.
pub fn computed(relation: pg_sys::Oid) -> Vec<String> {
    const COMPUTED: &str = "SELECT attname::text FROM pg_attribute WHERE attrelid = $1 AND attgenerated <> '' AND NOT attisdropped";
    spi::values(COMPUTED, &[relation.into()])
}

/// The columns whose collations take texts for equal that consist of other bytes.
pub fn folded(relation: pg_sys::Oid) -> Vec<String> {
    spi::values(
        "SELECT a.attname::text FROM pg_attribute a JOIN pg_collation c ON c.oid = a.attcollation
         WHERE a.attrelid = $1 AND NOT a.attisdropped AND NOT c.collisdeterministic",
        &[relation.into()],
    )
}

/// A foreign key refers to it.
pub fn is_referenced(relation: pg_sys::Oid) -> bool {
    spi::any("SELECT FROM pg_constraint WHERE confrelid = $1 AND contype = 'f'", &[relation.into()])
}

/// Locks a relation against other writers until the transaction ends; readers are not blocked. `false`, without a lock,
/// if the caller lacks the owner's rights. An owner may lock even if privileges were revoked from it.
pub fn lock_owned(relation: pg_sys::Oid) -> bool {
    let owned = super::rights::owns(relation);
    if owned {
        lock(relation);
    }
    owned
}

/// The same lock without a check of rights, as ADD FOREIGN KEY takes it on the referenced table.
pub fn lock(relation: pg_sys::Oid) {
    // SAFETY: waits as any lock does. If the relation was dropped meanwhile, opening it raises the error.
    unsafe { pg_sys::LockRelationOid(relation, pg_sys::ShareRowExclusiveLock as i32) };
}

/// Locks a relation against everybody until the transaction ends. The caller has checked the rights.
pub fn lock_exclusively(relation: pg_sys::Oid) {
    // SAFETY: waits as any lock does. If the relation was dropped meanwhile, whoever looks for it finds nothing.
    unsafe { pg_sys::LockRelationOid(relation, pg_sys::AccessExclusiveLock as i32) };
}

/// Locks a relation, its name and its schema's name until the transaction ends. Facts that were read before must be
/// read again: another transaction may have replaced the relation while this one waited for the lock.
pub fn hold(relation: pg_sys::Oid) {
    let mode = pg_sys::AccessShareLock as i32;
    // SAFETY: waits as any lock does; a relation that is gone has no schema.
    unsafe {
        pg_sys::LockRelationOid(relation, mode);
        let schema = pg_sys::get_rel_namespace(relation);
        if schema != pg_sys::InvalidOid {
            pg_sys::LockDatabaseObject(pg_sys::NamespaceRelationId, schema, 0, mode);
        }
    }
}

/// An open relation; closed on drop, its lock kept until the transaction ends.
pub(crate) struct Opened(pg_sys::Relation);

impl Opened {
    pub fn new(relation: pg_sys::Oid, lock: i32) -> Opened {
        // SAFETY: raises an error if the relation is gone.
        Opened(unsafe { pg_sys::table_open(relation, lock) })
    }

    pub fn descriptor(&self) -> pgrx::PgTupleDesc<'_> {
        // SAFETY: natts attributes follow the descriptor of an open relation.
        unsafe { pgrx::PgTupleDesc::from_pg_unchecked((*self.0).rd_att) }
    }

    /// The storage parameters of a table, if it has any.
    pub fn options(&self) -> Option<&pg_sys::StdRdOptions> {
        // SAFETY: an open relation.
        unsafe { options(self.0) }
    }

    /// The current subtransaction has created the relation or its file.
    pub fn is_of_this_subtransaction(&self) -> bool {
        // SAFETY: an open relation's entry of the relation cache.
        let (created, new_file) = unsafe { ((*self.0).rd_createSubid, new_file_subtransaction(self.0)) };
        // SAFETY: reads a backend-local variable.
        let current = unsafe { pg_sys::GetCurrentSubTransactionId() };
        created == current || new_file == current
    }

    fn attributes(&self) -> Vec<Attribute> {
        let desc = self.descriptor();
        desc.iter().filter(|a| !a.attisdropped).map(Attribute::new).collect()
    }
}

/// The subtransaction that has given the relation a new file: `InvalidSubTransactionId` if none of this transaction has.
///
/// # Safety
/// The relation is open.
pub(crate) unsafe fn new_file_subtransaction(relation: pg_sys::Relation) -> pg_sys::SubTransactionId {
    // SAFETY: an open relation's entry of the relation cache, by this function's contract.
    unsafe {
        #[cfg(any(feature = "pg14", feature = "pg15"))]
        return (*relation).rd_newRelfilenodeSubid;
        #[cfg(not(any(feature = "pg14", feature = "pg15")))]
        return (*relation).rd_newRelfilelocatorSubid;
    }
}

/// The storage parameters of a table, if it has any.
///
/// # Safety
/// The relation stays open for as long as the result is used.
pub(crate) unsafe fn options<'a>(relation: pg_sys::Relation) -> Option<&'a pg_sys::StdRdOptions> {
    // SAFETY: an open relation; these are the options of a table, and of nothing else.
    unsafe {
        let is_table = (*(*relation).rd_rel).relkind as u8 == pg_sys::RELKIND_RELATION;
        (*relation).rd_options.cast::<pg_sys::StdRdOptions>().as_ref().filter(|_| is_table)
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: opened by `new`; NoLock keeps the lock until the transaction ends.
            unsafe { pg_sys::table_close(self.0, pg_sys::NoLock as i32) };
        }
    }
}
