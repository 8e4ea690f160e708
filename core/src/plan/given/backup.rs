//! Where an import puts the copy of its file: `/backups/{name}-{time}.db`.

use std::path::Path;

use jiff::Timestamp;

use super::overrides::PlanError;

/// A path with placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupPath(String);

const PLACEHOLDERS: [&str; 2] = ["{name}", "{time}"];

impl BackupPath {
    /// The path as the plan has it; an error if it is not absolute, or has another placeholder.
    pub fn parse(text: &str) -> Result<BackupPath, PlanError> {
        let invalid = |message: String, hint: &str| {
            let path = "plan.backup".to_owned();
            Err(PlanError::Invalid { path, message, hint: hint.to_owned() })
        };
        if !text.starts_with('/') || text.ends_with('/') {
            let hint = "Write it as \"/backups/{name}-{time}.db\".";
            return invalid(format!("\"{text}\" is not the absolute path of a file"), hint);
        }
        let bare = PLACEHOLDERS.iter().fold(text.to_owned(), |text, word| text.replace(word, ""));
        if bare.contains(['{', '}']) {
            let hint = "{name} is the file's name without its ending, {time} the time of the import in UTC.";
            return invalid(format!("\"{text}\" has another placeholder than {{name}} and {{time}}"), hint);
        }
        Ok(BackupPath(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path for a copy of `file` that is made `now`, in seconds since 1970.
    pub fn expand(&self, file: &Path, now: u64) -> String {
        let name = file.file_stem().map(|name| name.to_string_lossy()).unwrap_or_default();
        let now = i64::try_from(now).ok().and_then(|now| Timestamp::from_second(now).ok());
        let time = now.unwrap_or_default().strftime("%Y%m%dT%H%M%SZ").to_string();
        // The name is put in last: what is in braces in it is its own.
        self.0.replace("{time}", &time).replace("{name}", &name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_filled_in_or_refused() {
        let path = BackupPath::parse("/b/{name}-{time}.db").unwrap();
        let expanded = path.expand(Path::new("/srv/app{time}.v2.sqlite"), 951_782_400 + 3_723);
        assert_eq!(expanded, "/b/app{time}.v2-20000229T010203Z.db");
        for (text, message) in [
            ("b.db", "plan.backup: \"b.db\" is not the absolute path of a file"),
            ("/b/", "plan.backup: \"/b/\" is not the absolute path of a file"),
            ("/b/{nme}.db", "plan.backup: \"/b/{nme}.db\" has another placeholder than {name} and {time}"),
        ] {
            assert_eq!(BackupPath::parse(text).unwrap_err().to_string(), message);
        }
    }
}
