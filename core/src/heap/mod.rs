//! PostgreSQL's heap pages, made without a server: how a row becomes a tuple, and where the tuple stands on its page.
//!
//! Pure. The formats are those of `heaptuple.c`, `htup_details.h`, `bufpage.h`, `itemid.h` and `postgres.h`, the same in
//! PostgreSQL 14 to 18; end-to-end tests compare pages with the server's own, byte for byte. What only the server can make
//! stays a row: one of which values are moved out.

mod compress;
mod form;
mod layout;
mod page;
mod tuple;
mod writer;

pub use compress::Compressor;
pub use form::form;
pub use layout::{Attribute, Layout, Length, Method};
pub use page::{LARGEST_TUPLE, LONGEST_PLAIN_TUPLE, PAGE_BYTES, Page};
pub use tuple::Cell;
pub use writer::{PageWriter, Placed, Stamp};
