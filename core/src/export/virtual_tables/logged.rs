//! The texts of virtual tables that the log has kept. They were a file's, and become statements again: each is the one
//! statement that it is taken for.

use crate::ddl;
use crate::export::plan::RunVirtualTable;
use crate::search::declared::{Content, Declared};

/// Modules whose tables can be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Module {
    Fts3,
    Fts4,
    Fts5,
    Rtree,
    RtreeI32,
    Geopoly,
}

/// The tables that a module makes for one of its own.
const MODULES: &[(Module, &str, &[&str])] = &[
    (Module::Fts3, "fts3", &["content", "segments", "segdir"]),
    (Module::Fts4, "fts4", &["content", "segments", "segdir", "docsize", "stat"]),
    (Module::Fts5, "fts5", &["data", "idx", "content", "docsize", "config"]),
    (Module::Rtree, "rtree", &["node", "rowid", "parent"]),
    (Module::RtreeI32, "rtree_i32", &["node", "rowid", "parent"]),
    (Module::Geopoly, "geopoly", &["node", "rowid", "parent"]),
];

/// The tokenizers that SQLite has itself.
const TOKENIZERS: &[&str] = &["ascii", "porter", "simple", "trigram", "unicode61"];

/// What a virtual table is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub module: Module,
    pub module_name: &'static str,
    /// The table with its texts, if it does not keep its rows itself.
    pub over: Option<String>,
    /// The column of that table that is the rowid, where it is named.
    pub rowid: Option<String>,
    /// The columns that it takes from that table.
    pub columns: Vec<String>,
    /// The places of an R*Tree's coordinates.
    pub coordinates: std::ops::Range<usize>,
}

impl Kept {
    /// The names of the tables that the module would make.
    pub(super) fn shadows(&self, name: &str) -> Vec<String> {
        shadows(self.module, name)
    }
}

/// The names of the tables that a module makes for a table of this name.
pub(super) fn shadows(module: Module, name: &str) -> Vec<String> {
    let known = MODULES.iter().find(|(m, ..)| *m == module).map_or(&[][..], |(.., shadows)| shadows);
    known.iter().map(|shadow| format!("{name}_{shadow}")).collect()
}

/// Reads the text of a virtual table; the error is a reason for a person.
pub(super) fn parse(of: &RunVirtualTable) -> Result<Kept, String> {
    let declared = ddl::virtual_table(&of.sql).filter(|(name, _)| *name == of.name);
    let (_, written) = declared.ok_or("the log does not have its declaration")?;
    let known = MODULES.iter().find(|(_, name, _)| name.eq_ignore_ascii_case(&written));
    let Some((module, module_name, _)) = known else {
        return Err(format!("tables of module \"{written}\" are not made again"));
    };
    let mut kept =
        Kept { module: *module, module_name, over: None, rowid: None, columns: vec![], coordinates: 0..0 };
    match module {
        Module::Fts3 | Module::Fts4 | Module::Fts5 => full_text(&mut kept, of)?,
        Module::Rtree | Module::RtreeI32 => {
            let arguments = ddl::module_arguments(&of.sql)?;
            let own = arguments.iter().take_while(|argument| !argument.starts_with('+')).count();
            kept.coordinates = 1..own;
        }
        Module::Geopoly => {}
    }
    Ok(kept)
}

fn full_text(kept: &mut Kept, of: &RunVirtualTable) -> Result<(), String> {
    let declared = Declared::parse(&of.sql)?;
    if let Some((function, _)) = &declared.compress {
        return Err(format!("function \"{function}\" of the application compresses its texts"));
    }
    // A tokenizer may stand before another one, whose words it changes.
    let named = std::iter::once(&declared.tokenizer.name)
        .chain(declared.tokenizer.arguments.first().filter(|_| declared.tokenizer.name == "porter"));
    if let Some(own) = named.into_iter().find(|name| !TOKENIZERS.contains(&name.as_str())) {
        return Err(format!("its tokenizer \"{own}\" is the application's"));
    }
    match declared.content {
        Content::Own => {}
        Content::Contentless { .. } => {
            return Err("its texts are not in the database, as they were not in the file".into());
        }
        Content::External { table, rowid } => {
            kept.over = Some(table);
            kept.rowid = rowid;
            kept.columns = match declared.columns.is_empty() {
                true => of.columns.clone(),
                false => declared.columns.into_iter().map(|column| column.name).collect(),
            };
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, sql: &str) -> Result<Kept, String> {
        parse(&RunVirtualTable { name: name.into(), sql: sql.into(), ..RunVirtualTable::default() })
    }

    #[test]
    fn declarations_of_known_modules_are_read() {
        let kept =
            of("d", "CREATE VIRTUAL TABLE \"d\" USING FTS5(a, content='post', content_rowid=id)").unwrap();
        assert_eq!(
            (kept.module, kept.over.as_deref(), kept.rowid.as_deref()),
            (Module::Fts5, Some("post"), Some("id"))
        );
        assert_eq!(kept.columns, ["a"]);
        let kept = of("r", "CREATE VIRTUAL TABLE r USING rtree(id, x0, x1, y0, y1, +name TEXT);").unwrap();
        assert_eq!(kept.coordinates, 1..5);
        assert_eq!(of("r", "CREATE VIRTUAL TABLE r USING fts3").unwrap().over, None);
        for (sql, why) in [
            ("CREATE VIRTUAL TABLE other USING fts5(a)", "does not have its declaration"),
            ("CREATE VIRTUAL TABLE d USING fts5(a); DROP TABLE x", "does not have its declaration"),
            ("CREATE VIRTUAL TABLE d USING fts5(a) (b)", "does not have its declaration"),
            ("CREATE TABLE d (a)", "does not have its declaration"),
            ("CREATE VIRTUAL TABLE d USING csv(filename='/etc/passwd')", "module \"csv\""),
            ("CREATE VIRTUAL TABLE d USING fts5(a, tokenize='mine')", "mine"),
            ("CREATE VIRTUAL TABLE d USING fts5(a, content='')", "not in the file"),
            ("CREATE VIRTUAL TABLE d USING fts4(a, compress=z, uncompress=u)", "compresses"),
        ] {
            let refused = of("d", sql).unwrap_err();
            assert!(refused.contains(why), "{sql}: {refused}");
        }
    }
}
