//! The registry of keys as docs/plan.md has it.

use super::keys::{KEYS, Key, Kind, Level, NOTHING, Works};
use super::shapes::MOST_READERS;
use super::{match_by, verify, words::*};

/// The keys' part of `docs/plan.md`: which keys each level has, then a section for each key.
pub fn markdown() -> String {
    let mut out = String::new();
    for (level, place) in [
        (Level::Plan, "the plan"),
        (Level::Table, "`tables.NAME`"),
        (Level::Column, "`tables.NAME.columns.NAME`"),
    ] {
        let works = KEYS.iter().filter(|key| key.works_at(level).is_some_and(|works| works != NOTHING));
        let names: Vec<String> = works.map(|key| format!("`{}`", key.name)).collect();
        out.push_str(&format!("\n{}\n", wrapped(&format!("- **Keys of {place}**: {}.", names.join(", ")))));
    }
    out.extend(KEYS.iter().map(section));
    out
}

fn section(key: &Key) -> String {
    let levels = [(Level::Plan, "plan"), (Level::Table, "table"), (Level::Column, "column")];
    let levels: Vec<(Works, &str)> =
        levels.into_iter().filter_map(|(level, name)| Some((key.works_at(level)?, name))).collect();
    let later = levels.iter().all(|(works, _)| *works == NOTHING);
    let places = levels.iter().map(|(works, name)| match *works == NOTHING && !later {
        true => format!("{name} (not supported yet)"),
        false => (*name).to_string(),
    });
    let works = levels.first().map_or(Works::Now, |(works, _)| *works);
    let json = serde_json::from_str::<serde_json::Value>(key.default).is_ok();
    let default = if json { format!("`{}`", key.default) } else { key.default.to_string() };
    let rows = [
        ("level", places.collect::<Vec<_>>().join(", ")),
        ("values", values(key.kind, works)),
        ("default", default),
        ("example", format!("`{}`", key.example)),
    ];
    let rows = rows.iter().filter(|(_, row)| !row.is_empty());
    let rows: String = rows.map(|(name, row)| wrapped(&format!("- {name}: {row}")) + "\n").collect();
    let later = if later { " Not supported yet." } else { "" };
    format!("\n### `{}`\n\n{}\n\n{rows}", key.name, wrapped(&format!("{}{later}", key.doc)))
}

/// Lines that a terminal shows whole; those of a list are indented.
fn wrapped(text: &str) -> String {
    const WIDTH: usize = 100;
    let (mut out, mut width) = (String::new(), 0);
    let indent = if text.starts_with("- ") { "\n  " } else { "\n" };
    for word in text.split(' ') {
        let length = word.chars().count();
        if width > 0 && width + 1 + length > WIDTH {
            out.push_str(indent);
            width = indent.len() - 1;
        } else if width > 0 {
            out.push(' ');
            width += 1;
        }
        out.push_str(word);
        width += length;
    }
    out
}

fn values(kind: Kind, works: Works) -> String {
    let all = match kind {
        Kind::Flag => "`true`, `false`".to_string(),
        Kind::Text => "text".into(),
        Kind::NameOrNull => "text or `null`".into(),
        Kind::Match => {
            let words = match_by::WORDS.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ");
            format!("{words}; for a table also the name of a unique key")
        }
        Kind::TextOrNull => "SQL text or `null`".into(),
        Kind::Word(words) => words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", "),
        Kind::Globs => "list of globs".into(),
        Kind::Names => {
            let words = Names::WORDS.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ");
            format!("{words}, or an object with `case`, `prefix`, `suffix`, `replace`")
        }
        Kind::Objects => "`true`, `false`, or `{\"exclude\": [globs]}`".into(),
        Kind::Carried(forms) => {
            let words: String = forms.iter().map(|form| format!("`\"{form}\"`, ")).collect();
            format!("`true`, `false`, {words}or an object of globs and texts")
        }
        Kind::Sql => "SQL text, or a list of it".into(),
        Kind::Values => "list of texts and numbers".into(),
        Kind::Types => "object of type names".into(),
        Kind::Formats => "object of formats".into(),
        Kind::Orms => {
            let names = super::orms::words().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            format!("{names}, or a list of names")
        }
        Kind::Type => "a PostgreSQL type".into(),
        Kind::Format => "a format, or `null`".into(),
        Kind::Encoding => "the name of an encoding, or `null`".into(),
        Kind::Scale => "a number of digits, or `null`".into(),
        Kind::Readers => format!("a number from 1 to {MOST_READERS}, or `null`"),
        Kind::Timezone => "a time zone name".into(),
        Kind::Verify => {
            let words = verify::WORDS.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ");
            format!("{words}, or `{{\"sample\": share}}`")
        }
        Kind::Chroma => format!("`true`, `false`, or an object with `{}`", super::chroma::KEYS.join("`, `")),
        Kind::Fts => format!("`true`, `false`, or an object with `{}`", super::fts::KEYS.join("`, `")),
        Kind::IndexBuild => format!("an object with `{}`", super::index_build::KEYS.join("`, `")),
        Kind::Geopackage => format!("an object with `{}`", super::geopackage::KEYS.join("`, `")),
        Kind::Generated => super::generated::values(),
        Kind::Tables | Kind::Columns => "object of objects".into(),
        Kind::Any => "".into(),
    };
    match works {
        Works::Only(some) if !some.is_empty() => {
            format!(
                "{all} (supported so far: {})",
                some.iter().map(|v| format!("`{}`", v.trim_matches('"'))).collect::<Vec<_>>().join(", ")
            )
        }
        _ => all,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN: &str = "<!-- begin keys -->\n";
    const END: &str = "<!-- end keys -->\n";

    #[test]
    fn the_page_holds_the_registry() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/plan.md");
        let page = std::fs::read_to_string(path).unwrap_or_default();
        let (head, rest) = page.split_once(BEGIN).expect("begin marker in docs/plan.md");
        let (keys, tail) = rest.split_once(END).expect("end marker in docs/plan.md");
        if std::env::var_os("UPDATE_DOCS").is_some() && keys != markdown() {
            std::fs::write(path, format!("{head}{BEGIN}{}{END}{tail}", markdown())).expect("docs/plan.md");
            return;
        }
        assert_eq!(keys, markdown(), "run the test with UPDATE_DOCS=1 to print the registry into the page");
    }
}
