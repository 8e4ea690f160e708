//! The cells of a batch that the server has a say in, in bulk: those that only the type's input function can make,
//! text -> datum, and those that a domain's constraints have to pass.
//!
//! An error inside either needs a subtransaction to be survived, and one for every cell would cost
//! more than the load. So a column of a batch is converted in one; only when that fails is it done cell by cell.

use std::collections::BTreeMap;
use std::ffi::{CStr, c_char};

use pgrx::{PgMemoryContexts, pg_sys};

use super::domain::DomainCheck;
use super::input::InputFunction;
use super::relation::Attribute;
use super::xact;
use crate::value::Wire;
use crate::value::batch::{Batch, OnInvalid, RowName};

/// What the plan says of one attribute.
#[derive(Debug, Clone, Copy)]
pub struct SinkColumn {
    pub policy: OnInvalid,
    pub not_null: bool,
}

/// What the server does to the values of a column.
enum Way {
    /// The type's input function makes the datum, and checks it where the type is a domain.
    Input(InputFunction),
    /// Rust has made a datum of the domain's base type.
    Check(DomainCheck),
}

/// A column whose values the server may refuse.
struct ServerColumn {
    way: Way,
    policy: OnInvalid,
    /// NULL cannot stand in for a value that does not fit.
    not_null: bool,
}

/// Rows that cannot be loaded, by their position in the batch; one reason each.
type Refusals = BTreeMap<usize, Refused>;

/// A value that the type's input function or a domain's constraint refused.
#[derive(Debug, Clone)]
pub struct Refused {
    /// Position of the column.
    pub column: usize,
    /// Name and values, as far as the batch keeps them.
    pub row: Option<(RowName, serde_json::Value)>,
    pub value: String,
    pub error: xact::Caught,
}

/// Converts the columns of batches that need the server.
pub struct Converter {
    /// One per column; `None` where Rust has made the datum and nothing is left to check.
    columns: Vec<Option<ServerColumn>>,
    /// Datums of one batch.
    datums: PgMemoryContexts,
    failed: bool,
}

impl Converter {
    /// One attribute, wire and plan's word per column.
    pub fn new(attributes: &[Attribute], wires: &[Wire], columns: &[SinkColumn]) -> Converter {
        let columns = (attributes.iter().zip(wires).zip(columns))
            .map(|((attribute, wire), column)| {
                let way = Way::of(attribute, *wire)?;
                Some(ServerColumn { way, policy: column.policy, not_null: column.not_null })
            })
            .collect();
        Converter { columns, datums: PgMemoryContexts::new("pg_sqlite_migrate datums"), failed: false }
    }

    /// A subtransaction was rolled back since the last call: the server has ended the progress report.
    pub fn take_failed(&mut self) -> bool {
        std::mem::take(&mut self.failed)
    }

    /// Converts a sealed batch, whose datums live until the next call. Rows with a value that was refused are
    /// taken out of it and returned when the column's policy says so; otherwise the first refusal is the error.
    pub fn convert(&mut self, batch: &mut Batch) -> Result<Vec<Refused>, Box<Refused>> {
        // SAFETY: nothing allocated in `datums` is used after the batch it was made for.
        unsafe { self.datums.reset() };
        let mut refused = Refusals::new();
        for column in 0..self.columns.len() {
            let Some(policy) = self.columns[column].as_ref().map(|c| c.policy) else { continue };
            if let Err(refusal) = self.convert_column(batch, column) {
                self.failed = true;
                if matches!(policy, OnInvalid::Error | OnInvalid::Text) {
                    return Err(refusal);
                }
                self.convert_one_by_one(batch, column, &mut refused)?;
            }
        }
        batch.remove_rows(&refused.keys().copied().collect::<Vec<_>>());
        Ok(refused.into_values().collect())
    }

    /// The fast way: all cells of a column in one subtransaction, datums written only if all are good.
    fn convert_column(&mut self, batch: &mut Batch, column: usize) -> Result<(), Box<Refused>> {
        let (width, rows) = (batch.width(), batch.rows());
        let mut at = 0;
        let mut done: Vec<u64> = Vec::with_capacity(rows);
        let outcome = {
            let (words, nulls) = batch.cells_mut();
            let (at, done) = (&mut at, &mut done);
            xact::attempt(|| -> Result<(), ()> {
                for row in 0..rows {
                    *at = row;
                    let cell = row * width + column;
                    done.push(self.convert_cell(column, words[cell], nulls[cell]));
                }
                Ok(())
            })
        };
        match outcome {
            Ok(_) => {
                let (words, _) = batch.cells_mut();
                for (row, datum) in done.into_iter().enumerate() {
                    words[row * width + column] = datum;
                }
                Ok(())
            }
            Err(error) => Err(Box::new(self.refusal(batch, column, at, error))),
        }
    }

    /// The slow way, when a column is known to hold a bad cell: each in a subtransaction of its own.
    fn convert_one_by_one(
        &mut self,
        batch: &mut Batch,
        column: usize,
        refused: &mut Refusals,
    ) -> Result<(), Box<Refused>> {
        for row in 0..batch.rows() {
            if refused.contains_key(&row) {
                continue;
            }
            let cell = row * batch.width() + column;
            let (words, nulls) = batch.cells_mut();
            let (word, null) = (words[cell], nulls[cell]);
            match xact::attempt(|| -> Result<u64, ()> { Ok(self.convert_cell(column, word, null)) }) {
                Ok(Ok(datum)) => batch.cells_mut().0[cell] = datum,
                Ok(Err(())) => {}
                Err(error) => self.settle(batch, column, row, error, refused)?,
            }
        }
        Ok(())
    }

    /// One cell does not fit: NULL, a rejected row, or an error.
    fn settle(
        &mut self,
        batch: &mut Batch,
        column: usize,
        row: usize,
        error: xact::Caught,
        refused: &mut Refusals,
    ) -> Result<(), Box<Refused>> {
        let refusal = self.refusal(batch, column, row, error);
        let Some((policy, not_null)) = self.columns[column].as_ref().map(|c| (c.policy, c.not_null)) else {
            return Ok(());
        };
        if policy == OnInvalid::Reject {
            refused.insert(row, refusal);
            return Ok(());
        }
        // A domain may refuse NULL as well.
        let mut null = || -> Result<u64, ()> { Ok(self.convert_cell(column, 0, true)) };
        if not_null || xact::attempt(&mut null).is_err() {
            return Err(Box::new(refusal));
        }
        let cell = row * batch.width() + column;
        let (words, nulls) = batch.cells_mut();
        (words[cell], nulls[cell]) = (0, true);
        batch.nulled += 1;
        Ok(())
    }

    /// The datum of one cell. A domain sees NULL too.
    fn convert_cell(&mut self, column: usize, word: u64, null: bool) -> u64 {
        match self.columns[column].as_mut().map(|c| &mut c.way) {
            Some(Way::Input(function)) if !null || function.checks_null() => {
                let text = if null { std::ptr::null_mut() } else { word as usize as *mut c_char };
                // SAFETY: the word of an input cell is the address of a C string in the sealed batch, which is
                // not changed while the datum is in use; the datum lives in `datums` until the next batch.
                unsafe { self.datums.switch_to(|_| function.call(text)).value() as u64 }
            }
            Some(Way::Input(_)) => 0,
            Some(Way::Check(domain)) => {
                // SAFETY: the words of a sealed batch are datums where Rust has made them; what the check
                // leaves behind goes with `datums`.
                unsafe { self.datums.switch_to(|_| domain.check(datum(word), null)) };
                word
            }
            None => word,
        }
    }

    fn refusal(&self, batch: &mut Batch, column: usize, row: usize, error: xact::Caught) -> Refused {
        let cell = row * batch.width() + column;
        let origin = batch.origins.get(row).cloned();
        let (words, nulls) = batch.cells_mut();
        let value = if nulls[cell] { "NULL".into() } else { self.shown(column, words[cell]) };
        Refused { column, row: origin, value, error }
    }

    /// A cell that was refused, and so is as it was.
    fn shown(&self, column: usize, word: u64) -> String {
        let text = match self.columns[column].as_ref().map(|c| &c.way) {
            // SAFETY: the cell holds the address of its C string.
            Some(Way::Input(_)) => {
                unsafe { CStr::from_ptr(word as usize as *const c_char) }.to_string_lossy()
            }
            // SAFETY: the cell holds a datum of the base type.
            Some(Way::Check(domain)) => unsafe { domain.print(datum(word)) }.into(),
            None => "".into(),
        };
        text.chars().take(60).collect()
    }
}

impl Way {
    fn of(attribute: &Attribute, wire: Wire) -> Option<Way> {
        match wire {
            Wire::Input => Some(Way::Input(InputFunction::new(attribute.type_oid, attribute.typmod))),
            _ if attribute.domain => DomainCheck::new(attribute.type_oid).map(Way::Check),
            _ => None,
        }
    }
}

fn datum(word: u64) -> pg_sys::Datum {
    pg_sys::Datum::from(word as usize)
}
