//! The triggers that a run makes: what they are called, and when they fire. Data only.

use crate::catalog::TableId;
use crate::translate::program::trigger::{Event, Time};

/// A trigger of the file that the run makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriggerPlan {
    pub source: String,
    /// The table or view that it is on, in the target.
    pub schema: String,
    pub table: String,
    pub name: String,
    /// The function, in the same schema.
    pub function: String,
    /// When it fires; not known where its text is the plan's own.
    pub fires: Option<Fires>,
    /// Of the step that creates both.
    pub title: String,
    /// Without what of the run its statements would fail; not known where its text is the plan's own.
    pub needs: Needed,
}

/// What the statements of a trigger name, also through views and INSTEAD OF triggers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needed {
    /// Tables that the run makes.
    pub tables: Vec<TableId>,
    /// The titles of the steps that make the views and the INSTEAD OF triggers.
    pub steps: Vec<String>,
}

/// When a trigger fires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fires {
    pub time: Time,
    pub event: Event,
    /// Of UPDATE OF.
    pub columns: Vec<String>,
    /// It has a WHEN.
    pub conditional: bool,
}

impl TriggerPlan {
    /// Its text is the plan's own.
    pub fn is_own(&self) -> bool {
        self.fires.is_none()
    }
}

/// `plan.triggers.t.sql`
pub fn own_path(trigger: &str) -> String {
    crate::path::join(&crate::path::join("plan.triggers", trigger), "sql")
}

/// Triggers to be tried over empty tables that stand in for those of the plan, all of them temporary.
#[derive(Debug, Clone, Default)]
pub struct TriggerTrial {
    /// The statements that create the tables.
    pub tables: Vec<String>,
    /// Some name views, which have to be there.
    pub views: bool,
    pub triggers: Vec<TriedTrigger>,
}

#[derive(Debug, Clone)]
pub struct TriedTrigger {
    pub source: String,
    /// Creates function and trigger, over the tables of the trial.
    pub create: String,
    /// Creates a function in SQL of the same statements, which are analysed then.
    pub analysed: Option<String>,
}

/// A trigger that the server has refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriggerRefusal {
    pub source: String,
    pub reason: String,
}
