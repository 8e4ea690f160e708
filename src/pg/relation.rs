//! A relation's attributes, and whether it may be written directly.

use pgrx::pg_sys;

use super::settings::LocalSettings;

/// One attribute of the target, as far as a decoder has to know it.
#[derive(Debug, Clone)]
pub struct Attribute {
    pub name: String,
    /// As `format_type` prints it.
    pub pg_type: String,
    /// The type by whose rules its values are decoded; see [`super::types::decoded_as`].
    pub decoded_as: String,
    /// Its values have to pass the checks of a domain.
    pub domain: bool,
    pub type_oid: pg_sys::Oid,
    pub typmod: i32,
}

/// The attributes of a relation in order, without dropped ones, or why it cannot be loaded directly.
pub fn attributes(relation: pg_sys::Oid) -> Result<Vec<Attribute>, &'static str> {
    // Decoders are chosen by the types' names.
    let _path = LocalSettings::safe_search_path();
    let relation = Opened::new(relation, pg_sys::AccessShareLock as i32);
    if let Some(reason) = relation.unsuitable() {
        return Err(reason);
    }
    relation.attributes().ok_or("the table has dropped columns")
}

/// An open relation; closed on drop, its lock kept until the transaction ends.
struct Opened(pg_sys::Relation);

impl Opened {
    fn new(relation: pg_sys::Oid, lock: i32) -> Opened {
        // SAFETY: raises an error if the relation is gone.
        Opened(unsafe { pg_sys::table_open(relation, lock) })
    }

    /// The first condition of direct loading that does not hold.
    fn unsuitable(&self) -> Option<&'static str> {
        // SAFETY: rd_rel and rd_att of an open relation are valid; constr may be null.
        unsafe {
            let class = &*(*self.0).rd_rel;
            let constraints = (*(*self.0).rd_att).constr;
            let constrained = !constraints.is_null()
                && ((*constraints).num_check > 0 || super::compat::has_generated(&*constraints));
            match () {
                () if class.relkind != pg_sys::RELKIND_RELATION as i8 => Some("not an ordinary table"),
                () if class.relam != pg_sys::HEAP_TABLE_AM_OID => Some("not a heap table"),
                () if class.relhasindex => Some("it has indexes"),
                () if class.relhastriggers => Some("it has triggers or foreign keys"),
                () if class.relhasrules => Some("it has rules"),
                () if class.relrowsecurity => Some("row-level security is on"),
                () if class.relispartition => Some("it is a partition"),
                () if constrained => Some("it has checks or generated columns"),
                () => None,
            }
        }
    }

    fn attributes(&self) -> Option<Vec<Attribute>> {
        // SAFETY: natts attributes follow the descriptor of an open relation.
        unsafe {
            let desc = pgrx::PgTupleDesc::from_pg_unchecked((*self.0).rd_att);
            desc.iter()
                .map(|a| {
                    (!a.attisdropped).then(|| Attribute {
                        name: super::encoding::from_server(a.attname.data.as_ptr().cast_mut()),
                        pg_type: super::types::format_type(a.atttypid, a.atttypmod),
                        decoded_as: super::types::decoded_as(a.atttypid, a.atttypmod),
                        domain: super::types::is_domain(a.atttypid),
                        type_oid: a.atttypid,
                        typmod: a.atttypmod,
                    })
                })
                .collect()
        }
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
