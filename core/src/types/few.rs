//! The different texts of a column that has only a few, as a column has whose program calls it an enum.

/// So many texts are no enum any more.
const MOST: usize = 8;
/// Bytes of an enum's text.
const LONGEST: usize = 32;
/// How often each of them occurs on average, at least.
const REPEATED: u64 = 4;

/// Texts in the order of their first occurrence; counted for columns where programs keep enums.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Few {
    counted: bool,
    texts: Vec<Box<[u8]>>,
    seen: u64,
}

impl Few {
    pub fn counted() -> Few {
        Few { counted: true, ..Few::default() }
    }

    #[inline]
    pub fn observe(&mut self, text: &[u8]) {
        if !self.counted {
            return;
        }
        self.seen += 1;
        if self.texts.iter().any(|known| **known == *text) {
            return;
        }
        // A word, not prose.
        let word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
        let name = text.first().is_some_and(u8::is_ascii_alphabetic) && text.iter().all(word);
        if self.texts.len() < MOST && text.len() <= LONGEST && name {
            self.texts.push(text.into());
        } else {
            *self = Few::default();
        }
    }

    /// Takes in what was seen of texts that come after these.
    pub fn add_later(&mut self, later: Few) {
        let seen = self.seen + later.seen;
        if !later.counted {
            *self = Few::default();
        }
        later.texts.iter().for_each(|text| self.observe(text));
        if self.counted {
            self.seen = seen;
        }
    }

    /// `the texts "a" and "b"`
    pub fn listed(&self) -> Option<String> {
        if self.texts.len() < 2 || self.seen < REPEATED * self.texts.len() as u64 {
            return None;
        }
        let mut texts: Vec<String> =
            self.texts.iter().map(|text| format!("\"{}\"", String::from_utf8_lossy(text))).collect();
        texts.sort();
        let last = texts.pop()?;
        Some(format!("the texts {} and {last}", texts.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn few(texts: &[&str], times: usize) -> Option<String> {
        let mut few = Few::counted();
        (0..times).for_each(|_| texts.iter().for_each(|text| few.observe(text.as_bytes())));
        few.listed()
    }

    #[test]
    fn a_few_words_that_repeat_may_be_an_enum() {
        assert_eq!(few(&["EUR", "USD"], 4).as_deref(), Some("the texts \"EUR\" and \"USD\""));
        assert_eq!(few(&["EUR", "USD"], 3), None);
        assert_eq!(few(&["x"], 9), None);
        assert_eq!(few(&["a", "two words"], 9), None);
        assert_eq!(few(&["a", "1"], 9), None);
        assert_eq!(few(&["a", "b", "c", "d", "e", "f", "g", "h", "i"], 9), None);
    }
}
