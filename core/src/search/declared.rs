//! What a `CREATE VIRTUAL TABLE … USING fts5|fts4|fts3 (…)` declares.
//!
//! The modules read their arguments each in its own way: FTS5 takes one word or `option = value`, options may be cut
//! short; FTS4 takes anything with `=` for an option, FTS3 nothing but `tokenize`. What the modules would refuse cannot be
//! in a file that SQLite wrote, and need not be told from what they take.

use std::iter::Peekable;
use std::str::CharIndices;

use crate::ddl;
use crate::sqltext::sqlite_unquote;

/// The modules for full text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Module {
    Fts3,
    Fts4,
    Fts5,
}

impl Module {
    pub fn named(name: &str) -> Option<Module> {
        let known = [("fts3", Module::Fts3), ("fts4", Module::Fts4), ("fts5", Module::Fts5)];
        known.into_iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, module)| module)
    }
}

/// A full-text table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    pub module: Module,
    /// In order. Empty where an FTS4 table has those of its content table.
    pub columns: Vec<Column>,
    pub content: Content,
    pub tokenizer: TokenizerCall,
    /// Lengths of prefixes that have an index of their own.
    pub prefix: Vec<u32>,
    /// The sizes of texts are kept (`columnsize`, `matchinfo=fts3`).
    pub sizes: bool,
    pub detail: Detail,
    /// FTS5: texts may have a locale.
    pub locale: bool,
    /// FTS5: tokens carry data after a NUL.
    pub tokendata: bool,
    /// FTS4: the name of the hidden column that holds each row's language.
    pub languageid: Option<String>,
    /// FTS4: functions of the application, to compress a text and to get it back.
    pub compress: Option<(String, String)>,
    /// FTS4: `order=desc`.
    pub descending: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    /// Stored, and not searched: FTS5's UNINDEXED, FTS4's `notindexed`.
    pub unindexed: bool,
}

/// Where the texts are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// In the table itself.
    Own,
    /// In another table or a view, in columns of the same names; the row is found by `rowid`, or the column that is named.
    External { table: String, rowid: Option<String> },
    /// Nowhere: only the index is kept, and the UNINDEXED columns where that is asked for.
    Contentless { delete: bool, unindexed: bool },
}

/// What an index knows of a word's places (FTS5).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Detail {
    #[default]
    Full,
    Columns,
    None,
}

/// A tokenizer as it is declared, not yet understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenizerCall {
    pub name: String,
    pub arguments: Vec<String>,
}

impl TokenizerCall {
    /// As the option `tokenize` has it.
    pub fn text(&self) -> String {
        let words = std::iter::once(&self.name).chain(&self.arguments);
        let quoted = words.map(|word| match word.chars().all(is_fts4_word) && !word.is_empty() {
            true => word.clone(),
            false => format!("'{}'", word.replace('\'', "''")),
        });
        quoted.collect::<Vec<_>>().join(" ")
    }

    fn of(mut words: Vec<String>, default: &str) -> TokenizerCall {
        let name = if words.is_empty() { default.to_owned() } else { words.remove(0) };
        TokenizerCall { name, arguments: words }
    }
}

impl Declared {
    /// Reads the statement; the error is a reason for a person.
    pub fn parse(sql: &str) -> Result<Declared, String> {
        let name = ddl::module(sql).ok_or("not a CREATE VIRTUAL TABLE statement")?;
        let module = Module::named(&name).ok_or_else(|| format!("\"{name}\" is no module for full text"))?;
        let mut reader = Reader::new(module);
        for argument in ddl::module_arguments(sql)? {
            let read = match module {
                Module::Fts5 => reader.fts5_argument(&argument),
                Module::Fts3 | Module::Fts4 => reader.fts4_argument(&argument),
            };
            read.ok_or_else(|| format!("the argument {argument} cannot be read"))?;
        }
        Ok(reader.complete())
    }

    fn new(module: Module) -> Declared {
        let tokenizer = if module == Module::Fts5 { "unicode61" } else { "simple" };
        Declared {
            module,
            columns: vec![],
            content: Content::Own,
            tokenizer: TokenizerCall::of(vec![], tokenizer),
            prefix: vec![],
            sizes: module != Module::Fts3,
            detail: Detail::Full,
            locale: false,
            tokendata: false,
            languageid: None,
            compress: None,
            descending: false,
        }
    }

    /// The columns that are searched, in order.
    pub fn searched(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| !column.unindexed)
    }
}

/// What has been read of a declaration; options may come in any order.
struct Reader {
    declared: Declared,
    /// `content`, where it is given.
    content: Option<String>,
    rowid: Option<String>,
    delete: bool,
    unindexed: bool,
    notindexed: Vec<String>,
    compress: Option<String>,
    uncompress: Option<String>,
}

impl Reader {
    fn new(module: Module) -> Reader {
        Reader {
            declared: Declared::new(module),
            content: None,
            rowid: None,
            delete: false,
            unindexed: false,
            notindexed: vec![],
            compress: None,
            uncompress: None,
        }
    }

    fn column(&mut self, name: String, unindexed: bool) {
        self.declared.columns.push(Column { name, unindexed });
    }

    /// `column`, `column UNINDEXED` or `option = value`.
    fn fts5_argument(&mut self, argument: &str) -> Option<()> {
        let mut words = Words::new(argument);
        let first = words.word()?;
        let is_option = words.takes('=');
        match (is_option, words.word()) {
            (true, value) => self.fts5_option(&first, value.unwrap_or_default())?,
            (false, None) => self.column(first, false),
            (false, Some(word)) if word.eq_ignore_ascii_case("unindexed") => self.column(first, true),
            (false, Some(_)) => return None,
        }
        Some(())
    }

    /// An option's name may be cut short; the first that begins so is meant.
    fn fts5_option(&mut self, name: &str, value: String) -> Option<()> {
        const OPTIONS: [&str; 10] = [
            "prefix",
            "tokenize",
            "content",
            "contentless_delete",
            "contentless_unindexed",
            "content_rowid",
            "columnsize",
            "locale",
            "detail",
            "tokendata",
        ];
        let on = value == "1";
        match *OPTIONS.iter().find(|option| begins(option, name))? {
            "prefix" => self.declared.prefix = lengths(&value),
            "tokenize" => self.declared.tokenizer = TokenizerCall::of(words(&value), "unicode61"),
            "content" => self.content = Some(value),
            "contentless_delete" => self.delete = on,
            "contentless_unindexed" => self.unindexed = on,
            "content_rowid" => self.rowid = Some(value),
            "columnsize" => self.declared.sizes = on,
            "locale" => self.declared.locale = on,
            "detail" => self.declared.detail = detail(&value)?,
            _ => self.declared.tokendata = on,
        }
        Some(())
    }

    /// `tokenize…`, `option=value` (FTS4), or a column, of which the first word is the name.
    fn fts4_argument(&mut self, argument: &str) -> Option<()> {
        const TOKENIZE: usize = "tokenize".len();
        let rest = argument.get(TOKENIZE..).filter(|_| begins(argument, "tokenize"));
        if let Some(rest) = rest.filter(|rest| !rest.is_empty() && !rest.starts_with(is_fts4_word)) {
            self.declared.tokenizer = TokenizerCall::of(words(rest), "simple");
            return Some(());
        }
        let option = argument.split_once('=').filter(|_| self.declared.module == Module::Fts4);
        if let Some((name, value)) = option {
            return self.fts4_option(name.trim(), sqlite_unquote(value.trim()));
        }
        let name = Words::new(argument).skipping().unwrap_or_default();
        self.column(name, false);
        Some(())
    }

    fn fts4_option(&mut self, name: &str, value: String) -> Option<()> {
        match name.to_ascii_lowercase().as_str() {
            "matchinfo" => self.declared.sizes = false,
            "prefix" => self.declared.prefix = lengths(&value),
            "compress" => self.compress = Some(value),
            "uncompress" => self.uncompress = Some(value),
            "order" => self.declared.descending = value.starts_with(['d', 'D']),
            "content" => self.content = Some(value),
            "languageid" => self.declared.languageid = Some(value),
            "notindexed" => self.notindexed.push(value),
            _ => return None,
        }
        Some(())
    }

    /// What only all arguments together say.
    fn complete(self) -> Declared {
        let mut declared = self.declared;
        declared.content = match self.content {
            None => Content::Own,
            Some(table) if table.is_empty() => {
                Content::Contentless { delete: self.delete, unindexed: self.unindexed }
            }
            Some(table) => Content::External { table, rowid: self.rowid },
        };
        if declared.content == Content::Own {
            declared.compress = self.compress.zip(self.uncompress);
        }
        for column in &mut declared.columns {
            column.unindexed |= self.notindexed.iter().any(|name| name.eq_ignore_ascii_case(&column.name));
        }
        let has_default =
            declared.module != Module::Fts5 && !matches!(declared.content, Content::External { .. });
        if has_default && declared.columns.is_empty() {
            declared.columns.push(Column { name: "content".to_owned(), unindexed: false });
        }
        declared
    }
}

fn begins(whole: &str, start: &str) -> bool {
    whole.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
}

fn detail(value: &str) -> Option<Detail> {
    let known = [("none", Detail::None), ("full", Detail::Full), ("columns", Detail::Columns)];
    known.into_iter().find(|(name, _)| begins(name, value)).map(|(_, detail)| detail)
}

fn lengths(value: &str) -> Vec<u32> {
    let words = value.split([',', ' ']).filter(|word| !word.is_empty());
    words.filter_map(|word| word.parse().ok()).filter(|n| *n > 0).collect()
}

/// A character of an unquoted word of FTS3 and FTS4.
fn is_fts4_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii()
}

/// The words of a text: bare, or in quotes; whatever else stands between them is passed over.
pub(super) fn words(text: &str) -> Vec<String> {
    Words::new(text).all()
}

/// The words of an argument: bare, or in any of SQLite's quotes.
struct Words<'a> {
    text: &'a str,
    left: Peekable<CharIndices<'a>>,
}

impl<'a> Words<'a> {
    fn new(text: &'a str) -> Words<'a> {
        Words { text, left: text.char_indices().peekable() }
    }

    fn skip_blanks(&mut self) {
        while self.left.next_if(|(_, c)| c.is_ascii_whitespace()).is_some() {}
    }

    /// The next character but blanks, if it is this one.
    fn takes(&mut self, wanted: char) -> bool {
        self.skip_blanks();
        self.left.next_if(|(_, c)| *c == wanted).is_some()
    }

    /// The next word, unless something else stands there.
    fn word(&mut self) -> Option<String> {
        self.skip_blanks();
        let (start, first) = *self.left.peek()?;
        let close = match first {
            '\'' | '"' | '`' => first,
            '[' => ']',
            c if is_fts4_word(c) => return Some(self.bare(start)),
            _ => return None,
        };
        self.left.next();
        Some(self.quoted(close))
    }

    /// The next word, wherever it stands.
    fn skipping(&mut self) -> Option<String> {
        loop {
            if let Some(word) = self.word() {
                return Some(word);
            }
            self.left.next()?;
        }
    }

    fn all(mut self) -> Vec<String> {
        std::iter::from_fn(|| self.skipping()).collect()
    }

    fn bare(&mut self, start: usize) -> String {
        while self.left.next_if(|(_, c)| is_fts4_word(*c)).is_some() {}
        let end = self.left.peek().map_or(self.text.len(), |(at, _)| *at);
        self.text[start..end].to_owned()
    }

    /// Up to the closing quote, of which two mean one.
    fn quoted(&mut self, close: char) -> String {
        let mut word = String::new();
        while let Some((_, c)) = self.left.next() {
            if c == close && self.left.next_if(|(_, next)| *next == close).is_none() {
                break;
            }
            word.push(c);
        }
        word
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(arguments: &str) -> Declared {
        Declared::parse(&format!("CREATE VIRTUAL TABLE \"d\" USING {arguments}")).unwrap()
    }

    fn columns(declared: &Declared) -> Vec<(&str, bool)> {
        declared.columns.iter().map(|column| (column.name.as_str(), column.unindexed)).collect()
    }

    #[test]
    fn fts5() {
        let d = declared(
            "fts5(title, \"the body\" , [id] UNINDEXED, tokenize = \"porter unicode61 remove_diacritics 2 tokenchars '-_'''\",\
             prefix='2 3,4', content_rowid=id, content='post''s', columnsize=0, detail=col, locale=1)",
        );
        assert_eq!(columns(&d), [("title", false), ("the body", false), ("id", true)]);
        assert_eq!(d.tokenizer.name, "porter");
        assert_eq!(d.tokenizer.arguments, ["unicode61", "remove_diacritics", "2", "tokenchars", "-_'"]);
        assert_eq!(d.content, Content::External { table: "post's".into(), rowid: Some("id".into()) });
        assert_eq!(
            (d.prefix.as_slice(), d.sizes, d.detail, d.locale),
            (&[2, 3, 4][..], false, Detail::Columns, true)
        );
        assert_eq!(d.searched().count(), 2);
        let d = declared("fts5(a, content=\"\", contentless_delete=1)");
        assert_eq!(d.content, Content::Contentless { delete: true, unindexed: false });
        let d = declared("FTS5(a, contentless_unindexed=1, content='', tok='trigram')");
        assert_eq!(d.content, Content::Contentless { delete: false, unindexed: true });
        assert_eq!(d.tokenizer.name, "trigram");
    }

    #[test]
    fn what_fts5_would_refuse_is_no_declaration() {
        for wrong in ["fts5(a b)", "fts5(a, colour=1)", "fts5(a, detail=x)", "rtree(id, a, b)"] {
            assert!(Declared::parse(&format!("CREATE VIRTUAL TABLE d USING {wrong}")).is_err(), "{wrong}");
        }
        assert!(Declared::parse("CREATE TABLE d (a)").is_err());
    }

    #[test]
    fn fts4() {
        let d = declared(
            "fts4(title TEXT NOT NULL, \"b c\" , lang, tokenize=unicode61 \"remove_diacritics=2\" \"tokenchars=.-\",\
             notindexed=LANG, languageid=\"lid\", compress=zip, uncompress=unzip, order=DESC, prefix=\"2,4\", matchinfo=fts3)",
        );
        assert_eq!(columns(&d), [("title", false), ("b c", false), ("lang", true)]);
        assert_eq!(d.tokenizer.name, "unicode61");
        assert_eq!(d.tokenizer.arguments, ["remove_diacritics=2", "tokenchars=.-"]);
        assert_eq!(d.compress, Some(("zip".into(), "unzip".into())));
        assert_eq!((d.languageid.as_deref(), d.descending, d.sizes), (Some("lid"), true, false));
        assert_eq!(d.prefix, [2, 4]);
        assert_eq!(declared("fts4(content=\"\", a, compress=z, uncompress=u)").compress, None);
        let external = declared("fts4(content='post')");
        assert_eq!(external.content, Content::External { table: "post".into(), rowid: None });
        assert!(external.columns.is_empty());
    }

    #[test]
    fn fts3_knows_one_option() {
        let d = declared("fts3(content=\"x\", TOKENIZE porter)");
        assert_eq!(columns(&d), [("content", false)]);
        assert_eq!((d.content.clone(), d.tokenizer.name.as_str()), (Content::Own, "porter"));
        assert_eq!(columns(&declared("fts3")), [("content", false)]);
        assert_eq!(columns(&declared("fts3(tokenizer)")), [("tokenizer", false)]);
        assert_eq!(declared("fts3(a)").tokenizer.name, "simple");
    }

    #[test]
    fn mutilated_declarations_never_panic() {
        let sql = "CREATE VIRTUAL TABLE d USING fts5(a, \"é\"\"\" UNINDEXED, tokenize = 'unicode61 separators ''x''', content=[a]]b])";
        let chars: Vec<char> = sql.chars().collect();
        for cut in 0..chars.len() {
            for module in ["fts5", "fts4", "fts3"] {
                let text: String = chars[..cut].iter().collect();
                let _ = Declared::parse(&text.replace("fts5", module));
                let _ = Declared::parse(&format!("{}'])", text.replace("fts5", module)));
            }
        }
    }
}
