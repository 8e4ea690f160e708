//! Types that only their decoder knows the values of: the profile asks it about every value.

use crate::value::{Cell, Decoder, PgType, Timezone};

/// A type, and whether any value did not fit it.
#[derive(Debug, Clone)]
pub struct Probe {
    pg_type: PgType,
    decoder: Decoder,
    failed: bool,
}

impl Probe {
    pub fn new(pg_type: PgType) -> Probe {
        // A time zone changes what a value is, not whether it is one.
        let decoder = Decoder::new(&pg_type, None, &Timezone::UTC);
        Probe { pg_type, decoder, failed: false }
    }

    /// None is asked about after the first that does not fit.
    pub fn observe(&mut self, cell: Cell<'_>) {
        self.failed = self.failed || self.decoder.decode(cell).is_err();
    }

    /// Takes in the answer for other values.
    pub fn add(&mut self, other: &Probe) {
        self.failed |= other.failed;
    }

    /// The type, if every value fits it.
    pub fn held(&self) -> Option<&PgType> {
        (!self.failed).then_some(&self.pg_type)
    }
}

impl PartialEq for Probe {
    fn eq(&self, other: &Probe) -> bool {
        self.pg_type == other.pg_type && self.failed == other.failed
    }
}
