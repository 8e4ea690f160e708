//! What the log keeps of a run so that it can be taken back, and that it was.

use serde_json::{Value, json};

use super::{removable, write};
use crate::import::made::{Object, Sequence};
use crate::pg::encoding::{json_for_server, text_for_server};
use crate::pg::settings::LocalSettings;

/// What a run made, and by what its rows are known.
pub fn made(run: i64, objects: &[Object], place: &str, transactions: &str) {
    const LOG: &str = "
        INSERT INTO sqlite_migrate.log_object (run, ordinal, kind, identity, catalog, object)
        SELECT $1, o.ordinal, o.kind, o.identity, o.catalog, o.object
        FROM jsonb_to_recordset($2::jsonb)
            AS o(ordinal integer, kind text, identity text, catalog text, object oid)";
    let rows: Vec<Value> = (1..)
        .zip(objects)
        .map(|(ordinal, object): (i32, _)| {
            json!({ "ordinal": ordinal, "kind": object.kind, "identity": object.identity,
                    "catalog": object.catalog, "object": object.oid.to_u32() })
        })
        .collect();
    write(LOG, &[run.into(), (&*json_for_server(&Value::from(rows).to_string())).into()]);
    write(
        "UPDATE sqlite_migrate.log_run SET place = $2, transactions = $3::int8multirange,
             last_transaction = pg_current_xact_id() WHERE id = $1",
        &[run.into(), place.into(), transactions.into()],
    );
}

/// A sequence that stood elsewhere before the run.
pub fn moved(run: i64, before: &Sequence, after: &Sequence) {
    write(
        "INSERT INTO sqlite_migrate.log_sequence
             (run, identity, object, last_value, is_called, run_value, run_is_called)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &[
            run.into(),
            (&*text_for_server(&before.identity)).into(),
            before.oid.into(),
            before.last_value.into(),
            before.is_called.into(),
            after.last_value.into(),
            after.is_called.into(),
        ],
    );
}

/// Rows of an existing table as they were: `rows` is the JSON text of an array of texts, each as the row's type prints it.
pub fn former(run: i64, (schema, table): (&str, &str), columns: &str, key: &[String], rows: &str) {
    const LOG: &str = "
        INSERT INTO sqlite_migrate.log_former (run, target_schema, target_table, columns, key_columns, former)
        SELECT $1, $2, $3, $4, $5, row FROM json_array_elements_text($6::json) AS row";
    let (schema, table) = (text_for_server(schema), text_for_server(table));
    write(LOG, &[run.into(), (&*schema).into(), (&*table).into(), columns.into(), key.into(), rows.into()]);
}

/// Marks a finished run as rolled back; `false` if it is not one of the current role's, or of anybody's for a superuser.
pub fn roll_back(run: i64) -> bool {
    let _path = LocalSettings::safe_search_path();
    removable("id = $1 AND status = 'done'", &[run.into()]).contains(&run)
        && write(
            "UPDATE sqlite_migrate.log_run SET status = 'rolled back', rolled_back_at = clock_timestamp()
             WHERE id = $1 AND status = 'done' RETURNING id",
            &[run.into()],
        )
        .is_some()
}
