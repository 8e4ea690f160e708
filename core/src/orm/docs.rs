//! The registry as a section of `docs/types.md`.

use super::signs::Sign;
use super::{ALL, Conventions, Integers, Meaning, Orm};
use crate::tools::TOOLS;

/// A table of all programs.
pub fn markdown() -> String {
    let rows = ALL.iter().map(|orm| {
        let signs: Vec<String> = orm.signs.iter().map(sign).collect();
        format!("| {} | `{}` | {} | {} |\n", orm.title, orm.name, signs.join("; "), meaning(orm))
    });
    String::from("| program | `orm` | recognised by | what its declarations mean |\n|---|---|---|---|\n")
        + &rows.collect::<String>()
}

/// The section of a program's own page in `docs/howto/`.
pub fn section(orm: &Orm) -> String {
    let c = &orm.conventions;
    let mut rows: Vec<(String, String)> = Vec::new();
    let mut row = |from: &str, to: String| rows.push((from.to_owned(), to));
    match c.integers {
        Integers::Narrow => row("INTEGER", "`integer`; `bigint` where numbers are large".into()),
        Integers::WideKeys => row("INTEGER", "`integer`; `bigint` in keys".into()),
        Integers::Wide => row("INTEGER", "`bigint`".into()),
    }
    c.types.iter().for_each(|(declared, types)| row(declared, format!("`{}`", types.join("`, `"))));
    c.texts
        .iter()
        .for_each(|meaning| row(&format!("texts that are all {}", text(*meaning)), "that type".into()));
    flags(c)
        .into_iter()
        .filter_map(|words| words.split_once(": "))
        .for_each(|(from, to)| row(from, to.into()));
    c.epoch.iter().for_each(|format| row("numbers in times", format!("read as `{}`", format.as_str())));
    c.durations
        .iter()
        .for_each(|format| row("INTERVAL", format!("`interval`, read as `{}`", format.as_str())));
    c.decimal_texts
        .iter()
        .for_each(|declared| row(&format!("{declared} that holds decimals"), "`numeric`".into()));
    c.open.iter().for_each(|(declared, what)| row(declared, format!("a finding: {what}")));
    let rows = rows.iter().map(|(from, to)| format!("| {from} | {to} |\n"));
    String::from("| in the file | in PostgreSQL |\n|---|---|\n") + &rows.collect::<String>()
}

fn sign(sign: &Sign) -> String {
    let quoted = |names: &mut dyn Iterator<Item = &str>| {
        names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    };
    match sign {
        Sign::Tool(name) => {
            quoted(&mut TOOLS.iter().filter(|tool| tool.name == *name).map(|tool| tool.table))
        }
        Sign::Tables(names) => quoted(&mut names.iter().copied()),
        Sign::Spelling(_, words) => (*words).to_owned(),
    }
}

fn meaning(orm: &Orm) -> String {
    let c = &orm.conventions;
    let mut out: Vec<String> = Vec::new();
    match c.integers {
        Integers::Narrow => out.push("INTEGER `integer`".into()),
        Integers::WideKeys => out.push("INTEGER `integer`, in keys `bigint`".into()),
        Integers::Wide => {}
    }
    out.extend(c.types.iter().map(|(declared, types)| format!("{declared} `{}`", types.join("`, `"))));
    if !c.texts.is_empty() {
        let texts: Vec<&str> = c.texts.iter().map(|meaning| text(*meaning)).collect();
        out.push(format!("texts that are all {}: that type", texts.join(", or all ")));
    }
    out.extend(flags(c).into_iter().map(str::to_owned));
    out.extend(c.epoch.map(|format| format!("numbers in times are `{}`", format.as_str())));
    out.extend(c.durations.map(|format| format!("INTERVAL `interval`, in `{}`", format.as_str())));
    out.extend(c.decimal_texts.map(|declared| format!("{declared} that holds decimals `numeric`")));
    if out.is_empty() { "SQLite's own rules".to_owned() } else { out.join("; ") }
}

fn flags(c: &Conventions) -> Vec<&'static str> {
    let all = [
        (c.named_times, "INTEGER called as times are: `timestamp with time zone`"),
        (c.clock_in_milliseconds, "times of day in milliseconds"),
        (c.texts_in_blobs, "BLOB that holds digits `numeric`, documents `jsonb`"),
        (c.pads_decimals, "decimals without precision: as many digits after the point as the file shows"),
        (c.decimals_in_text, "texts that are all decimals: a finding"),
        (
            c.keys_of_either_width,
            "keys to which no other table refers: a finding, where the models may have `bigint`",
        ),
        (c.lower_names, "names with capital letters: a finding"),
        (c.serial, "rows numbered by `serial`"),
        (c.generates_uuids, "UUID keys with a default"),
    ];
    all.into_iter().filter(|(is, _)| *is).map(|(_, words)| words).collect()
}

fn text(meaning: Meaning) -> &'static str {
    match meaning {
        Meaning::Uuid => "UUIDs",
        Meaning::UuidUpper => "UUIDs in capitals",
        Meaning::UuidHex => "UUIDs without dashes",
        Meaning::UuidKey => "UUIDs of a primary key",
        Meaning::Date => "dates",
        Meaning::Time => "times of day",
        Meaning::Timestamp => "times",
        Meaning::Json => "JSON documents",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs");

    /// What a page has between two markers is what is printed, or becomes so with UPDATE_DOCS=1.
    fn check(path: &str, begin: &str, end: &str, printed: &str) {
        let page = std::fs::read_to_string(path).unwrap_or_default();
        let (head, rest) = page.split_once(begin).unwrap_or_else(|| panic!("begin marker in {path}"));
        let (table, tail) = rest.split_once(end).unwrap_or_else(|| panic!("end marker in {path}"));
        if std::env::var_os("UPDATE_DOCS").is_some() && table != printed {
            std::fs::write(path, format!("{head}{begin}{printed}{end}{tail}")).expect("a page in docs/");
            return;
        }
        assert_eq!(table, printed, "run the test with UPDATE_DOCS=1 to print the registry into {path}");
    }

    #[test]
    fn the_page_holds_the_registry() {
        let (begin, end) = ("<!-- begin programs: core/src/orm -->\n", "<!-- end programs -->\n");
        check(&format!("{DOCS}/types.md"), begin, end, &markdown());
    }

    #[test]
    fn every_page_of_a_program_holds_its_conventions() {
        let mut pages = 0;
        for file in std::fs::read_dir(format!("{DOCS}/howto")).expect("docs/howto").flatten() {
            let path = file.path();
            let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
            let orm = crate::orm::named(name).unwrap_or_else(|| panic!("{name} is no program"));
            let begin = format!("<!-- begin program: core/src/orm/{name}.rs -->\n");
            check(&path.to_string_lossy(), &begin, "<!-- end program -->\n", &section(orm));
            pages += 1;
        }
        assert_eq!(pages, ALL.len());
    }
}
