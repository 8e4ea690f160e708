//! Reads SQLite files, through rusqlite only; knows nothing of PostgreSQL.
//!
//! [`open()`] gives a [`Source`]: one hardened connection that holds one snapshot. Everything else here queries a
//! `Source` and returns the neutral types of `catalog` and `types`.

pub mod backup;
pub mod cascaded;
pub mod check;
pub mod chroma;
pub mod collations;
pub mod copy;
pub mod count;
pub mod create;
pub mod damage;
pub mod equal_keys;
pub mod error;
pub mod estimate;
pub mod expressions;
pub mod functions;
pub mod introspect;
pub mod keys;
pub mod largest;
pub mod loaded;
pub mod open;
pub mod ordered;
pub mod profile;
pub mod recovery;
pub mod relations;
pub mod rows;
pub mod session;
pub mod sums;
pub mod texts;
pub mod trial;

mod absent;
mod authorize;
mod auxiliary;
mod folding;
pub mod geopackage;
mod index_check;
mod locks;
mod logged;
mod modules;
mod owners;
mod problem;
#[allow(unsafe_code)]
mod raw;
mod stamp;
#[cfg(test)]
mod testing;
mod vec0;
mod vss0;

pub use cascaded::cascaded_orphans;
pub use check::{CheckProblem, check};
pub use chroma::version as chroma_version;
pub use count::{count, schema_bytes};
pub use damage::damage;
pub use equal_keys::equal_keys;
pub use error::Error;
pub use estimate::{Estimate, estimate};
pub use expressions::{blame, check_expressions};
pub use introspect::view::views_as_tables;
pub use introspect::{catalog, locate_vectors};
pub use keys::key_facts;
pub use loaded::{broken_check, register_rejecting};
pub use open::{OpenOptions, Scratch, Source, is_database, open};
pub use profile::profile;
pub use session::{Era, Purpose, Session, StatementId};
pub use stamp::{FileState, stamp};
pub use texts::texts;
