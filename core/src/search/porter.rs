//! Porter's stemmer for English as SQLite has it: the algorithm of 1980 with its author's later changes (`bli`, `logi`).
//!
//! A helper function of the database stems by PostgreSQL's Snowball dictionary of the same name and mends what differs
//! (`helper`): both give the same stems.

/// SQLite leaves shorter and longer words as they are, in bytes.
pub const SHORTEST: usize = 3;
pub const LONGEST: usize = 64;

/// The stem of a word in lower case.
pub fn stem(word: &str) -> String {
    if !(SHORTEST..=LONGEST).contains(&word.len()) {
        return word.to_owned();
    }
    let mut stem = Stem(word.as_bytes().to_vec());
    stem.plural();
    stem.past();
    stem.ending_y();
    stem.replace_if(STEP_2, |measure| measure > 0);
    stem.replace_if(STEP_3, |measure| measure > 0);
    stem.drop_suffix();
    stem.tidy();
    // Only ASCII is cut, and only at its end.
    String::from_utf8(stem.0).unwrap_or_else(|_| word.to_owned())
}

/// Longer suffixes come before those that they end with.
const STEP_2: &[(&str, &str)] = &[
    ("ational", "ate"),
    ("tional", "tion"),
    ("enci", "ence"),
    ("anci", "ance"),
    ("izer", "ize"),
    ("logi", "log"),
    ("bli", "ble"),
    ("alli", "al"),
    ("entli", "ent"),
    ("eli", "e"),
    ("ousli", "ous"),
    ("ization", "ize"),
    ("ation", "ate"),
    ("ator", "ate"),
    ("alism", "al"),
    ("iveness", "ive"),
    ("fulness", "ful"),
    ("ousness", "ous"),
    ("aliti", "al"),
    ("iviti", "ive"),
    ("biliti", "ble"),
];

const STEP_3: &[(&str, &str)] = &[
    ("ical", "ic"),
    ("ness", ""),
    ("icate", "ic"),
    ("iciti", "ic"),
    ("ful", ""),
    ("ative", ""),
    ("alize", "al"),
];

const STEP_4: &[&str] = &[
    "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou", "ism",
    "ate", "iti", "ous", "ive", "ize",
];

struct Stem(Vec<u8>);

impl Stem {
    fn ends(&self, suffix: &str) -> bool {
        self.0.len() > suffix.len() && self.0.ends_with(suffix.as_bytes())
    }

    /// What is before the suffix.
    fn before(&self, suffix: &str) -> &[u8] {
        &self.0[..self.0.len() - suffix.len()]
    }

    fn replace(&mut self, suffix: &str, with: &str) {
        self.0.truncate(self.0.len() - suffix.len());
        self.0.extend(with.as_bytes());
    }

    /// Step 1a.
    fn plural(&mut self) {
        if self.0.ends_with(b"es") {
            let two = self.ends("sses") || self.ends("ies");
            self.0.truncate(self.0.len() - if two { 2 } else { 1 });
        } else if self.0.ends_with(b"s") && !self.0.ends_with(b"ss") {
            self.0.pop();
        }
    }

    /// Step 1b.
    fn past(&mut self) {
        if self.ends("eed") {
            if measure(self.before("eed")) > 0 {
                self.replace("eed", "ee");
            }
            return;
        }
        let suffix = ["ed", "ing"].into_iter().find(|suffix| self.ends(suffix));
        let Some(suffix) = suffix.filter(|suffix| has_vowel(self.before(suffix))) else { return };
        self.replace(suffix, "");
        if ["at", "bl", "iz"].into_iter().any(|end| self.ends(end)) {
            self.0.push(b'e');
        } else if let [.., a, b] = *self.0
            && a == b
            && !is_vowel(b, false)
            && !b"lsz".contains(&b)
        {
            self.0.pop();
        } else if measure(&self.0) == 1 && ends_short(&self.0) {
            self.0.push(b'e');
        }
    }

    /// Step 1c.
    fn ending_y(&mut self) {
        if self.0.ends_with(b"y") && has_vowel(self.before("y")) {
            self.replace("y", "i");
        }
    }

    /// Steps 2 and 3: the first suffix that the word ends with, if enough is before it.
    fn replace_if(&mut self, rules: &[(&str, &str)], enough: impl Fn(usize) -> bool) {
        let rule = rules.iter().find(|(suffix, _)| self.ends(suffix));
        if let Some((suffix, with)) = rule.filter(|(suffix, _)| enough(measure(self.before(suffix)))) {
            self.replace(suffix, with);
        }
    }

    /// Step 4.
    fn drop_suffix(&mut self) {
        let suffix = STEP_4.iter().find(|suffix| self.ends(suffix));
        let Some(suffix) = suffix.filter(|suffix| measure(self.before(suffix)) > 1) else { return };
        if *suffix != "ion" || matches!(self.before(suffix).last(), Some(b's' | b't')) {
            self.replace(suffix, "");
        }
    }

    /// Step 5.
    fn tidy(&mut self) {
        if self.0.ends_with(b"e") {
            let before = self.before("e");
            let measured = measure(before);
            if measured > 1 || measured == 1 && !ends_short(before) {
                self.0.pop();
            }
        }
        if self.0.ends_with(b"ll") && measure(self.before("l")) > 1 {
            self.0.pop();
        }
    }
}

fn is_vowel(c: u8, y_is: bool) -> bool {
    matches!(c, b'a' | b'e' | b'i' | b'o' | b'u') || y_is && c == b'y'
}

/// Whether each letter is a vowel: y is one after a consonant.
fn vowels(stem: &[u8]) -> impl Iterator<Item = bool> {
    stem.iter().scan(false, |after_consonant, c| {
        let vowel = is_vowel(*c, *after_consonant);
        *after_consonant = !vowel;
        Some(vowel)
    })
}

/// How often a consonant follows a vowel.
fn measure(stem: &[u8]) -> usize {
    let vowels: Vec<bool> = vowels(stem).collect();
    vowels.windows(2).filter(|pair| pair[0] && !pair[1]).count()
}

fn has_vowel(stem: &[u8]) -> bool {
    vowels(stem).any(|vowel| vowel)
}

/// Consonant, vowel, consonant, of which the last is not w, x or y.
fn ends_short(stem: &[u8]) -> bool {
    let vowels: Vec<bool> = vowels(stem).collect();
    matches!(vowels[..], [.., false, true, false]) && !matches!(stem.last(), Some(b'w' | b'x' | b'y'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Porter's own examples, and what SQLite changed.
    #[test]
    fn the_authors_examples() {
        for (word, expected) in [
            ("caresses", "caress"),
            ("ponies", "poni"),
            ("ties", "ti"),
            ("cats", "cat"),
            ("feed", "feed"),
            ("agreed", "agre"),
            ("plastered", "plaster"),
            ("bled", "bled"),
            ("motoring", "motor"),
            ("sing", "sing"),
            ("conflated", "conflat"),
            ("troubled", "troubl"),
            ("hopping", "hop"),
            ("falling", "fall"),
            ("filing", "file"),
            ("happy", "happi"),
            ("sky", "sky"),
            ("relational", "relat"),
            ("conditional", "condit"),
            ("vietnamization", "vietnam"),
            ("sensibiliti", "sensibl"),
            ("electriciti", "electr"),
            ("goodness", "good"),
            ("adoption", "adopt"),
            ("probate", "probat"),
            ("rate", "rate"),
            ("controll", "control"),
            ("roll", "roll"),
            ("technology", "technolog"),
            ("possibly", "possibl"),
            ("is", "is"),
            ("été", "été"),
        ] {
            assert_eq!(stem(word), expected, "{word}");
        }
    }
}
