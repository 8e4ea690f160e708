//! What is compared after the load: `verify`.

use serde_json::{Map, Value, json};

use super::keys;
use super::overrides::{PlanError, invalid};
use super::shapes::wrong;
use crate::path::join;

/// What is compared of a table.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Verify {
    #[default]
    Counts,
    /// All values as well.
    Values,
    /// Those of a share of the rows.
    Sample(f64),
    None,
}

pub const WORDS: &[&str] = &["counts", "values", "sample", "none"];

/// The share that the word alone says.
const SHARE: f64 = 0.01;

/// Rows of a sample, where the table has them.
pub const LEAST: u64 = 1_000;

impl Verify {
    /// The value of the key, whose shape is known to be right.
    pub fn read(map: &Map<String, Value>) -> Option<Verify> {
        let value = map.get("verify")?;
        match value.as_str() {
            Some("counts") => Some(Verify::Counts),
            Some("values") => Some(Verify::Values),
            Some("sample") => Some(Verify::Sample(SHARE)),
            Some("none") => Some(Verify::None),
            _ => value.get("sample").and_then(Value::as_f64).map(Verify::Sample),
        }
    }

    /// As it stands in a plan.
    pub fn json(self) -> Value {
        match self {
            Verify::Counts => "counts".into(),
            Verify::Values => "values".into(),
            Verify::Sample(SHARE) => "sample".into(),
            Verify::Sample(share) => json!({ "sample": share }),
            Verify::None => "none".into(),
        }
    }

    /// The rows are counted.
    pub fn counts(self) -> bool {
        self != Verify::None
    }

    /// So many of a table's rows are compared; `None` where no values are.
    pub fn compares(self, rows: u64) -> Option<u64> {
        match self {
            Verify::Counts | Verify::None => None,
            Verify::Values => Some(rows),
            Verify::Sample(share) => Some(((rows as f64 * share).ceil() as u64).max(LEAST).min(rows)),
        }
    }
}

/// Checks the shape of a value.
pub(super) fn check(value: &Value, path: &str) -> Result<(), PlanError> {
    const HINT: &str = "The only key here is \"sample\", a share of the rows such as 0.05.";
    if value.is_string() {
        return super::shapes::check_word(WORDS, value, path);
    }
    let words = WORDS.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
    let map =
        value.as_object().ok_or_else(|| wrong(path, &format!("one of {words}, or an object"), value))?;
    if let Some(name) = map.keys().find(|name| *name != "sample") {
        let guess = keys::did_you_mean(name, ["sample"].into_iter());
        return Err(invalid(join(path, name), format!("unknown key{guess}"), HINT));
    }
    let path = join(path, "sample");
    let share = map.get("sample").ok_or_else(|| invalid(&path, "is missing", HINT))?;
    match share.as_f64() {
        Some(share) if share > 0.0 && share <= 1.0 => Ok(()),
        Some(_) => Err(invalid(path, format!("{share} is not above 0 and at most 1"), HINT)),
        None => Err(wrong(&path, "a number above 0 and at most 1", share)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(value: Value) -> Result<Option<Verify>, String> {
        check(&value, "plan.verify").map_err(|error| error.to_string())?;
        Ok(Verify::read(&Map::from_iter([("verify".to_owned(), value)])))
    }

    #[test]
    fn it_reads_as_it_prints() {
        for (value, verify) in [
            (json!("counts"), Verify::Counts),
            (json!("values"), Verify::Values),
            (json!("sample"), Verify::Sample(0.01)),
            (json!({"sample": 0.05}), Verify::Sample(0.05)),
            (json!({"sample": 1}), Verify::Sample(1.0)),
            (json!("none"), Verify::None),
        ] {
            assert_eq!(parsed(value), Ok(Some(verify)));
            assert_eq!(parsed(verify.json()), Ok(Some(verify)));
        }
        assert_eq!(Verify::default().json(), WORDS[0], "the default comes first");
    }

    #[test]
    fn what_is_no_share_is_refused() {
        for (value, message) in [
            (json!("value"), "plan.verify: invalid value \"value\", did you mean \"values\"?"),
            (
                json!(true),
                "plan.verify: expected one of \"counts\", \"values\", \"sample\", \"none\", or an object, not a boolean",
            ),
            (json!({}), "plan.verify.sample: is missing"),
            (json!({"sampel": 0.1}), "plan.verify.sampel: unknown key, did you mean \"sample\"?"),
            (json!({"sample": 0}), "plan.verify.sample: 0 is not above 0 and at most 1"),
            (json!({"sample": 1.5}), "plan.verify.sample: 1.5 is not above 0 and at most 1"),
            (
                json!({"sample": "5 %"}),
                "plan.verify.sample: expected a number above 0 and at most 1, not a string",
            ),
        ] {
            assert_eq!(parsed(value), Err(message.to_owned()));
        }
    }

    #[test]
    fn a_sample_is_a_share_but_no_small_one() {
        let sample = Verify::Sample(0.01);
        assert_eq!(
            [0, 10, 50_000, 1_000_000].map(|rows| sample.compares(rows)),
            [0, 10, 1_000, 10_000].map(Some)
        );
        assert_eq!((Verify::Values.compares(7), Verify::Counts.compares(7)), (Some(7), None));
    }
}
