//! Which names of the source mean which names of the target: what the plan says, then the same name, the name
//! by the `names` key, the name without regard to case, and last one that only writes its words otherwise.
//!
//! Each rule is tried for all names before the next, so that a better match takes its counterpart first. What
//! could mean two things means neither.

use std::collections::{BTreeMap, HashMap};

use super::names;
use crate::plan::given::words::Names;

/// A name of the source.
pub struct Wanted<'n> {
    pub source: &'n str,
    /// The plan's own word: this name or none.
    pub explicit: Option<&'n str>,
    /// Only the name that it would be given anyway matches.
    pub exactly: bool,
}

/// A name of the target.
pub struct Existing<'n> {
    pub name: &'n str,
    /// It may be found by a name that is not its own.
    pub usable: bool,
}

/// The rules, the strictest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchRule {
    Explicit,
    SameName,
    ByNames,
    WithoutCase,
    SimilarName,
}

/// What a name of the source means in the target. Numbers are positions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Match {
    #[default]
    Nothing,
    Found {
        existing: usize,
        rule: MatchRule,
    },
    /// Several could be meant.
    Several(Vec<usize>),
    /// Others could mean the same.
    Contested {
        existing: usize,
        with: Vec<usize>,
    },
}

/// Matches every name.
pub fn find(names: Names, wanted: &[Wanted<'_>], existing: &[Existing<'_>]) -> Vec<Match> {
    let mut out = vec![Match::Nothing; wanted.len()];
    let mut taken = vec![false; existing.len()];
    for rule in [
        MatchRule::Explicit,
        MatchRule::SameName,
        MatchRule::ByNames,
        MatchRule::WithoutCase,
        MatchRule::SimilarName,
    ] {
        let places = places(rule, existing, &taken);
        let mut claims: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (i, wanted) in wanted.iter().enumerate().filter(|(_, w)| rule.applies(w)) {
            let candidates = rule.key(names, wanted).and_then(|key| places.get(&key));
            match (out.get_mut(i), candidates.map(Vec::as_slice)) {
                (Some(Match::Nothing), Some([only])) => claims.entry(*only).or_default().push(i),
                (Some(slot @ Match::Nothing), Some(several)) => {
                    several.iter().for_each(|at| taken[*at] = true);
                    *slot = Match::Several(several.to_vec());
                }
                _ => {}
            }
        }
        for (existing, claimants) in claims {
            taken[existing] = true;
            grant(&mut out, rule, existing, &claimants);
        }
    }
    out
}

fn places(rule: MatchRule, existing: &[Existing<'_>], taken: &[bool]) -> HashMap<String, Vec<usize>> {
    let mut out: HashMap<String, Vec<usize>> = HashMap::new();
    let free = existing.iter().zip(taken).enumerate().filter(|(_, (_, taken))| !**taken);
    for (i, (existing, _)) in free.filter(|(_, (existing, _))| existing.usable || !rule.is_loose()) {
        out.entry(rule.spelling(existing.name)).or_default().push(i);
    }
    out
}

/// Two names with one explicit target are an error of the plan, which `names` reports.
fn grant(out: &mut [Match], rule: MatchRule, existing: usize, claimants: &[usize]) {
    for &i in claimants {
        let with: Vec<usize> = claimants.iter().copied().filter(|other| *other != i).collect();
        let contested = rule != MatchRule::Explicit && !with.is_empty();
        out[i] =
            if contested { Match::Contested { existing, with } } else { Match::Found { existing, rule } };
    }
}

impl MatchRule {
    /// The rule finds what has another name.
    pub fn is_loose(self) -> bool {
        matches!(self, MatchRule::WithoutCase | MatchRule::SimilarName)
    }

    /// How a finding says it.
    pub fn says(self) -> &'static str {
        match self {
            MatchRule::WithoutCase => "without regard to case",
            MatchRule::SimilarName => "by a similar name",
            MatchRule::Explicit | MatchRule::SameName | MatchRule::ByNames => "by its name",
        }
    }

    fn applies(self, wanted: &Wanted<'_>) -> bool {
        (self == MatchRule::Explicit) == wanted.explicit.is_some()
            && (!wanted.exactly || !self.is_loose() && self != MatchRule::SameName)
    }

    /// What the target's name has to be spelled like.
    fn key(self, names: Names, wanted: &Wanted<'_>) -> Option<String> {
        let key = match self {
            MatchRule::Explicit => wanted.explicit?.to_string(),
            MatchRule::ByNames => names::clip(&names::fold(names, wanted.source), names::LIMIT).to_string(),
            _ => self.spelling(wanted.source),
        };
        (!key.is_empty()).then_some(key)
    }

    fn spelling(self, name: &str) -> String {
        match self {
            MatchRule::Explicit | MatchRule::SameName | MatchRule::ByNames => name.to_string(),
            MatchRule::WithoutCase => name.to_lowercase(),
            // `userId`, `user_id`, `User ID` -> `userid`.
            MatchRule::SimilarName => {
                let letters = name.chars().filter(|c| !c.is_whitespace() && !c.is_ascii_punctuation());
                letters.flat_map(char::to_lowercase).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(names: Names, wanted: &[&str], existing: &[&str]) -> Vec<String> {
        let wanted: Vec<_> =
            wanted.iter().map(|source| Wanted { source, explicit: None, exactly: false }).collect();
        let existing: Vec<_> = existing.iter().map(|name| Existing { name, usable: true }).collect();
        let say = |m: Match| match m {
            Match::Nothing => "-".to_string(),
            Match::Found { existing: at, rule } => format!("{} {rule:?}", existing[at].name),
            Match::Several(of) => {
                format!("{}?", of.iter().map(|i| existing[*i].name).collect::<Vec<_>>().join("|"))
            }
            Match::Contested { existing: at, with } => format!("{} with {with:?}", existing[at].name),
        };
        find(names, &wanted, &existing).into_iter().map(say).collect()
    }

    #[test]
    fn the_better_way_goes_first() {
        for (names, wanted, existing, expected) in [
            (Names::Preserve, &["a"][..], &["b"][..], &["-"][..]),
            (Names::Preserve, &["userId", "user_id"], &["user_id"], &["-", "user_id SameName"]),
            (Names::Preserve, &["userId", "UserID"], &["userid"], &["userid with [1]", "userid with [0]"]),
            (Names::Preserve, &["userId"], &["user_id", "UserID"], &["UserID WithoutCase"]),
            (Names::Preserve, &["userId"], &["user_id", "user id"], &["user_id|user id?"]),
            (Names::Preserve, &["userId"], &["USERID", "userid"], &["USERID|userid?"]),
            (Names::SnakeCase, &["userId"], &["user_id", "userid"], &["user_id ByNames"]),
            (Names::SnakeCase, &["userId"], &["userId", "user_id"], &["userId SameName"]),
            (Names::Preserve, &["Order Details"], &["order_details"], &["order_details SimilarName"]),
            (Names::Preserve, &["HTTPServer"], &["http_server"], &["http_server SimilarName"]),
            (Names::Preserve, &["Straße"], &["STRASSE"], &["-"]),
            (Names::Preserve, &["ÜBER"], &["über"], &["über WithoutCase"]),
            (Names::Preserve, &["", "__", "😀"], &["_", "--", "😀"], &["-", "-", "😀 SameName"]),
            (
                Names::Preserve,
                &["line1_1", "line11"],
                &["line_11"],
                &["line_11 with [1]", "line_11 with [0]"],
            ),
        ] {
            assert_eq!(found(names, wanted, existing), expected, "{wanted:?} {existing:?}");
        }
    }

    #[test]
    fn a_name_given_is_meant_exactly() {
        let existing = [Existing { name: "users", usable: true }, Existing { name: "people", usable: true }];
        let wanted = |explicit, exactly| Wanted { source: "Users", explicit, exactly };
        let one = |w| find(Names::Lower, &[w], &existing).remove(0);
        assert_eq!(
            one(wanted(Some("people"), false)),
            Match::Found { existing: 1, rule: MatchRule::Explicit }
        );
        assert_eq!(one(wanted(Some("Users"), false)), Match::Nothing);
        assert_eq!(one(wanted(None, true)), Match::Found { existing: 0, rule: MatchRule::ByNames });
        let exactly = find(Names::Preserve, &[wanted(None, true)], &existing);
        assert_eq!(exactly, [Match::Nothing]);
        let unusable = [Existing { name: "users", usable: false }];
        assert_eq!(find(Names::Preserve, &[wanted(None, false)], &unusable), [Match::Nothing]);
    }
}
