//! Text -> datum through a type's own input function, under the guard against the session's settings.

use std::ffi::c_char;

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::{PgLogLevel, PgSqlErrorCode, pg_sys};

use super::encoding;
use super::settings::{LocalSettings, Reads};
use super::types;
use pg_sqlite_migrate_core::value::Timezone;

/// The input function of a type, a domain's base type's, looked up once.
pub struct InputFunction {
    function: Box<pg_sys::FmgrInfo>,
    io_param: pg_sys::Oid,
    typmod: i32,
    reads: Reads,
    /// `money` is read as a numeric, because its input function depends on the session's locale.
    money: bool,
}

impl InputFunction {
    pub fn new(type_oid: pg_sys::Oid, typmod: i32) -> InputFunction {
        let (type_oid, typmod) = types::base_type(type_oid, typmod);
        let money = type_oid == pg_sys::MONEYOID;
        let (type_oid, typmod) = if money { (pg_sys::NUMERICOID, -1) } else { (type_oid, typmod) };
        let mut function = Box::new(pg_sys::FmgrInfo::default());
        let (mut id, mut io_param) = (pg_sys::InvalidOid, pg_sys::InvalidOid);
        // SAFETY: results are local; fmgr_info keeps its data in the current memory context, which outlives this:
        // a load's is its SQL function's, a scan's its query's.
        unsafe {
            pg_sys::getTypeInputInfo(type_oid, &mut id, &mut io_param);
            pg_sys::fmgr_info(id, &mut *function);
        }
        InputFunction { function, io_param, typmod, reads: types::reads(type_oid), money }
    }

    /// Must be held while the function is called, and dropped before a domain's constraints run, which are a user's
    /// code.
    pub fn guard(&self, timezone: &Timezone) -> Option<LocalSettings> {
        LocalSettings::reading(self.reads, timezone)
    }

    /// Converts, under the guard; raises the type's own error. The result lives in the current memory context.
    ///
    /// # Safety
    /// `text` points to a NUL-terminated UTF-8 string that outlives the datum's memory context.
    pub(crate) unsafe fn call(&mut self, text: *mut c_char) -> pg_sys::Datum {
        // SAFETY: a NUL-terminated UTF-8 string that outlives the datum, by this function's contract, which `convert` and the executor's input keep.
        let datum = unsafe {
            let text = encoding::utf8_to_server(text);
            pg_sys::InputFunctionCall(&mut *self.function, text, self.io_param, self.typmod)
        };
        if self.money { money(datum) } else { datum }
    }
}

/// A numeric as money. The locale limits the digits after the decimal point.
fn money(number: pg_sys::Datum) -> pg_sys::Datum {
    // SAFETY: the functions of the casts between the two types, and of their comparison, which need no FmgrInfo.
    let (money, same) = unsafe {
        let call = |function, args: &[_]| pgrx::direct_function_call_as_datum(function, args);
        let money = call(pg_sys::numeric_cash, &[Some(number)]);
        let back = call(pg_sys::cash_numeric, &[money]);
        (money, call(pg_sys::numeric_eq, &[Some(number), back]))
    };
    match (money, same) {
        (Some(money), Some(same)) if same.value() != 0 => money,
        _ => {
            let message = "value has more digits after the point than money has under lc_monetary";
            ErrorReport::new(PgSqlErrorCode::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, message, "money")
                .report(PgLogLevel::ERROR);
            unreachable!("an ERROR does not return")
        }
    }
}
