//! One run: survey the file, plan, do, record.

pub mod about;
mod asked;
mod broken;
pub mod compare;
pub mod constraints;
pub mod existing;
pub mod inspect;
pub mod levels;
pub mod load;
pub mod log;
mod made;
pub mod notices;
pub mod orphans;
mod profiles;
pub mod result;
pub mod run;
pub mod sequences;
pub mod source;
pub mod statement;
mod steps;
pub mod survey;
mod trial;
mod untranslatable;
pub mod values;
pub mod verdict;
pub mod verification;
mod virtual_tables;
