//! The views that compute what their tables do not have: `"generated": "view"`.
//!
//! Such a view has the columns of the file's table, in their order. It is made before the views of the file, and is no
//! part of `views`: without it, values would be lost.

use super::steps;
use crate::plan::decide::generated;
use crate::plan::decide::table::{DecidedColumn, DecidedTable};
use crate::plan::given::words::Generation;
use crate::plan::model::{Phase, Step};
use crate::plan::view::{ViewColumn, ViewPlan};
use crate::sqltext::{ident, qualified};

/// Steps and plans of all such views.
pub fn views(decided: &[DecidedTable<'_>]) -> (Vec<Step>, Vec<ViewPlan>) {
    let (mut made, mut plans) = (vec![], vec![]);
    for table in decided {
        let Some(view) = &table.view else { continue };
        let target = qualified(&table.settings.schema, &view.name);
        let columns: Vec<&DecidedColumn<'_>> = ordered(table);
        let title = format!("create view {} of {}", view.name, table.title());
        let selected: Vec<String> = columns.iter().map(|c| selected(c)).collect();
        let from = qualified(&table.settings.schema, &table.target);
        let sql = format!("CREATE VIEW {target} AS SELECT {} FROM {from}", selected.join(", "));
        steps::push(&mut made, Phase::Views, title.clone(), sql, Some(table.id));
        plans.push(ViewPlan {
            source: table.source.name.clone(),
            schema: table.settings.schema.clone(),
            target: view.name.clone(),
            form: None,
            own: false,
            title,
            columns: columns.iter().map(|c| column(table, c)).collect(),
            reads: vec![table.source.name.clone()],
            unsteady: None,
            of_table: Some(columns.iter().map(|c| c.source.name.clone()).collect()),
        });
    }
    (made, plans)
}

/// In the file's order.
fn ordered<'d, 'a>(table: &'d DecidedTable<'a>) -> Vec<&'d DecidedColumn<'a>> {
    let mut columns: Vec<_> = table.columns.iter().chain(&table.apart).collect();
    columns.sort_by_key(|c| c.position);
    columns
}

fn selected(column: &DecidedColumn<'_>) -> String {
    let name = ident(&column.target);
    match &column.generated {
        Some(by_view) if by_view.generation == Generation::View => {
            format!("{} AS {name}", generated::value(&by_view.expression, &column.pg_type))
        }
        _ => name,
    }
}

fn column(table: &DecidedTable<'_>, column: &DecidedColumn<'_>) -> ViewColumn {
    let origin = column.generated.is_none().then(|| (table.source.name.clone(), column.source.name.clone()));
    ViewColumn { origin, format: column.format }
}
