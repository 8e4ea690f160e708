//! The views that a run makes: what they become, how they are tried, and by what their rows are compared. Data only.

use super::given::words::Form;
use crate::translate::program::Unsteady;
use crate::value::Format;

/// A view that the run makes.
#[derive(Debug, Clone)]
pub struct ViewPlan {
    pub source: String,
    pub schema: String,
    pub target: String,
    /// What it becomes, if that is no view.
    pub form: Option<Form>,
    /// Its text is the plan's own.
    pub own: bool,
    /// Of the step that creates it.
    pub title: String,
    /// In order; none where the text is the plan's own.
    pub columns: Vec<ViewColumn>,
    /// The tables of the file that it reads, also through other views.
    pub reads: Vec<String>,
    /// Why two readings of it may have different rows.
    pub unsteady: Option<Unsteady>,
    /// It is no view of the file, but has these columns of the table that is its source.
    pub of_table: Option<Vec<String>>,
}

/// A column of a view, as far as its values are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewColumn {
    /// The table and the column of the file whose values it has, unchanged.
    pub origin: Option<(String, String)>,
    /// How the numbers were read that are times now.
    pub format: Option<Format>,
}

impl ViewPlan {
    /// The part of a plan that has its text.
    pub fn path(&self) -> String {
        own_path(&self.source)
    }
}

/// `plan.views.v.sql`
pub fn own_path(view: &str) -> String {
    crate::path::join(&crate::path::join("plan.views", view), "sql")
}

/// The schema of what is only tried.
pub const TEMPORARY: &str = "pg_temp";

/// Views to be tried over empty tables that stand in for those of the plan, all of them temporary.
#[derive(Debug, Clone, Default)]
pub struct ViewTrial {
    /// The statements that create the tables.
    pub tables: Vec<String>,
    /// In an order in which each comes after those that it reads.
    pub views: Vec<TriedView>,
}

#[derive(Debug, Clone)]
pub struct TriedView {
    pub source: String,
    /// Creates it, over the tables of the trial.
    pub sql: String,
    /// What the run is going to execute.
    pub statement: String,
    /// Its text is the plan's own, and names the tables of the plan.
    pub own: bool,
}

/// A view that the server has refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewRefusal {
    pub source: String,
    pub reason: String,
}
