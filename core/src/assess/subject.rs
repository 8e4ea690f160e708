//! What an assessment is about, and where each kind of finding belongs. The one table of both.

use crate::finding::{Finding, Kind, Severity};

/// What is assessed, in the order in which it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    Tables,
    Columns,
    /// Primary, unique and foreign keys, and indexes.
    Keys,
    /// Defaults, checks, generated columns, keys and conditions of indexes.
    Expressions,
    Views,
    Triggers,
    /// Virtual tables of the FTS modules.
    FullText,
    /// All others.
    VirtualTables,
    /// What the stored values, and the file itself, have been tested for.
    DataQuality,
    Size,
    Time,
}

impl Subject {
    pub const ALL: [Subject; 11] = [
        Subject::Tables,
        Subject::Columns,
        Subject::Keys,
        Subject::Expressions,
        Subject::Views,
        Subject::Triggers,
        Subject::FullText,
        Subject::VirtualTables,
        Subject::DataQuality,
        Subject::Size,
        Subject::Time,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Subject::Tables => "tables",
            Subject::Columns => "columns",
            Subject::Keys => "keys",
            Subject::Expressions => "expressions",
            Subject::Views => "views",
            Subject::Triggers => "triggers",
            Subject::FullText => "full text",
            Subject::VirtualTables => "virtual tables",
            Subject::DataQuality => "data quality",
            Subject::Size => "size",
            Subject::Time => "time",
        }
    }

    /// It has objects, which are carried over in one way or another.
    pub fn has_objects(self) -> bool {
        !matches!(self, Subject::Size | Subject::Time)
    }
}

/// How an object is carried over, ascending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// As declared; there may be decisions worth knowing.
    Automatic,
    /// Not quite as declared, or by a plan that a finding's fix gives: somebody reads the finding.
    WithFindings,
    /// No plan does it: somebody writes SQL, or corrects data.
    ByHand,
}

/// Where a kind of finding belongs, and what a warning of it makes of its object.
pub fn place(kind: Kind) -> (Subject, Class) {
    use Class::{ByHand, WithFindings as Read};
    use Kind as K;
    use Subject as S;
    match kind {
        K::NoTables | K::BeforeNotRun | K::NameChanged | K::Bookkeeping | K::Untranslatable => {
            (S::Tables, Read)
        }
        K::SimilarTable | K::AmbiguousTable | K::OtherOwner | K::TableExists | K::TableKept => {
            (S::Tables, Read)
        }
        K::TableMissing | K::SchemaMissing | K::Referenced | K::NoEffect | K::Program => (S::Tables, Read),
        K::NoColumns | K::TooManyColumns | K::RowTooWide => (S::Tables, Read),
        K::Irreversible => (S::Tables, Read),
        K::StepFailed => (S::Tables, ByHand),

        K::UnusedType | K::SimilarColumns | K::AmbiguousColumn | K::ComputedColumn => (S::Columns, Read),
        K::ColumnMissing | K::ColumnUnfilled | K::NotUpdated | K::TypeContradiction => (S::Columns, Read),
        K::NamedTimes | K::UnreadNumbers | K::Offsets | K::TextForm => (S::Columns, Read),
        K::IntervalForm | K::BlobForm | K::FlagForm | K::WideNumbers => (S::Columns, Read),
        K::Untold | K::Enum | K::Collation | K::Geometry => (S::Columns, Read),

        K::NoPrimaryKey | K::ConflictClause | K::ConflictKey | K::MatchedRows | K::Sequence => {
            (S::Keys, Read)
        }

        K::ReadsClock | K::GeneratedOtherwise | K::ExpressionRefused => (S::Expressions, Read),
        K::LeftOut => (S::Expressions, ByHand),

        K::View => (S::Views, ByHand),
        K::ViewAssumes => (S::Views, Read),
        K::Trigger => (S::Triggers, ByHand),
        K::TriggerAssumes | K::TriggerUnneeded | K::Triggers => (S::Triggers, Read),
        K::ShadowTable | K::VirtualTable => (S::VirtualTables, Read),
        K::Search => (S::FullText, Read),

        K::Copied | K::WalMissing | K::HardLinks | K::Unchecked | K::FailedExpression => {
            (S::DataQuality, Read)
        }
        K::Unreadable | K::Denied | K::Damaged => (S::DataQuality, ByHand),
        K::Vectors => (S::DataQuality, Read),
        K::InvalidValue | K::Widened | K::TypeRefused | K::TypeMissed => (S::DataQuality, Read),
        K::ZeroTimes | K::UnusualTimes | K::ConvertedTexts | K::Rounded => (S::DataQuality, Read),
        K::NullKey | K::BrokenCheck | K::DuplicateKey | K::KeyTooLong => (S::DataQuality, Read),
        K::Orphans | K::ExistingOrphans | K::SkippedRows => (S::DataQuality, Read),
    }
}

/// What a finding makes of its object. What would stop an import and has no fix waits for a person.
pub fn class(finding: &Finding, of_warning: Class) -> Class {
    match finding.severity {
        Severity::Info => Class::Automatic,
        Severity::Warning => of_warning,
        Severity::Blocking if finding.fix.is_none() => Class::ByHand,
        Severity::Blocking => of_warning.max(Class::WithFindings),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Fix;

    #[test]
    fn every_kind_has_a_place_among_the_objects() {
        for kind in Kind::ALL {
            let (subject, class) = place(*kind);
            assert!(subject.has_objects() && class > Class::Automatic, "{}", kind.as_str());
        }
        let placed: Vec<Subject> = Kind::ALL.iter().map(|kind| place(*kind).0).collect();
        // Full text is told from other virtual tables by the module.
        let reached = |subject: &&Subject| placed.contains(subject) || **subject == Subject::FullText;
        assert_eq!(Subject::ALL.iter().filter(|s| s.has_objects()).filter(reached).count(), 9);
    }

    #[test]
    fn what_stops_an_import_is_work_unless_a_plan_resolves_it() {
        let blocking = Kind::Orphans.blocking("c", "rows without a parent");
        assert_eq!(class(&blocking, Class::WithFindings), Class::ByHand);
        let fixed = blocking.fix(Fix::of_plan("orphans", "reject"), "");
        assert_eq!(class(&fixed, Class::WithFindings), Class::WithFindings);
        assert_eq!(class(&Kind::View.warning("v", ""), place(Kind::View).1), Class::ByHand);
        assert_eq!(class(&Kind::LeftOut.info("v", ""), place(Kind::LeftOut).1), Class::Automatic);
    }
}
