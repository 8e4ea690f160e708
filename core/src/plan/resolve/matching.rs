//! Which names of the source mean which names of the target: what the plan says, then the same name, the name
//! by the `names` key, the name without regard to case, and last one that only writes its words otherwise.
//!
//! Each way is tried for all names before the next, so that a better match takes its counterpart first. What
//! could mean two things means neither.

use std::collections::{BTreeMap, HashMap};

use super::names;
use crate::plan::given::words::Names;

/// A name of the source.
pub struct Wanted<'n> {
    pub source: &'n str,
    /// The plan's own word: this name or none.
    pub given: Option<&'n str>,
    /// Only the name that it would get anyway will do.
    pub exactly: bool,
}

/// A name of the target.
pub struct There<'n> {
    pub name: &'n str,
    /// It may be found by a name that is not its own.
    pub usable: bool,
}

/// The ways to match, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Given,
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
        there: usize,
        way: Way,
    },
    /// Several could be meant.
    Several(Vec<usize>),
    /// Others could mean the same.
    Contested {
        there: usize,
        with: Vec<usize>,
    },
}

/// Matches every name.
pub fn find(names: Names, wanted: &[Wanted<'_>], there: &[There<'_>]) -> Vec<Match> {
    let mut out = vec![Match::Nothing; wanted.len()];
    let mut taken = vec![false; there.len()];
    for way in [Way::Given, Way::SameName, Way::ByNames, Way::WithoutCase, Way::SimilarName] {
        let places = places(way, there, &taken);
        let mut claims: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (i, wanted) in wanted.iter().enumerate().filter(|(_, w)| way.applies(w)) {
            let candidates = way.key(names, wanted).and_then(|key| places.get(&key));
            match (out.get_mut(i), candidates.map(Vec::as_slice)) {
                (Some(Match::Nothing), Some([only])) => claims.entry(*only).or_default().push(i),
                (Some(slot @ Match::Nothing), Some(several)) => {
                    several.iter().for_each(|at| taken[*at] = true);
                    *slot = Match::Several(several.to_vec());
                }
                _ => {}
            }
        }
        for (there, claimants) in claims {
            taken[there] = true;
            grant(&mut out, way, there, &claimants);
        }
    }
    out
}

fn places(way: Way, there: &[There<'_>], taken: &[bool]) -> HashMap<String, Vec<usize>> {
    let mut out: HashMap<String, Vec<usize>> = HashMap::new();
    let free = there.iter().zip(taken).enumerate().filter(|(_, (_, taken))| !**taken);
    for (i, (there, _)) in free.filter(|(_, (there, _))| there.usable || !way.is_loose()) {
        out.entry(way.spelling(there.name)).or_default().push(i);
    }
    out
}

/// Two names that the plan gives to one thing are an error of the plan, which others report.
fn grant(out: &mut [Match], way: Way, there: usize, claimants: &[usize]) {
    for &i in claimants {
        let with: Vec<usize> = claimants.iter().copied().filter(|other| *other != i).collect();
        let contested = way != Way::Given && !with.is_empty();
        out[i] = if contested { Match::Contested { there, with } } else { Match::Found { there, way } };
    }
}

impl Way {
    /// The way finds what has another name.
    pub fn is_loose(self) -> bool {
        matches!(self, Way::WithoutCase | Way::SimilarName)
    }

    /// How a finding says it.
    pub fn says(self) -> &'static str {
        match self {
            Way::WithoutCase => "without regard to case",
            Way::SimilarName => "by a similar name",
            Way::Given | Way::SameName | Way::ByNames => "by its name",
        }
    }

    fn applies(self, wanted: &Wanted<'_>) -> bool {
        (self == Way::Given) == wanted.given.is_some()
            && (!wanted.exactly || !self.is_loose() && self != Way::SameName)
    }

    /// What the target's name has to be spelled like.
    fn key(self, names: Names, wanted: &Wanted<'_>) -> Option<String> {
        let key = match self {
            Way::Given => wanted.given?.to_string(),
            Way::ByNames => names::clip(&names::fold(names, wanted.source), names::LIMIT).to_string(),
            _ => self.spelling(wanted.source),
        };
        (!key.is_empty()).then_some(key)
    }

    fn spelling(self, name: &str) -> String {
        match self {
            Way::Given | Way::SameName | Way::ByNames => name.to_string(),
            Way::WithoutCase => name.to_lowercase(),
            Way::SimilarName => squeezed(name),
        }
    }
}

/// `userId`, `user_id`, `User ID` -> `userid`.
fn squeezed(name: &str) -> String {
    let letters = name.chars().filter(|c| !c.is_whitespace() && !c.is_ascii_punctuation());
    letters.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(names: Names, wanted: &[&str], there: &[&str]) -> Vec<String> {
        let wanted: Vec<_> =
            wanted.iter().map(|source| Wanted { source, given: None, exactly: false }).collect();
        let there: Vec<_> = there.iter().map(|name| There { name, usable: true }).collect();
        let say = |m: Match| match m {
            Match::Nothing => "-".to_string(),
            Match::Found { there: at, way } => format!("{} {way:?}", there[at].name),
            Match::Several(of) => {
                format!("{}?", of.iter().map(|i| there[*i].name).collect::<Vec<_>>().join("|"))
            }
            Match::Contested { there: at, with } => format!("{} with {with:?}", there[at].name),
        };
        find(names, &wanted, &there).into_iter().map(say).collect()
    }

    #[test]
    fn the_better_way_goes_first() {
        for (names, wanted, there, expected) in [
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
            assert_eq!(found(names, wanted, there), expected, "{wanted:?} {there:?}");
        }
    }

    #[test]
    fn a_name_given_is_meant_exactly() {
        let there = [There { name: "users", usable: true }, There { name: "people", usable: true }];
        let wanted = |given, exactly| Wanted { source: "Users", given, exactly };
        let one = |w| find(Names::Lower, &[w], &there).remove(0);
        assert_eq!(one(wanted(Some("people"), false)), Match::Found { there: 1, way: Way::Given });
        assert_eq!(one(wanted(Some("Users"), false)), Match::Nothing);
        assert_eq!(one(wanted(None, true)), Match::Found { there: 0, way: Way::ByNames });
        let exactly = find(Names::Preserve, &[wanted(None, true)], &there);
        assert_eq!(exactly, [Match::Nothing]);
        let unusable = [There { name: "users", usable: false }];
        assert_eq!(find(Names::Preserve, &[wanted(None, false)], &unusable), [Match::Nothing]);
    }
}
