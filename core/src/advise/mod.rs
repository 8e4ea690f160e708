//! What to do after the move: rules over what the server says of the loaded tables and of itself. Pure.
//!
//! Every piece of advice has a reason with numbers that were measured, and, where one statement does it, that statement.
//! What has no such reason is no advice: small tables get none of what only pays for large ones.

pub mod facts;
pub mod machine;
mod server;
mod tables;

use self::facts::Facts;

/// A row of `sqlite_advise`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// 1 is the first to look at, 3 the last.
    pub priority: u8,
    pub subject: Subject,
    /// `public.sale(customer)`, a setting, or the database.
    pub object: String,
    pub advice: String,
    pub reason: String,
    /// `None` where a person has to decide, or no SQL does it.
    pub statement: Option<String>,
}

/// What advice is about, in the order in which it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    Vacuum,
    PrimaryKey,
    ForeignKey,
    Index,
    ColumnType,
    Sequence,
    Partitioning,
    Setting,
    Statistics,
    Backup,
}

impl Subject {
    pub fn as_str(self) -> &'static str {
        match self {
            Subject::Vacuum => "vacuum",
            Subject::PrimaryKey => "primary key",
            Subject::ForeignKey => "foreign key",
            Subject::Index => "index",
            Subject::ColumnType => "column type",
            Subject::Sequence => "sequence",
            Subject::Partitioning => "partitioning",
            Subject::Setting => "setting",
            Subject::Statistics => "statistics",
            Subject::Backup => "backup",
        }
    }
}

/// All of it, the first to look at first.
pub fn advise(facts: &Facts) -> Vec<Advice> {
    let mut advice = tables::advise(facts);
    advice.extend(facts.server.iter().flat_map(server::advise));
    advice.sort_by(|a, b| (a.priority, a.subject, &a.object).cmp(&(b.priority, b.subject, &b.object)));
    // Two foreign keys of the same columns need one index.
    advice.dedup_by(|a, b| a.statement.is_some() && a.statement == b.statement);
    advice
}
