//! The way back: PostgreSQL's schema -> a SQLite file. Pure.
//!
//! [`catalog`] says what there is, [`plan`] what the user wants of it, [`types`] what becomes of a type, [`expression`] of
//! an expression; [`decide`] makes of these what goes into the file ([`planned`]), which [`ddl`] prints, and [`convert`] makes of a value
//! its cell. Values are exact or refused: what has no exact form in its column is an error, unless the plan says otherwise.

pub mod catalog;
pub mod columns;
pub mod comments;
pub mod complete;
mod contents;
pub mod convert;
pub mod ddl;
pub mod decide;
mod declared;
pub mod expression;
pub mod forms;
pub mod geopackage;
pub mod json;
pub mod keys;
pub mod original;
pub mod plan;
pub mod planned;
pub mod spelling;
pub mod sums;
pub mod types;
pub mod virtual_tables;

mod names;
mod restore;
#[cfg(test)]
mod tests;
mod view;
pub mod views;

/// A generated part of docs/export.md is in step; `UPDATE_DOCS=1` writes it.
#[cfg(test)]
fn assert_page_holds(part: &str, expected: &str) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/export.md");
    let page = std::fs::read_to_string(path).unwrap_or_default();
    let (begin, end) = (format!("<!-- begin export {part} -->\n"), format!("<!-- end export {part} -->\n"));
    let parts = page.split_once(&begin).and_then(|(head, rest)| Some((head, rest.split_once(&end)?)));
    let Some((head, (listed, tail))) = parts else { panic!("docs/export.md has no marks of its {part}") };
    if std::env::var_os("UPDATE_DOCS").is_some() && listed != expected {
        std::fs::write(path, format!("{head}{begin}{expected}{end}{tail}")).expect("docs/export.md");
        return;
    }
    assert_eq!(listed, expected, "run the test with UPDATE_DOCS=1 to print its {part} into docs/export.md");
}
