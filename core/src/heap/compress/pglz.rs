//! PostgreSQL's own compression (`pg_lzcompress.c`): literals, and matches of 3 to 273 bytes that begin up to 4,095 bytes
//! before. The format is the server's, the search for matches is not: it looks at fewer places.

use crate::value::buffer::OutOfMemory;

/// A match begins less than so many bytes before.
const WINDOW: usize = 4096;
const LONGEST: usize = 273;
/// Matches are found by so many of their bytes; a tag takes two or three.
const SEED: usize = 4;
/// A longer match is not improved on.
const GOOD: usize = 96;
/// How many places are looked at for a better match.
const TRIES: usize = 6;
const HASH_BITS: u32 = 13;
/// `PGLZ_strategy_default`: shorter values stay as they are, and so does what has no match in its first kilobyte or loses
/// less than a quarter.
const SHORTEST: usize = 32;
const FIRST_MATCH: usize = 1024;
const SAVES_PERCENT: usize = 25;

/// Where sequences were seen last. It is used for one value after the other: places count on, so that those of former
/// values are out of reach.
pub(super) struct Pglz {
    /// By hash: the last place, 0 for none.
    head: Vec<u32>,
    /// By place: the one before it with the same hash.
    before: Vec<u32>,
    /// The place of the next value's first byte.
    base: u32,
}

impl Pglz {
    pub fn new() -> Pglz {
        Pglz { head: vec![0; 1 << HASH_BITS], before: vec![0; WINDOW], base: WINDOW as u32 }
    }

    /// Appends the compressed form; `false`, and nothing, where it saves too little.
    pub fn compress(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<bool, OutOfMemory> {
        let limit =
            input.len() / 100 * (100 - SAVES_PERCENT) + input.len() % 100 * (100 - SAVES_PERCENT) / 100;
        if input.len() < SHORTEST || input.len() > i32::MAX as usize / 2 {
            return Ok(false);
        }
        let start = out.len();
        // A tag and a control byte may come after the limit was looked at.
        out.try_reserve(limit + 8)?;
        self.begin(input.len());
        let mut items = Items { out, control: 0, bit: 0 };
        let (mut at, mut found) = (0, false);
        while at < input.len() {
            let (length, offset) = self.longest(input, at);
            let taken = match length >= SEED {
                true => {
                    items.copy(length, offset);
                    found = true;
                    length
                }
                false => {
                    items.literal(input[at]);
                    1
                }
            };
            (at..at + taken).for_each(|place| self.see(input, place));
            at += taken;
            if items.out.len() - start > limit || (!found && at >= FIRST_MATCH) {
                out.truncate(start);
                self.base += (input.len() + WINDOW) as u32;
                return Ok(false);
            }
        }
        self.base += (input.len() + WINDOW) as u32;
        Ok(true)
    }

    fn begin(&mut self, length: usize) {
        if self.base as usize + length + WINDOW >= u32::MAX as usize {
            self.head.fill(0);
            self.base = WINDOW as u32;
        }
    }

    fn see(&mut self, input: &[u8], at: usize) {
        let Some(seed) = seed(input, at) else { return };
        let place = self.base + at as u32;
        let head = &mut self.head[hash(seed)];
        self.before[place as usize % WINDOW] = *head;
        *head = place;
    }

    /// The longest match that is found for what begins here, with how far before it begins.
    fn longest(&self, input: &[u8], at: usize) -> (usize, usize) {
        let Some(seed) = seed(input, at) else { return (0, 0) };
        let here = self.base + at as u32;
        let mut place = self.head[hash(seed)];
        let mut best = (0, 0);
        for _ in 0..TRIES {
            let offset = here.wrapping_sub(place) as usize;
            if place < self.base || offset == 0 || offset >= WINDOW {
                break;
            }
            let length = common(input, at - offset, at);
            if length > best.0 {
                best = (length, offset);
                if length >= GOOD {
                    break;
                }
            }
            place = self.before[place as usize % WINDOW];
        }
        best
    }
}

fn seed(input: &[u8], at: usize) -> Option<u32> {
    input.get(at..at + SEED)?.try_into().ok().map(u32::from_le_bytes)
}

fn hash(seed: u32) -> usize {
    (seed.wrapping_mul(0x9e37_79b1) >> (32 - HASH_BITS)) as usize
}

/// How many bytes are the same from two places on, the second of which is later.
fn common(input: &[u8], one: usize, other: usize) -> usize {
    let most = LONGEST.min(input.len() - other);
    let (one, other) = (&input[one..one + most], &input[other..other + most]);
    let (ones, _) = one.as_chunks::<8>();
    let (others, _) = other.as_chunks::<8>();
    for (at, (one, other)) in ones.iter().zip(others).enumerate() {
        let differing = u64::from_le_bytes(*one) ^ u64::from_le_bytes(*other);
        if differing != 0 {
            return at * 8 + differing.trailing_zeros() as usize / 8;
        }
    }
    let rest = ones.len() * 8;
    rest + one[rest..].iter().zip(&other[rest..]).take_while(|(one, other)| one == other).count()
}

/// Eight items follow a control byte, whose bits tell matches from literals, the lowest first.
struct Items<'a> {
    out: &'a mut Vec<u8>,
    /// Where the last control byte is.
    control: usize,
    /// The next item's bit; 0 where a control byte is to come first.
    bit: u8,
}

impl Items<'_> {
    fn item(&mut self, is_match: bool) {
        if self.bit == 0 {
            self.control = self.out.len();
            self.out.push(0);
            self.bit = 1;
        }
        if is_match {
            self.out[self.control] |= self.bit;
        }
        self.bit = self.bit.wrapping_shl(1);
    }

    fn literal(&mut self, byte: u8) {
        self.item(false);
        self.out.push(byte);
    }

    /// The high four bits of the offset, the length, the rest of the offset, and of a long match the rest of its length.
    fn copy(&mut self, length: usize, offset: usize) {
        self.item(true);
        let high = (offset >> 4) as u8 & 0xf0;
        match length {
            18.. => self.out.extend([high | 0x0f, offset as u8, (length - 18) as u8]),
            _ => self.out.extend([high | (length - 3) as u8, offset as u8]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the format's description.
    fn decompress(mut bytes: &[u8]) -> Vec<u8> {
        let mut out: Vec<u8> = vec![];
        while let [control, rest @ ..] = bytes {
            bytes = rest;
            for bit in 0..8 {
                match (control >> bit & 1, bytes) {
                    (_, []) => return out,
                    (0, [literal, rest @ ..]) => {
                        out.push(*literal);
                        bytes = rest;
                    }
                    (_, [first, second, rest @ ..]) => {
                        let offset = usize::from(first & 0xf0) << 4 | usize::from(*second);
                        let mut length = usize::from(first & 0x0f) + 3;
                        bytes = rest;
                        if length == 18 {
                            length += usize::from(bytes[0]);
                            bytes = &bytes[1..];
                        }
                        assert!((1..=out.len()).contains(&offset), "{offset} of {}", out.len());
                        (0..length).for_each(|_| out.push(out[out.len() - offset]));
                    }
                    _ => panic!("half a match"),
                }
            }
        }
        out
    }

    fn random(state: &mut u64) -> usize {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state >> 33) as usize
    }

    fn round(pglz: &mut Pglz, input: &[u8]) -> Option<usize> {
        let mut out = vec![7];
        let saved = pglz.compress(input, &mut out).unwrap();
        assert_eq!(out[0], 7);
        if saved {
            assert_eq!(decompress(&out[1..]), input);
            assert!((out.len() - 1) * 4 <= input.len() * 3 + 12);
        } else {
            assert_eq!(out.len(), 1);
        }
        saved.then(|| out.len() - 1)
    }

    #[test]
    fn what_repeats_gets_short_and_what_does_not_stays() {
        let mut pglz = Pglz::new();
        assert!(round(&mut pglz, &[b'a'; 100_000]).is_some_and(|length| length < 1300));
        let text = "the quick brown fox jumps over the lazy dog; ".repeat(60);
        assert!(round(&mut pglz, text.as_bytes()).is_some_and(|length| length < 100));
        let mut state = 1u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| random(&mut state) as u8).take(5000).collect();
        assert_eq!(round(&mut pglz, &noise), None);
        assert_eq!(round(&mut pglz, &[b'a'; 31]), None);
        // A match that is longer than one tag, at the window's end and beyond it.
        for gap in [4000, 4090, 4091, 4092, 4095, 4096, 5000] {
            let far = [&[b'x'; 300][..], &vec![b'-'; gap - 300], &[b'x'; 300]].concat();
            round(&mut pglz, &far);
        }
    }

    #[test]
    fn every_value_comes_back() {
        let mut state = 1u64;
        let mut next = |below: usize| random(&mut state) % below;
        let mut pglz = Pglz::new();
        for _ in 0..400 {
            let mut input: Vec<u8> = vec![];
            for _ in 0..next(40) {
                let length = 1 + next(400);
                match next(6) {
                    0 => input.extend(std::iter::repeat_n(b'z', length)),
                    1 => input.extend((0..length).map(|n| (n * n % 251) as u8)),
                    2 => input.extend((0..length).map(|n| b'a' + (n % 7) as u8)),
                    _ => {
                        let from = input.len().saturating_sub(length * 9);
                        let again = input[from..(from + length).min(input.len())].to_vec();
                        input.extend(again);
                    }
                }
            }
            round(&mut pglz, &input);
        }
        // Places that count over the end begin anew.
        pglz.base = u32::MAX - 10_000;
        (0..5).for_each(|_| assert!(round(&mut pglz, &[b'q'; 4000]).is_some()));
    }
}
