//! Why something may be otherwise than the file declares: findings, the plan, and the tables that were there before.

use crate::finding::Kind;
use crate::plan::{Declared, DeclaredKind, Made, Object};

use super::found::{FoundIndex, FoundTable};
use super::judge::Explanation;
use super::state::State;

/// The finding says why nothing, or something else, is there. What the plan makes is known, so that this is about what
/// only the run could tell: what the server refuses, and which values are equal or too long once they are converted.
pub fn excuses(said: &Explanation, state: State, declared: &Declared, found: &FoundTable) -> bool {
    if said.kind == Kind::KeyTooLong.as_str()
        && said.message.starts_with("becomes")
        && !hashed(declared, found)
    {
        return false;
    }
    let kinds: &[Kind] = match state {
        State::Missing => &[Kind::LeftOut, Kind::Untranslatable, Kind::KeyTooLong],
        State::Differs => {
            &[Kind::LeftOut, Kind::Untranslatable, Kind::KeyTooLong, Kind::DuplicateKey, Kind::NullKey]
        }
        _ => &[],
    };
    kinds.iter().any(|kind| kind.as_str() == said.kind)
}

/// The table has an index over a hash of the columns, by its method or by an expression.
fn hashed(declared: &Declared, found: &FoundTable) -> bool {
    let over =
        |index: &FoundIndex, column: &String| index.keys.iter().any(|key| key.text.contains(column.as_str()));
    let hashes =
        |index: &&FoundIndex| index.method == "hash" || index.keys.iter().any(|key| key.column.is_none());
    found.indexes.iter().filter(hashes).any(|index| declared.columns.iter().all(|column| over(index, column)))
}

/// Findings that may be about an object of a kind.
pub fn explaining(kind: DeclaredKind) -> &'static [Kind] {
    match kind {
        DeclaredKind::PrimaryKey | DeclaredKind::Unique | DeclaredKind::Index => {
            &[Kind::LeftOut, Kind::DuplicateKey, Kind::NullKey, Kind::KeyTooLong, Kind::Collation]
        }
        DeclaredKind::ForeignKey => &[Kind::LeftOut, Kind::Orphans],
        DeclaredKind::Check => &[Kind::LeftOut, Kind::BrokenCheck],
        DeclaredKind::NotNull => &[Kind::NullKey],
        DeclaredKind::Default => &[Kind::LeftOut, Kind::Untranslatable],
        DeclaredKind::Generated => &[Kind::LeftOut, Kind::GeneratedOtherwise],
        DeclaredKind::Identity => &[Kind::Sequence],
        DeclaredKind::Collation => &[Kind::Collation],
        DeclaredKind::View => &[Kind::View],
        DeclaredKind::Trigger => &[Kind::Trigger, Kind::TriggerUnneeded],
        DeclaredKind::Search => &[Kind::LeftOut, Kind::ExpressionRefused],
        DeclaredKind::Table | DeclaredKind::Helper => &[],
    }
}

/// Without it, rows could be stored that the file does not allow. Where an expression or a condition is part of it, a unique
/// index of an existing table may say the same in words of its own.
pub fn is_integrity(declared: &Declared, found: &FoundTable) -> bool {
    let plain = |made: &Made| match made {
        Made::Object(Object::Index { keys, .. }) => {
            keys.predicate.is_none() && keys.keys.iter().all(|key| key.sql.starts_with('"') && !key.nocase)
        }
        _ => true,
    };
    let worded = |index: &FoundIndex| {
        index.unique && (index.predicate.is_some() || index.keys.iter().any(|key| key.column.is_none()))
    };
    match declared.kind {
        DeclaredKind::ForeignKey | DeclaredKind::NotNull => true,
        DeclaredKind::PrimaryKey | DeclaredKind::Unique => {
            declared.made.iter().all(plain) || !found.indexes.iter().any(worded)
        }
        // Only of a unique index rows are asked about.
        DeclaredKind::Index if declared.question.is_some() => {
            declared.made.iter().all(plain) || !found.indexes.iter().any(worded)
        }
        _ => false,
    }
}

/// The plan makes less of it.
pub fn is_weaker(declared: &Declared) -> bool {
    let made = |is: fn(&Object) -> bool| {
        declared.made.iter().any(|made| matches!(made, Made::Object(object) if is(object)))
    };
    let unique = || {
        made(|o| {
            matches!(
                o,
                Object::PrimaryKey { .. }
                    | Object::Unique { .. }
                    | Object::Exclude { .. }
                    | Object::Index { unique: true, .. }
            )
        })
    };
    match declared.kind {
        DeclaredKind::PrimaryKey => !made(|o| matches!(o, Object::PrimaryKey { .. })),
        DeclaredKind::Unique => !unique(),
        // Only of a unique index rows are asked about.
        DeclaredKind::Index => declared.question.is_some() && !unique(),
        _ => false,
    }
}

/// A run has left it NOT VALID. The same kinds of findings are about rows that it has taken out.
pub fn says_open(said: &Explanation) -> bool {
    said.message.contains("NOT VALID")
}

/// The plan leaves it NOT VALID.
pub fn stays_open(declared: &Declared) -> bool {
    let open = |made: &Made| {
        matches!(
            made,
            Made::Object(Object::Check { not_valid: true, .. } | Object::ForeignKey { not_valid: true, .. })
        )
    };
    declared.made.iter().any(open)
}
