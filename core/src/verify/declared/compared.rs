//! Rows of `sqlite_compare` about what a file declares and what an existing table has: in both directions.

use crate::finding::Severity;
use crate::plan::DeclaredKind;
use crate::plan::emit::compare::Compared;

use super::judge::Judged;
use super::state::State;
use super::unclaimed::Unclaimed;

/// What is not on both sides, or not the same on both. An object about which a finding is listed is not listed again.
pub fn compared(judged: Vec<Judged>, unclaimed: Vec<Unclaimed>, known: &[Compared]) -> Vec<Compared> {
    let new = |row: &Compared| !known.iter().any(|known| known.object == row.object);
    let declared = judged.into_iter().filter_map(of_file);
    declared.chain(unclaimed.into_iter().map(of_target)).filter(new).collect()
}

fn of_file(judged: Judged) -> Option<Compared> {
    if matches!(
        judged.kind,
        DeclaredKind::Table | DeclaredKind::View | DeclaredKind::Trigger | DeclaredKind::Search
    ) {
        return None;
    }
    let kind = judged.kind.as_str();
    let message = match (judged.state, &judged.found) {
        (State::Holds | State::OtherName, _) => return None,
        (State::NotValidated, _) => format!("{kind}: the existing table has it NOT VALID"),
        (State::Invalid | State::Disabled | State::NotEnforced, _) => {
            format!("{kind}: the existing table has it, and it is {}", judged.state.as_str())
        }
        (_, Some(_)) => format!("{kind}: the existing table has another one"),
        (_, None) if judged.explained => return None,
        (_, None) => format!("{kind}: the existing table has none"),
    };
    let strict = judged.state != State::LeftOut;
    Some(Compared {
        object: judged.object,
        in_source: Some(judged.declared),
        in_target: judged.found,
        severity: if strict { Severity::Warning } else { Severity::Info },
        message,
        hint: String::new(),
        fix: None,
    })
}

fn of_target(unclaimed: Unclaimed) -> Compared {
    let message = match unclaimed.refuses {
        true => {
            format!("{}: only the existing table has it, and it may refuse rows of the file", unclaimed.kind)
        }
        false => format!("{}: only the existing table has it", unclaimed.kind),
    };
    Compared {
        object: unclaimed.object(),
        in_source: None,
        in_target: Some(unclaimed.definition),
        severity: Severity::Info,
        message,
        hint: String::new(),
        fix: None,
    }
}
