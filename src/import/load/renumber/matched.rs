//! Rows that are matched with existing ones: that no two of the file are one row of the table, and that new ones have keys
//! which nobody has.

use std::convert::Infallible;

use super::super::skipped;
use super::super::unique_key::{self, Key, equal, shown};
use super::{Renumbering, pairs};
use crate::error::{Error, KeyFault};
use crate::pg::settings::{LocalSettings, Reads};
use crate::pg::{latest, relation, spi, xact};
use crate::verify::counts;
use pg_sqlite_migrate_core::finding::{Fix, counted};
use pg_sqlite_migrate_core::plan::{LoadSpec, OtherKey};
use pg_sqlite_migrate_core::sqltext::{ident, ident_list, literal, qualified};

/// By which rows are matched, and which of their keys become the existing rows'.
pub struct Matched<'a> {
    pub(super) arbiter: Key,
    pub(super) others: &'a [OtherKey],
    keys: Vec<Key>,
    /// The table's rows, as FROM names them.
    pub(super) table: String,
    truncate: Option<&'a Fix>,
}

impl<'a> Matched<'a> {
    pub(super) fn of(spec: &'a LoadSpec) -> Result<Option<Matched<'a>>, Error> {
        let Some(others) = &spec.renumbering.matched else { return Ok(None) };
        let conflict = spec.existing.as_ref().and_then(|into| into.conflict.as_ref());
        let Some(conflict) = conflict else { return Ok(None) };
        let name = qualified(&spec.schema, &spec.target);
        let unreadable = |why: String| {
            Error::Unmatched(Box::new(KeyFault {
                source: spec.source.clone(),
                detail: format!("The existing rows cannot be read: {why}."),
                hint: Fix::of_table(&spec.source, "match", "key")
                    .hint(", or import as a role that may read them"),
                refused: true,
            }))
        };
        if let Some(why) = skipped::closed(&name) {
            return Err(unreadable(why));
        }
        let keys = unique_key::of(&name);
        let arbiter = keys.iter().find(|key| key.name == conflict.arbiter.name).cloned();
        let table = counts::own_rows(&spec.schema, &spec.target);
        let (Some(arbiter), Some(table)) = (arbiter, table) else {
            return Err(unreadable(format!("{name} was changed while the import was running")));
        };
        let truncate = conflict.skip.as_ref().and_then(|skip| skip.truncate.as_ref());
        Ok(Some(Matched { arbiter, others, keys, table, truncate }))
    }
}

impl Renumbering<'_> {
    /// Two rows of the file are not one row of the table.
    pub(super) fn check_matched(&self, matched: &Matched<'_>, stage: &str) -> Result<(), Error> {
        let pairs = pairs(&matched.arbiter, stage);
        let count: u64 = spi::value(&format!("SELECT pg_catalog.count(*) FROM {pairs}"), &[]).unwrap_or(0);
        if count == 0 {
            return Ok(());
        }
        let key: Vec<String> = matched.arbiter.parts.iter().map(|part| part.sql.clone()).collect();
        let rows = self.shown_pair(&pairs, &matched.arbiter);
        Err(Error::Unmatched(Box::new(KeyFault {
            source: self.spec.source.clone(),
            detail: format!(
                "{} of another in ({}), by which rows are matched, the first of them: {rows}.",
                counted(count, "row has the value", "rows have the values"),
                key.join(", ")
            ),
            hint: format!(
                "Correct the rows, or set {} to leave all but one of them out.",
                self.path("where")
            ),
            refused: false,
        })))
    }

    /// New rows whose key another row of the table has get numbers that nobody has.
    pub(super) fn number(
        &self,
        matched: &Matched<'_>,
        key: &OtherKey,
        stage: &str,
    ) -> Result<Option<String>, Error> {
        let Some(index) = matched.keys.iter().find(|index| index.name == key.name) else { return Ok(None) };
        let taken = format!(
            "NOT s.{found} AND EXISTS (SELECT FROM {table} AS t WHERE {same})",
            found = ident(&self.hidden.found),
            table = matched.table,
            same = equal(index, "s", "t")
        );
        let count = format!("SELECT pg_catalog.count(*) FROM {stage} AS s WHERE {taken}");
        let count: u64 = latest::values::<u64>(&count).into_iter().sum();
        if count == 0 {
            return Ok(None);
        }
        let (Some(sequence), [column]) = (&key.sequence, key.columns.as_slice()) else {
            return Err(self.without_number(matched, index, stage, &taken, count));
        };
        if !spi::any("SELECT WHERE pg_catalog.has_sequence_privilege($1, 'USAGE')", &[sequence.into()]) {
            let detail =
                format!("{} a new number of sequence {sequence}.", counted(count, "row needs", "rows need"));
            return Err(Error::Unmatched(Box::new(KeyFault {
                source: self.spec.source.clone(),
                detail,
                hint: format!("Have its owner grant USAGE on sequence {sequence}."),
                refused: true,
            })));
        }
        let (name, pg_type) = (ident(column), self.pg_type(column));
        let drawn = draw(sequence, count, |number| {
            let has = |relation: &str, row: &str| {
                format!("EXISTS (SELECT FROM {relation} AS {row} WHERE {row}.{name} = {number}::{pg_type})")
            };
            format!("{} OR {}", has(&matched.table, "t"), has(stage, "s"))
        });
        let numbers = drawn?.map_err(|why| {
            Error::Unmatched(Box::new(KeyFault {
                source: self.spec.source.clone(),
                detail: format!(
                    "{} a new number in {name}, and sequence {sequence} gives no more: {why}.",
                    counted(count, "row needs", "rows need")
                ),
                hint: format!(
                    "Let sequence {sequence} give free numbers that fit {name}, or set {} to leave such rows out.",
                    self.path("where")
                ),
                refused: true,
            }))
        })?;
        latest::execute(&format!(
            "UPDATE {stage} AS u SET {name} = n.number::{pg_type}
             FROM (SELECT s.ctid AS at, pg_catalog.row_number() OVER (ORDER BY s.ctid) AS place FROM {stage} AS s WHERE {taken}) AS r
             JOIN (SELECT number, pg_catalog.row_number() OVER (ORDER BY number) AS place FROM {numbers}) AS n ON n.place = r.place
             WHERE u.ctid = r.at"
        ));
        spi::execute(&format!("DROP TABLE {numbers}"));
        let rows = counted(count, "new row got another", "new rows got others");
        Ok(Some(format!("{rows} in {name}, because rows of the table have theirs")))
    }

    fn without_number(
        &self,
        matched: &Matched<'_>,
        key: &Key,
        stage: &str,
        taken: &str,
        count: u64,
    ) -> Error {
        let columns: Vec<String> = key.parts.iter().map(|part| part.sql.clone()).collect();
        let shown_key =
            |key: &Key| shown(&key.parts.iter().map(|p| format!("s.{}", p.sql)).collect::<Vec<_>>());
        let first = format!(
            "SELECT ARRAY[{}, {}] FROM {stage} AS s WHERE {taken} ORDER BY s.ctid LIMIT 1",
            shown_key(key),
            shown_key(&matched.arbiter)
        );
        let _printing = LocalSettings::printing(Reads::Everything);
        let first: Vec<String> = latest::values(&first).into_iter().next().unwrap_or_default();
        let arbiter: Vec<String> = matched.arbiter.parts.iter().map(|part| part.sql.clone()).collect();
        let (id, own) =
            (first.first().cloned().unwrap_or_default(), first.get(1).cloned().unwrap_or_default());
        let truncate = matched.truncate.map(|fix| format!("{fix} to have the file's rows alone, or "));
        Error::Unmatched(Box::new(KeyFault {
            source: self.spec.source.clone(),
            detail: format!(
                "{} key that another row of the table has, and no sequence gives a new one, the first of them: ({}) = {id} with ({}) = {own}.",
                counted(count, "new row has a", "new rows have a"),
                columns.join(", "),
                arbiter.join(", "),
            ),
            hint: format!(
                "Correct the rows, or set {}{} to leave them out.",
                truncate.unwrap_or_default(),
                self.path("where")
            ),
            refused: false,
        }))
    }

    /// The first two rows with one key: the key, and how the file names them.
    fn shown_pair(&self, pairs: &str, key: &Key) -> String {
        let of = |row: &str| {
            let file: Vec<String> =
                self.hidden.file.iter().map(|name| format!("{row}.{}", ident(name))).collect();
            match file.is_empty() {
                true => key.parts.iter().map(|part| format!("{row}.{}", part.sql)).collect(),
                false => file,
            }
        };
        let (first, second) = (shown(&of("t")), shown(&of("s")));
        let own = shown(&key.parts.iter().map(|part| format!("s.{}", part.sql)).collect::<Vec<_>>());
        let _printing = LocalSettings::printing(Reads::Everything);
        let sql = format!("SELECT ARRAY[{own}, {first}, {second}] FROM {pairs} ORDER BY s.ctid LIMIT 1");
        let shown: Vec<String> = spi::value(&sql, &[]).unwrap_or_default();
        match shown.as_slice() {
            [own, first, second] => {
                let named = ident_list(self.columns().iter());
                format!("{own}, of the rows with ({named}) = {first} and {second}")
            }
            _ => String::new(),
        }
    }
}

/// How many numbers a sequence has, if it begins again after the last one.
const CYCLE: &str = "
    SELECT pg_catalog.trunc((seqmax::pg_catalog.numeric - seqmin) / pg_catalog.abs(seqincrement::pg_catalog.numeric))::pg_catalog.int8
    FROM pg_catalog.pg_sequence WHERE seqrelid = $1::pg_catalog.regclass AND seqcycle";

/// Draws numbers of a sequence, as many as are needed and free, into a temporary table; its name as SQL says it, or why
/// there are too few. Each round may draw more than the one before: the sequence may be far behind.
fn draw(
    sequence: &str,
    needed: u64,
    taken: impl Fn(&str) -> String,
) -> Result<Result<String, String>, Error> {
    let name = relation::free_temporary_name("sqlite_migrate_numbers");
    let numbers = qualified("pg_temp", &name);
    spi::execute(&format!("CREATE TEMPORARY TABLE {} (number pg_catalog.int8) USING heap", ident(&name)));
    // Each number once: after a whole cycle they come again.
    let mut left =
        spi::value::<u64>(CYCLE, &[sequence.into()]).map_or(u64::MAX, |steps| steps.saturating_add(1));
    let (mut drawn, mut round) = (0, 0);
    while drawn < needed {
        let missing = needed - drawn;
        let wanted = (missing << round).min(left);
        if wanted == 0 {
            return Ok(Err("all of its numbers are taken".into()));
        }
        // LIMIT stops drawing with the last number that is needed.
        let insert = format!(
            "INSERT INTO {numbers} SELECT d.number
             FROM (SELECT pg_catalog.nextval({}::pg_catalog.regclass) AS number FROM pg_catalog.generate_series(1, {wanted})) AS d
             WHERE NOT ({}) LIMIT {missing}",
            literal(sequence),
            taken("d.number")
        );
        drawn += match xact::attempt(|| -> Result<_, Infallible> { Ok(latest::execute(&insert)) }) {
            Ok(Ok(rows)) => rows,
            Err(caught) if caught.is_of_value() => return Ok(Err(caught.message)),
            Err(caught) => return Err(caught.into()),
        };
        left -= wanted;
        round = (round + 1).min(16);
    }
    Ok(Ok(numbers))
}
