//! Puts what several readers read into the order of the rows. Pure.

use std::collections::BTreeMap;

/// Something of one range of rows. Ranges are counted from 0, in the order of their rows; what one range gives comes in its
/// own order.
pub struct Piece<T> {
    pub range: usize,
    /// Nothing more of this range comes.
    pub last: bool,
    pub content: T,
}

/// Keeps back what is of later ranges.
pub struct InOrder<T> {
    next: usize,
    waiting: BTreeMap<usize, Vec<Piece<T>>>,
}

impl<T> InOrder<T> {
    pub fn new() -> InOrder<T> {
        InOrder { next: 0, waiting: BTreeMap::new() }
    }

    /// The range whose pieces are passed on as they come.
    pub fn next(&self) -> usize {
        self.next
    }

    /// Takes a piece, and passes on what follows what was passed on before.
    pub fn take(&mut self, piece: Piece<T>, mut pass_on: impl FnMut(T)) {
        if piece.range != self.next {
            return self.waiting.entry(piece.range).or_default().push(piece);
        }
        let mut ended = piece.last;
        pass_on(piece.content);
        while ended {
            self.next += 1;
            ended = false;
            for piece in self.waiting.remove(&self.next).unwrap_or_default() {
                ended = piece.last;
                pass_on(piece.content);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_in_the_order_of_ranges_however_they_arrive() {
        // Range and number of each piece; a range of `n` pieces ends with its number n - 1.
        let counts = [2, 1, 3, 1, 1, 2];
        let mut state = 7_u64;
        for _ in 0..500 {
            let mut left: Vec<usize> = counts.to_vec();
            let (mut order, mut got) = (InOrder::new(), vec![]);
            while left.iter().any(|left| *left > 0) {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let range = (state >> 33) as usize % counts.len();
                if left[range] > 0 {
                    let number = counts[range] - left[range];
                    left[range] -= 1;
                    order.take(Piece { range, last: left[range] == 0, content: (range, number) }, |got_| {
                        got.push(got_)
                    });
                }
            }
            let expected: Vec<_> = counts
                .iter()
                .enumerate()
                .flat_map(|(range, count)| (0..*count).map(move |n| (range, n)))
                .collect();
            assert_eq!(got, expected);
            assert_eq!((order.next(), order.waiting.len()), (counts.len(), 0));
        }
    }
}
