//! Converts and checks the cells of a batch that need the server: text for which only the type's input function can
//! make the datum, and values that a domain's constraints must accept.
//!
//! Catching an error needs a subtransaction, and one for every cell would cost more than the load. So a whole column of
//! a batch is converted in one subtransaction; only if that fails, each cell gets its own.
#![deny(clippy::disallowed_methods)]

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::{CStr, c_char};

use pgrx::{PgMemoryContexts, pg_sys};

use super::domain::DomainCheck;
use super::input::InputFunction;
use super::relation::Attribute;
use super::{memory, xact};
use pg_sqlite_migrate_core::value::batch::{Batch, Became, OnInvalid, Origin};
use pg_sqlite_migrate_core::value::buffer::OutOfMemory;
use pg_sqlite_migrate_core::value::{Cell, Timezone, ValueList, Wire, vector};

/// The plan's decisions about one attribute.
#[derive(Debug, Clone)]
pub struct SinkColumn {
    pub policy: OnInvalid,
    /// What means NULL where it does not fit.
    pub null_values: ValueList,
    pub not_null: bool,
}

/// A column whose values the server converts or checks.
struct ServerColumn {
    wire: Wire,
    /// Makes the datum (of a domain's base type) of a text; `None` if Rust makes all of them.
    input: Option<InputFunction>,
    /// A domain's constraints.
    check: Option<DomainCheck>,
    policy: OnInvalid,
    null_values: ValueList,
    /// `on_invalid` cannot replace a value by NULL.
    not_null: bool,
}

/// Rows that cannot be loaded, by their position in the batch, each with one error.
type Refusals = BTreeMap<usize, Refused>;

/// A value that the type's input function or a domain's constraint refused.
#[derive(Debug)]
pub struct Refused {
    /// Position of the column.
    pub column: usize,
    /// Name and values, as far as the batch keeps them.
    pub row: Option<Origin>,
    pub value: String,
    pub error: xact::Caught,
}

/// Converts the columns of batches that need the server.
pub struct Converter {
    /// One per column; `None` if Rust has made the datum and no domain has to check it.
    columns: Vec<Option<ServerColumn>>,
    /// The time zone of times without an offset.
    timezone: Timezone,
    /// Datums of one batch.
    datums: PgMemoryContexts,
    failed: bool,
}

impl Converter {
    /// Attribute, wire format and plan's decisions, one of each per column.
    pub fn new(
        attributes: &[Attribute],
        wires: &[Wire],
        columns: &[SinkColumn],
        timezone: &Timezone,
    ) -> Converter {
        let columns = (attributes.iter().zip(wires).zip(columns))
            .map(|((attribute, wire), column)| ServerColumn::new(attribute, *wire, column))
            .collect();
        let datums = PgMemoryContexts::new("pg_sqlite_migrate datums");
        Converter { columns, timezone: timezone.clone(), datums, failed: false }
    }

    /// Whether the server has a part in a cell of any column.
    pub fn is_needed(&self) -> bool {
        self.columns.iter().any(Option::is_some)
    }

    /// Whether a subtransaction was rolled back since the last call: the server has then ended the progress report.
    pub fn take_failed(&mut self) -> bool {
        std::mem::take(&mut self.failed)
    }

    /// Seals and converts a batch, whose datums live until the next call. Rows with a refused value are removed from the
    /// batch and returned if the column's `on_invalid` rejects them; otherwise the first refused value is the error.
    ///
    /// The server's message about a value may contain the whole value, and Rust's copy of the message is an infallible
    /// allocation, so memory is held for it.
    pub fn convert(&mut self, batch: &mut Batch) -> Result<Vec<Refused>, Box<Refused>> {
        if !self.is_needed() {
            return Ok(vec![]);
        }
        batch.seal();
        // SAFETY: nothing allocated in `datums` is used after the batch it was made for.
        unsafe { self.datums.reset() };
        let _held = match memory::hold(memory::of_message(batch.size())) {
            Ok(held) => held,
            Err(OutOfMemory) => memory::exhausted("a batch of rows"),
        };
        let mut refused = Refusals::new();
        for column in 0..self.columns.len() {
            let Some(ServerColumn { policy, null_values, .. }) = self.columns[column].as_ref() else {
                continue;
            };
            let stops = matches!(policy, OnInvalid::Error | OnInvalid::Text) && null_values.is_empty();
            if let Err((row, error)) = self.convert_column(batch, column) {
                self.failed = true;
                if stops || !error.is_of_value() {
                    return Err(Box::new(self.refusal(batch, column, row, error)));
                }
                self.convert_one_by_one(batch, column, &mut refused)?;
            }
        }
        batch.remove_rows(&refused.keys().copied().collect::<Vec<_>>());
        Ok(refused.into_values().collect())
    }

    /// Converts all cells of a column in one subtransaction, and writes the datums only if all are valid. Otherwise
    /// returns the row of the first invalid one, and why it is.
    fn convert_column(&mut self, batch: &mut Batch, column: usize) -> Result<(), (usize, xact::Caught)> {
        let (width, rows) = (batch.width(), batch.rows());
        let mut at = 0;
        let outcome = {
            let (words, nulls) = batch.cells_mut();
            let cells: Vec<(u64, bool)> =
                (0..rows).map(|row| row * width + column).map(|cell| (words[cell], nulls[cell])).collect();
            let at = &mut at;
            xact::attempt(|| -> Result<_, ()> { Ok(self.convert_cells(column, &cells, at)) })
        };
        match outcome {
            Ok(done) => {
                let (words, _) = batch.cells_mut();
                for (row, datum) in done.unwrap_or_default().into_iter().enumerate() {
                    words[row * width + column] = datum;
                }
                Ok(())
            }
            Err(error) => Err((at, error)),
        }
    }

    /// Converts each cell in its own subtransaction, for a column that contains an invalid cell.
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
            let convert = || -> Result<_, ()> { Ok(self.convert_cells(column, &[(word, null)], &mut 0)) };
            match xact::attempt(convert) {
                Ok(done) => {
                    batch.cells_mut().0[cell] = done.unwrap_or_default().first().copied().unwrap_or(0)
                }
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
        let Some(ServerColumn { policy, null_values, not_null, .. }) = self.columns[column].as_ref() else {
            return Ok(());
        };
        let (policy, not_null) = (*policy, *not_null);
        let of_value = error.is_of_value();
        let at = row * batch.width() + column;
        let is_null = batch.cells_mut().1[at];
        let meant_null = !null_values.is_empty()
            && !is_null
            && null_values.holds(Cell::Text(self.text(column, batch.cells_mut().0[at]).as_bytes()));
        let stops = !meant_null && matches!(policy, OnInvalid::Error | OnInvalid::Text);
        if of_value && !meant_null && policy == OnInvalid::Reject {
            refused.insert(row, self.refusal(batch, column, row, error));
            return Ok(());
        }
        // A domain may refuse NULL as well.
        let null = || -> Result<_, ()> { Ok(self.convert_cells(column, &[(0, true)], &mut 0)) };
        if !of_value || stops || not_null || xact::attempt(null).is_err() {
            return Err(Box::new(self.refusal(batch, column, row, error)));
        }
        let cell = row * batch.width() + column;
        let (words, nulls) = batch.cells_mut();
        (words[cell], nulls[cell]) = (0, true);
        let became = if meant_null { Became::MeantNull } else { Became::Null };
        if batch.note(row, column, became).is_err() {
            memory::exhausted("a batch of rows");
        }
        Ok(())
    }

    /// The datums of cells, as words and null flags; `at` is the current cell. First all datums are made, under the
    /// guard against the session's settings; then a domain's constraints check them, NULLs too, without the guard.
    fn convert_cells(&mut self, column: usize, cells: &[(u64, bool)], at: &mut usize) -> Vec<u64> {
        let mut datums: Vec<u64> = cells.iter().map(|(word, _)| *word).collect();
        let Some(ServerColumn { wire, input, check, .. }) = self.columns[column].as_mut() else {
            return datums;
        };
        if let Some(function) = input {
            let _settings = function.guard(&self.timezone);
            for (row, (word, null)) in cells.iter().enumerate() {
                *at = row;
                // SAFETY: a cell of a sealed batch that is not NULL.
                if *null || !unsafe { is_text(*wire, *word) } {
                    continue;
                }
                let text = *word as usize as *mut c_char;
                // SAFETY: the word of a text is the address of a C string in the sealed batch, which is not
                // changed while the datum is in use; the datum lives in `datums` until the next batch.
                datums[row] = unsafe { self.datums.switch_to(|_| function.call(text)).value() as u64 };
            }
        }
        if let Some(domain) = check {
            for (row, (_, null)) in cells.iter().enumerate() {
                *at = row;
                // SAFETY: the input function, or Rust, has made datums of the base type; what the check leaves
                // behind goes with `datums`.
                unsafe { self.datums.switch_to(|_| domain.check(datum(datums[row]), *null)) };
            }
        }
        datums
    }

    fn refusal(&self, batch: &mut Batch, column: usize, row: usize, error: xact::Caught) -> Refused {
        let cell = row * batch.width() + column;
        let origin = batch.take_origin(row);
        let (words, nulls) = batch.cells_mut();
        let value = if nulls[cell] {
            "NULL".into()
        } else {
            self.text(column, words[cell]).chars().take(60).collect()
        };
        Refused { column, row: origin, value, error }
    }

    /// The text of a refused cell, whose word is unchanged.
    fn text(&self, column: usize, word: u64) -> Cow<'_, str> {
        match self.columns[column].as_ref() {
            // SAFETY: the cell is not NULL; a text's word is the address of its C string.
            Some(ServerColumn { wire, .. }) if unsafe { is_text(*wire, word) } => {
                unsafe { CStr::from_ptr(word as usize as *const c_char) }.to_string_lossy()
            }
            // SAFETY: the cell holds a datum of the base type.
            Some(ServerColumn { check: Some(domain), .. }) => unsafe { domain.print(datum(word)) }.into(),
            _ => "".into(),
        }
    }
}

impl ServerColumn {
    /// `None` if the server has nothing to do.
    fn new(attribute: &Attribute, wire: Wire, column: &SinkColumn) -> Option<ServerColumn> {
        let input = wire.has_texts().then(|| InputFunction::new(attribute.type_oid, attribute.typmod));
        let check = if attribute.domain { DomainCheck::new(attribute.type_oid) } else { None };
        let SinkColumn { policy, ref null_values, not_null } = *column;
        let null_values = null_values.clone();
        (input.is_some() || check.is_some()).then_some(ServerColumn {
            wire,
            input,
            check,
            policy,
            null_values,
            not_null,
        })
    }
}

/// Whether a cell is text for an input function, and no datum.
///
/// # Safety
/// `word` is that of a cell of a sealed batch that is not NULL, and unchanged.
unsafe fn is_text(wire: Wire, word: u64) -> bool {
    match wire {
        // SAFETY: the address of a C string or of a varlena, by this function's contract.
        Wire::Vector => vector::is_text(unsafe { *(word as usize as *const u8) }),
        wire => wire.has_texts(),
    }
}

fn datum(word: u64) -> pg_sys::Datum {
    pg_sys::Datum::from(word as usize)
}
