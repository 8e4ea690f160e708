//! What a plan results in: its steps, their SQL, the printed plan, and what it would change.

pub(crate) mod apart;
pub(crate) mod asked;
pub(crate) mod built;
pub mod compare;
pub(crate) mod ddl;
pub mod declared;
pub(crate) mod dropped;
pub(crate) mod helpers;
pub(crate) mod json;
pub(crate) mod relations;
pub(crate) mod searching;
pub(crate) mod sequences;
pub(crate) mod steps;
pub(crate) mod tables;
pub(crate) mod triggers;
pub(crate) mod views;
pub(crate) mod writables;
