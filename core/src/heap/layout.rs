//! What a tuple's layout depends on: the relation's attributes, by their number.

use super::page::MAXALIGN;

/// An attribute as `pg_attribute` describes its values. Dropped attributes are among a relation's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute {
    pub(super) length: Length,
    /// A power of two up to [`MAXALIGN`].
    alignment: u8,
    /// A short value gets a header of one byte.
    packable: bool,
}

/// How long a value is, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// Passed by value: 1, 2, 4 or 8.
    Word(u8),
    /// Passed by reference, without a header.
    Fixed(u16),
    /// With a header that says it.
    Varlena,
}

impl Attribute {
    /// From `attlen`, `attbyval`, `attalign` and `attstorage`; `None` for what no table's column is.
    pub fn new(length: i16, by_value: bool, alignment: char, storage: char) -> Option<Attribute> {
        let alignment = match alignment {
            'c' => 1,
            's' => 2,
            'i' => 4,
            'd' => 8,
            _ => return None,
        };
        let length = match (length, by_value) {
            (1 | 2 | 4 | 8, true) => Length::Word(length as u8),
            (-1, false) => Length::Varlena,
            (1.., false) => Length::Fixed(length.unsigned_abs()),
            _ => return None,
        };
        Some(Attribute { length, alignment, packable: length == Length::Varlena && storage != 'p' })
    }

    pub(super) fn align(self, offset: usize) -> usize {
        offset.next_multiple_of(usize::from(self.alignment).min(MAXALIGN))
    }

    pub(super) fn packable(self) -> bool {
        self.packable
    }
}

/// The attributes of a relation in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    attributes: Vec<Attribute>,
}

/// `MaxTupleAttributeNumber`.
const MOST_ATTRIBUTES: usize = 1664;

impl Layout {
    /// `None` for more attributes than a tuple may have.
    pub fn new(attributes: Vec<Attribute>) -> Option<Layout> {
        (attributes.len() <= MOST_ATTRIBUTES).then_some(Layout { attributes })
    }

    pub(super) fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }
}
