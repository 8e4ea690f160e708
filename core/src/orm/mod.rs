//! The programs (object-relational mappers, above all) that write SQLite files: by what each is recognised, and what its
//! declarations mean, as far as SQLite's own rules do not say it. Data; one file a program.
//!
//! A convention only proposes: a type is taken where it holds every stored value.

mod core_data;
mod diesel;
mod django;
pub mod docs;
mod doctrine;
mod drizzle;
mod ecto;
mod ef_core;
mod gorm;
mod knex;
mod kysely;
mod laravel;
mod mikro_orm;
pub mod names;
mod peewee;
mod pocketbase;
mod pony;
mod prisma;
mod rails;
mod room;
mod sea_orm;
mod sequelize;
pub mod signs;
mod sqlalchemy;
mod sqlx;
mod tortoise;
mod typeorm;

use crate::value::Format;
use names::Names;
use signs::Sign;

/// A program that writes files.
#[derive(Debug)]
pub struct Orm {
    /// In the plan.
    pub name: &'static str,
    pub title: &'static str,
    pub signs: &'static [Sign],
    pub conventions: Conventions,
}

/// What its declarations mean.
#[derive(Debug)]
pub struct Conventions {
    /// Declared types, in capitals, and the PostgreSQL types in the order in which they are tried. `(n)` stands for the
    /// declaration's own length.
    pub types: &'static [(&'static str, &'static [&'static str])],
    /// Declared types of which the file does not say which of several types the program's own schema has.
    pub open: &'static [(&'static str, &'static str)],
    /// What texts of undistinguished columns may be, if all of them are.
    pub texts: &'static [Meaning],
    /// INTEGER has 32 bits, in keys too; or in other columns only.
    pub integers: Integers,
    /// Numbers in columns of times.
    pub epoch: Option<Format>,
    /// Times are also numbers in INTEGER columns, which only their names distinguish.
    pub named_times: bool,
    /// Times of day are milliseconds of the day.
    pub clock_in_milliseconds: bool,
    /// BLOB columns hold the texts of numbers and JSON documents.
    pub texts_in_blobs: bool,
    /// Durations in columns of type INTERVAL.
    pub durations: Option<Format>,
    /// Decimals are texts in columns of this declared type.
    pub decimal_texts: Option<&'static str>,
    /// Lists are texts with commas.
    pub comma_lists: bool,
    /// Decimals are texts in columns of texts, which nothing distinguishes.
    pub decimals_in_text: bool,
    /// The models say of primary keys whether they have 64 bits; the file does only of what refers to them.
    pub keys_of_either_width: bool,
    /// Its own schema has names in small letters.
    pub lower_names: bool,
    /// Columns that every table has, whatever the models say.
    pub own_columns: &'static [&'static str],
    /// Decimals have a scale that the declared type does not say.
    pub pads_decimals: bool,
    /// Its own schema numbers rows by `serial`, not by identity columns.
    pub serial: bool,
    /// How keys are named that have no name in the file.
    pub names: Names,
    /// The database makes the UUIDs of primary keys.
    pub generates_uuids: bool,
    /// Booleans are 0 and 1 in INTEGER columns, which nothing distinguishes.
    pub zero_or_one: bool,
}

/// How wide the integers of a program are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Integers {
    /// 64 bits.
    Wide,
    /// 32 bits.
    Narrow,
    /// 64 bits in primary keys, 32 in other columns.
    WideKeys,
}

/// What a text may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    Uuid,
    /// In capitals.
    UuidUpper,
    /// Without dashes.
    UuidHex,
    /// A UUID in a primary key; elsewhere a text.
    UuidKey,
    Date,
    Time,
    Timestamp,
    /// A document with brackets.
    Json,
}

impl Conventions {
    /// SQLite's own rules.
    pub const NONE: Conventions = Conventions {
        types: &[],
        open: &[],
        texts: &[],
        integers: Integers::Wide,
        epoch: None,
        named_times: false,
        clock_in_milliseconds: false,
        texts_in_blobs: false,
        durations: None,
        decimal_texts: None,
        comma_lists: false,
        decimals_in_text: false,
        keys_of_either_width: false,
        lower_names: false,
        own_columns: &[],
        pads_decimals: false,
        serial: false,
        names: Names::Postgres,
        generates_uuids: false,
        zero_or_one: false,
    };
}

/// The registry.
pub const ALL: &[&Orm] = &[
    &prisma::ORM,
    &django::ORM,
    &sqlalchemy::ORM,
    &typeorm::ORM,
    &sequelize::ORM,
    &mikro_orm::ORM,
    &knex::ORM,
    &drizzle::ORM,
    &kysely::ORM,
    &peewee::ORM,
    &tortoise::ORM,
    &pony::ORM,
    &rails::ORM,
    &ef_core::ORM,
    &diesel::ORM,
    &sea_orm::ORM,
    &sqlx::ORM,
    &gorm::ORM,
    &ecto::ORM,
    &laravel::ORM,
    &doctrine::ORM,
    &room::ORM,
    &core_data::ORM,
    &pocketbase::ORM,
];

/// The program of this name.
pub fn named(name: &str) -> Option<&'static Orm> {
    ALL.iter().find(|orm| orm.name == name).copied()
}

impl PartialEq for Orm {
    fn eq(&self, other: &Orm) -> bool {
        self.name == other.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::PgType;

    #[test]
    fn every_type_of_a_convention_is_one() {
        for orm in ALL {
            assert!(!orm.signs.is_empty(), "{}", orm.name);
            assert_eq!(named(orm.name), Some(*orm));
            for (declared, types) in orm.conventions.types {
                assert_eq!(*declared, declared.to_uppercase(), "{}", orm.name);
                for name in *types {
                    let pg_type = PgType::parse(&name.replace("(n)", "(9)"));
                    let known = !matches!(pg_type, PgType::Other(_)) || *name == "inet";
                    assert!(known, "{}: {declared} becomes {name}", orm.name);
                }
            }
        }
    }
}
