//! A line of SQLite's integrity check, and which object it is about. Pure.
//!
//! The texts are those of `checkAppendMsg` and of `PRAGMA integrity_check` in SQLite's source; they are not documented.
//! A line that is not recognised has no object; it stops an import.

/// Where a problem puts the fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A page of the b-tree with this root page.
    Tree {
        root: u32,
        page: u32,
    },
    /// A page of some b-tree.
    Page(u32),
    /// A page that belongs to more than one b-tree or list.
    Shared(u32),
    /// An index of this name: its entries are not those of its table.
    Index(String),
    /// The key of a table WITHOUT ROWID.
    Order(String),
    /// What a virtual table keeps in its shadow tables.
    Virtual(String),
    /// Pages without rows.
    Rowless,
    /// A stored value that breaks a declaration. The file is sound.
    Value,
    Unknown,
}

impl Place {
    pub(super) fn of(line: &str) -> Place {
        if let Some(page) = number_after(line, "2nd reference to page ") {
            return Place::Shared(page);
        }
        let is_pointer_map = |text: &str| {
            text.starts_with("Bad ptr map")
                || text.starts_with("Failed to read ptrmap")
                || text.starts_with("max rootpage")
        };
        if let Some((root, page, text)) = tree(line) {
            return if is_pointer_map(text) { Place::Rowless } else { Place::Tree { root, page } };
        }
        let rowless = ["Freelist: ", "incremental_vacuum enabled"].iter().any(|head| line.starts_with(head));
        if rowless || is_pointer_map(line) || (line.starts_with("Page ") && line.ends_with(": never used")) {
            return Place::Rowless;
        }
        if let Some(page) = number_after(line, " on page ").or_else(|| number_after(line, " of page ")) {
            return Place::Page(page);
        }
        if let Some((_, table)) = line.split_once("row not in PRIMARY KEY order for ") {
            return Place::Order(table.to_owned());
        }
        if let Some(table) = virtual_table(line) {
            return Place::Virtual(table.to_owned());
        }
        if let Some(index) = index(line) {
            return Place::Index(index.to_owned());
        }
        let values =
            ["NULL value in ", "NUMERIC value in ", "TEXT value in ", "CHECK constraint failed in ", "non-"];
        if values.iter().any(|head| line.starts_with(head))
            || line.contains(" stores an imprecise floating-point ")
        {
            return Place::Value;
        }
        Place::Unknown
    }
}

/// `Tree 2 page 7 cell 3: text`
fn tree(line: &str) -> Option<(u32, u32, &str)> {
    let (place, text) = line.strip_prefix("Tree ")?.split_once(": ")?;
    let mut words = place.split(' ');
    let root = words.next()?.parse().ok()?;
    let page = (words.next() == Some("page")).then(|| words.next()?.parse().ok()).flatten()?;
    Some((root, page, text))
}

/// `row 7 missing from index i`, `wrong # of entries in index i`, …: the name is the rest of the line.
fn index(line: &str) -> Option<&str> {
    let heads = ["row ", "rowid not at end-of-record ", "wrong # of entries ", "non-unique entry "];
    let (_, name) = line.split_once(" index ").filter(|_| heads.iter().any(|head| line.starts_with(head)))?;
    Some(name)
}

/// `malformed inverted index for FTS5 table main.t`, `unable to validate the inverted index for FTS4 table main.t: reason`,
/// `fts5: checksum mismatch for table "t"`, `In RTree main.t: problems`.
fn virtual_table(line: &str) -> Option<&str> {
    if let Some(table) = line.strip_prefix("In RTree main.") {
        return table.split_once(": ").map(|(name, _)| name);
    }
    if line.starts_with("fts5: ") {
        return line.strip_suffix('"')?.split_once(" table \"").map(|(_, name)| name);
    }
    let (head, table) =
        line.split_once(" table main.").filter(|(head, _)| head.contains("inverted index for FTS"))?;
    match head.starts_with("unable") {
        true => table.split_once(": ").map(|(name, _)| name),
        false => Some(table),
    }
}

fn number_after(line: &str, words: &str) -> Option<u32> {
    line.rsplit_once(words)?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_put_where_they_belong() {
        let index = |name: &str| Place::Index(name.into());
        for (line, place) in [
            ("Tree 2 page 7 cell 3: Rowid 0 out of order", Place::Tree { root: 2, page: 7 }),
            ("Tree 2 page 7: btreeInitPage() returns error code 11", Place::Tree { root: 2, page: 7 }),
            ("Tree 2 page 7 right child: Bad ptr map entry key=1 expected=(5,7) got=(0,0)", Place::Rowless),
            ("Tree 9 page 3 cell 0: 2nd reference to page 5", Place::Shared(5)),
            ("Freelist: 2nd reference to page 5", Place::Shared(5)),
            ("Freelist: size is 0 but should be 3", Place::Rowless),
            ("Page 4: never used", Place::Rowless),
            ("Fragmentation of 312 bytes reported as 0 on page 8", Place::Page(8)),
            ("Multiple uses for byte 4019 of page 11", Place::Page(11)),
            ("row 7 missing from index i on x", index("i on x")),
            ("wrong # of entries in index i", index("i")),
            ("row not in PRIMARY KEY order for a b", Place::Order("a b".into())),
            ("NULL value in t.b", Place::Value),
            ("non-INT value in t.b", Place::Value),
            ("non-unique entry in index u", index("u")),
            ("malformed inverted index for FTS5 table main.a b", Place::Virtual("a b".into())),
            (
                "unable to validate the inverted index for FTS4 table main.v: SQL logic error",
                Place::Virtual("v".into()),
            ),
            ("fts5: checksum mismatch for table \"v\"", Place::Virtual("v".into())),
            ("In RTree main.r: Node 4 missing from database", Place::Virtual("r".into())),
            ("something new", Place::Unknown),
        ] {
            assert_eq!(Place::of(line), place, "{line}");
        }
    }
}
