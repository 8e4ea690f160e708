//! Sequences after the load: behind the highest value of their columns and behind `sqlite_sequence`.

use super::ddl;
use super::steps::push;
use crate::finding::{Finding, Fix, Kind, Severity};
use crate::plan::context::Context;
use crate::plan::decide::table::{DecidedColumn, DecidedTable};
use crate::plan::model::{Phase, Step};
use crate::plan::target::{CITUS_WORKERS_FROM, ExistingColumn, ExistingTable};
use crate::sqltext::{ident, literal, qualified};
use crate::types::TypeClass;
use crate::value::PgType;

/// A step for each sequence.
pub fn steps(
    ctx: &Context<'_>,
    out: &mut Vec<Step>,
    tables: &[&DecidedTable<'_>],
    findings: &mut Vec<Finding>,
) {
    findings.extend(tables.iter().filter_map(|table| unused_sequence(ctx, table)));
    for table in tables.iter().filter(|d| d.settings.reset_sequences) {
        let resets = if table.fresh() { fresh(table, findings) } else { existing(table, findings) };
        for (column, sql) in resets {
            push(
                out,
                Phase::Sequences,
                format!("reset sequence of {}.{column}", table.title()),
                sql,
                Some(table.id),
            );
        }
    }
}

/// A sequence that no column takes numbers from, but that is called as if it numbered the table's key: the application
/// asks it, and nobody sets it.
fn unused_sequence(ctx: &Context<'_>, table: &DecidedTable<'_>) -> Option<Finding> {
    let there = table.existing.filter(|e| e.relkind != 'v')?;
    let primary = there.keys.iter().find(|key| key.primary)?;
    let [key] = primary.columns.as_slice() else { return None };
    let key = there
        .column(key)
        .filter(|c| c.sequence.is_none() && TypeClass::of(&c.pg_type) == TypeClass::Integer)?;
    table.columns.iter().find(|c| c.target == key.name)?;
    let used: Vec<&str> = (ctx.target.relations.iter())
        .flat_map(|relation| relation.columns.iter().filter_map(|c| c.sequence.as_deref()))
        .collect();
    let counts = |name: &str| {
        let name = name.to_lowercase();
        let counted = name.strip_suffix("_seq").unwrap_or_default();
        singulars(&there.name.to_lowercase())
            .any(|one| counted == one || counted == format!("{one}_{}", key.name.to_lowercase()))
    };
    let free = |r: &&ExistingTable| {
        r.relkind == 'S'
            && r.part_of.is_none()
            && r.schema == there.schema
            && counts(&r.name)
            // As `format('%I.%I')` prints it, quoted where it must be.
            && !used.iter().any(|name| name.replace('"', "") == format!("{}.{}", r.schema, r.name))
    };
    let sequence = ctx.target.relations.iter().find(free)?;
    let after = ctx.overrides.after.clone().unwrap_or_default();
    if after.iter().any(|sql| sql.contains(&sequence.name)) {
        return None;
    }
    let message = format!(
        "no column takes numbers from sequence {}, which is called as if it counted \"{}\": the import does not set it",
        sequence.name, key.name
    );
    let set = format!(
        "SELECT setval({0}, max({1})) FROM {2} HAVING max({1}) > 0",
        literal(&qualified(&sequence.schema, &sequence.name)),
        ident(&key.name),
        qualified(&there.schema, &there.name)
    );
    let statements: Vec<String> = after.into_iter().chain([set]).collect();
    let finding = Kind::Sequence.info(format!("{}.{}", table.source.name, key.name), message);
    Some(finding.fix(Fix::of_plan("after", statements), " if the application takes its numbers there"))
}

/// The name of a table, and what one of its rows may be called.
fn singulars(name: &str) -> impl Iterator<Item = String> {
    let ies = name.strip_suffix("ies").map(|stem| format!("{stem}y"));
    let es = name.strip_suffix("es").map(str::to_owned);
    let s = name.strip_suffix('s').map(str::to_owned);
    [Some(name.to_owned()), s, es, ies].into_iter().flatten()
}

/// Column and statement.
type Reset = (String, String);

/// The identity column of a table that the run has made.
fn fresh(table: &DecidedTable<'_>, findings: &mut Vec<Finding>) -> Vec<Reset> {
    let Some(column) = alias(table) else { return vec![] };
    if !ddl::is_identity(column) {
        let object = column.object(&table.source.name);
        findings.push(Kind::Sequence.info(object, "the column does not generate its values any more"));
        return vec![];
    }
    let name = qualified(&table.settings.schema, &table.target);
    let mut values = vec![format!("(SELECT pg_catalog.max({}) FROM {name})", ident(&column.target))];
    // A narrower type of the user's own cannot count on.
    let most = match column.pg_type {
        PgType::Int2 => i16::MAX.into(),
        PgType::Int4 => i32::MAX.into(),
        _ => i64::MAX,
    };
    values.extend(table.source.sequence.map(|seq| seq.clamp(0, most).to_string()));
    let value = format!("GREATEST({})", values.join(", "));
    let sequence =
        format!("pg_catalog.pg_get_serial_sequence({}, {})", literal(&name), literal(&column.target));
    // `setval` outlives a ROLLBACK, but not the sequence that is new in the transaction.
    let sql = format!(
        "SELECT pg_catalog.setval(s.name, {value}, true) FROM (SELECT {sequence}::pg_catalog.regclass AS name) AS s WHERE s.name IS NOT NULL AND {value} >= 1"
    );
    vec![(column.target.clone(), sql)]
}

/// The column that SQLite numbers.
fn alias<'d, 'a>(table: &'d DecidedTable<'a>) -> Option<&'d DecidedColumn<'a>> {
    table.columns.iter().find(|c| c.rowid_alias)
}

/// Every column of a table that takes numbers from a sequence, loaded or not.
fn existing(table: &DecidedTable<'_>, findings: &mut Vec<Finding>) -> Vec<Reset> {
    let Some(there) = table.existing.filter(|e| e.relkind != 'v') else { return vec![] };
    let name = qualified(&there.schema, &there.name);
    if let Some(reason) = &there.uncounted {
        let behind = there.columns.iter().filter_map(|column| column.sequence.as_ref());
        findings.extend(behind.map(|sequence| {
            let message = format!("sequence {sequence} is not set: its table cannot be read: {reason}");
            Kind::Sequence.warning(&table.source.name, message).hint("Set it with setval().")
        }));
        return vec![];
    }
    let counter = table.source.sequence.filter(|seq| *seq > 0);
    let reset = |column: &ExistingColumn| {
        let own = alias(table).filter(|a| a.target == column.name).and(counter);
        let ends = Ends::of(column, own, there.citus.is_some())?;
        findings.extend(out_of_reach(table, column));
        Some((column.name.clone(), move_there(&name, column, &ends, table.starts_empty())?))
    };
    there.columns.iter().filter_map(reset).collect()
}

/// Only its owner can set a sequence; after a load into an empty table it must be set.
fn out_of_reach(table: &DecidedTable<'_>, column: &ExistingColumn) -> Option<Finding> {
    let sequence = column.sequence.as_ref().filter(|_| column.others_sequence)?;
    let object = format!("{}.{}", table.source.name, column.name);
    let message = format!("only the owner of sequence {sequence} can set it");
    let moves = table.starts_empty() && table.profile.is_some_and(|p| p.rows > 0);
    let severity = if moves { Severity::Blocking } else { Severity::Warning };
    let finding = Kind::Sequence.finding(severity, object, message).of(table.id);
    Some(finding.fix(Fix::of_table(&table.source.name, "reset_sequences", false), ""))
}

/// The values furthest along a sequence's way, as SQL: of one that counts up, and of one that counts down.
struct Ends {
    highest: String,
    lowest: String,
}

impl Ends {
    /// Of numbers only: texts that are made from numbers are not sorted as numbers. In Citus, values that workers have
    /// given out are not this sequence's.
    fn of(column: &ExistingColumn, counter: Option<i64>, citus: bool) -> Option<Ends> {
        let name = ident(&column.name);
        let last = if citus { CITUS_WORKERS_FROM - 1 } else { i64::MAX };
        let (most, least) = match TypeClass::of(&column.pg_type) {
            TypeClass::Integer if citus => (
                format!("pg_catalog.max({name}) FILTER (WHERE {name} <= {last})"),
                format!("pg_catalog.min({name})"),
            ),
            TypeClass::Integer => (format!("pg_catalog.max({name})"), format!("pg_catalog.min({name})")),
            TypeClass::Numeric => (
                format!("pg_catalog.ceil(pg_catalog.max({name}) FILTER (WHERE {name} <= {last}))"),
                format!("pg_catalog.floor(pg_catalog.min({name}) FILTER (WHERE {name} >= {}))", i64::MIN),
            ),
            _ => return None,
        };
        let highest = counter.map_or(most.clone(), |seq| format!("GREATEST({most}, {seq})"));
        Some(Ends { highest, lowest: least })
    }
}

/// Undone by ROLLBACK, as ALTER SEQUENCE is. Forward only, unless the table began empty and nobody else takes
/// numbers from the sequence: then the next value is the one after the loaded ones, or the start value.
///
/// The first ALTER changes nothing and locks: no other session moves the sequence between the look and the move.
/// A sequence that has to stand at its end gives its last value away, so that the next one is an error and
/// not a duplicate. A column may be called as a variable is.
fn move_there(table: &str, column: &ExistingColumn, ends: &Ends, empty: bool) -> Option<String> {
    let body = format!(
        "#variable_conflict use_column
DECLARE
    seq pg_catalog.text := {sequence};
    exact pg_catalog.bool := {exact};
    used pg_catalog.int8;
    bounds record;
    now_at record;
    at_end pg_catalog.bool;
    stands pg_catalog.bool;
    restart_at pg_catalog.int8;
BEGIN
    SELECT s.seqstart AS start_at, s.seqmin AS low, s.seqmax AS high, s.seqcache AS cache, s.seqincrement > 0 AS up INTO bounds
        FROM pg_catalog.pg_sequence AS s WHERE s.seqrelid = seq::pg_catalog.regclass;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF bounds.up THEN
        SELECT {highest} INTO used FROM {table};
        used := CASE WHEN used >= bounds.low THEN used END;
        restart_at := LEAST(used, bounds.high - 1) + 1;
    ELSE
        SELECT {lowest} INTO used FROM {table};
        used := CASE WHEN used <= bounds.high THEN used END;
        restart_at := GREATEST(used, bounds.low + 1) - 1;
    END IF;
    at_end := COALESCE(CASE WHEN bounds.up THEN used >= bounds.high ELSE used <= bounds.low END, false);
    IF used IS NULL THEN
        restart_at := bounds.start_at;
    END IF;
    IF used IS NULL AND NOT exact THEN
        RETURN;
    END IF;
    FOR pass IN 1..2 LOOP
        EXECUTE pg_catalog.format('SELECT last_value, is_called FROM %s', seq) INTO now_at;
        stands := CASE WHEN now_at.is_called THEN used IS NOT NULL AND now_at.last_value = used
                       ELSE now_at.last_value = restart_at AND NOT at_end END;
        IF NOT exact AND NOT stands THEN
            stands := CASE WHEN bounds.up THEN used < now_at.last_value ELSE used > now_at.last_value END;
        END IF;
        IF stands THEN
            RETURN;
        END IF;
        IF pass = 1 THEN
            EXECUTE pg_catalog.format('ALTER SEQUENCE %s CACHE %s', seq, bounds.cache);
        END IF;
    END LOOP;
    EXECUTE pg_catalog.format('ALTER SEQUENCE %s RESTART WITH %s', seq, restart_at);
    IF at_end THEN
        PERFORM pg_catalog.nextval(seq::pg_catalog.regclass);
    END IF;
END",
        sequence = literal(column.sequence.as_deref()?),
        exact = if empty { only_user(table, column) } else { "false".into() },
        highest = ends.highest,
        lowest = ends.lowest,
    );
    Some(format!("DO {}", literal(&body)))
}

/// SQL: the sequence is the column's own, and no other column's default takes numbers from it, except for the same
/// column of partitions.
fn only_user(table: &str, column: &ExistingColumn) -> String {
    let (table, name) = (literal(table), literal(&column.name));
    format!(
        "EXISTS (
        SELECT FROM pg_catalog.pg_depend AS d
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
        WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = seq::pg_catalog.regclass
          AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype IN ('a', 'i')
          AND d.refobjid = {table}::pg_catalog.regclass AND a.attname = {name})
      AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend AS d
        JOIN pg_catalog.pg_attrdef AS f ON f.oid = d.objid
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = f.adrelid AND a.attnum = f.adnum
        WHERE d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass
          AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = seq::pg_catalog.regclass
          AND NOT (a.attname = {name} AND (f.adrelid = {table}::pg_catalog.regclass
            OR f.adrelid IN (SELECT t.relid FROM pg_catalog.pg_partition_tree({table}::pg_catalog.regclass) AS t))))"
    )
}
