//! PostgreSQL's heap pages, made without a server: how a row becomes a tuple, and where the tuple stands on its page.
//!
//! Pure. The formats are those of `heaptuple.c`, `htup_details.h`, `bufpage.h`, `itemid.h` and `postgres.h`, the same in
//! PostgreSQL 14 to 18; tests inside the server compare tuples with the server's own, byte for byte. What a reader
//! cannot make goes to the server as a row: values that are moved out of their tuple or compressed.

mod form;
mod layout;
mod page;
mod tuple;
mod writer;

pub use form::form;
pub use layout::{Attribute, Layout, Length};
pub use page::{LARGEST_TUPLE, LONGEST_PLAIN_TUPLE, PAGE_BYTES, Page};
pub use tuple::Cell;
pub use writer::{PageWriter, Placed, Stamp};
