//! Functions that tell what the session's last statement did: PostgreSQL says it with the statement itself.

/// Why a function is not translated, and what takes its place.
pub(super) fn refused(function: &str) -> Option<&'static str> {
    Some(match function {
        "last_insert_rowid" => {
            "last_insert_rowid() has no equivalent: INSERT … RETURNING gives the number of the new row"
        }
        "changes" => {
            "changes() has no equivalent: the statement's command tag has the number of rows, in PL/pgSQL GET DIAGNOSTICS … = ROW_COUNT, or FOUND"
        }
        "total_changes" => {
            "total_changes() has no equivalent: each statement's command tag has the number of its rows"
        }
        _ => return None,
    })
}
