//! The bounds of a geometry, of arcs too, from WKB as [`super::read`] writes it.
#![deny(clippy::disallowed_methods)]

use std::f64::consts::{PI, TAU};

/// The least and the greatest X, and the same of Y.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    pub x: [f64; 2],
    pub y: [f64; 2],
}

impl Bounds {
    /// `None` of a geometry without a point. A coordinate that is NaN is none.
    pub fn of(wkb: &[u8]) -> Option<Bounds> {
        let nothing = [f64::INFINITY, f64::NEG_INFINITY];
        let mut walk = Walk { bytes: wkb, bounds: Bounds { x: nothing, y: nothing } };
        walk.part();
        let Bounds { x, y } = walk.bounds;
        (x[0] <= x[1] && y[0] <= y[1]).then_some(walk.bounds)
    }

    pub fn join(self, other: Bounds) -> Bounds {
        let joined = |a: [f64; 2], b: [f64; 2]| [a[0].min(b[0]), a[1].max(b[1])];
        Bounds { x: joined(self.x, other.x), y: joined(self.y, other.y) }
    }

    fn add(&mut self, [x, y]: [f64; 2]) {
        self.x = [self.x[0].min(x), self.x[1].max(x)];
        self.y = [self.y[0].min(y), self.y[1].max(y)];
    }

    /// Where an arc through three points is farthest out, beyond these: of a whole circle the second is opposite.
    fn add_arc(&mut self, from: [f64; 2], by: [f64; 2], to: [f64; 2]) {
        let ([ax, ay], [bx, by_], [cx, cy]) = (from, by, to);
        let (center, whole) = if from == to {
            ([(ax + bx) / 2.0, (ay + by_) / 2.0], true)
        } else {
            let d = 2.0 * (ax * (by_ - cy) + bx * (cy - ay) + cx * (ay - by_));
            let (a, b, c) = (ax * ax + ay * ay, bx * bx + by_ * by_, cx * cx + cy * cy);
            let x = (a * (by_ - cy) + b * (cy - ay) + c * (ay - by_)) / d;
            let y = (a * (cx - bx) + b * (ax - cx) + c * (bx - ax)) / d;
            ([x, y], false)
        };
        let radius = (ax - center[0]).hypot(ay - center[1]);
        // Points on a line have no circle.
        if !radius.is_finite() || !center.iter().all(|c| c.is_finite()) {
            return;
        }
        let angle = |[x, y]: [f64; 2]| (y - center[1]).atan2(x - center[0]);
        let turned = |to: f64| (to - angle(from)).rem_euclid(TAU);
        // Left about, the second point comes before the third, or the arc goes right about.
        let left = turned(angle(by)) <= turned(angle(to));
        for (quarter, [x, y]) in
            [(0.0, [1.0, 0.0]), (PI / 2.0, [0.0, 1.0]), (PI, [-1.0, 0.0]), (-PI / 2.0, [0.0, -1.0])]
        {
            let inside = turned(quarter) <= turned(angle(to));
            if whole || inside == left {
                self.add([center[0] + radius * x, center[1] + radius * y]);
            }
        }
    }
}

struct Walk<'a> {
    bytes: &'a [u8],
    bounds: Bounds,
}

impl Walk<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.bytes.split_first_chunk::<N>()?;
        self.bytes = rest;
        Some(*taken)
    }

    fn count(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    /// `None` where the bytes end, which those that were written do not.
    fn part(&mut self) -> Option<()> {
        self.take::<1>()?;
        let code = self.count()?;
        let (kind, thousands) = (code % 1000, code / 1000);
        let others = usize::from(thousands & 1 != 0) + usize::from(thousands & 2 != 0);
        match kind {
            1 => self.line(1, others, false),
            2 | 8 => {
                let count = self.count()?;
                self.line(count, others, kind == 8)
            }
            3 | 17 => {
                for _ in 0..self.count()? {
                    let count = self.count()?;
                    self.line(count, others, false)?;
                }
                Some(())
            }
            _ => {
                for _ in 0..self.count()? {
                    self.part()?;
                }
                Some(())
            }
        }
    }

    fn line(&mut self, count: u32, others: usize, arcs: bool) -> Option<()> {
        let mut last = [[0.0; 2]; 3];
        for at in 0..count {
            let point = [f64::from_le_bytes(self.take()?), f64::from_le_bytes(self.take()?)];
            (0..others).try_for_each(|_| self.take::<8>().map(drop))?;
            self.bounds.add(point);
            last = [last[1], last[2], point];
            if arcs && at > 0 && at % 2 == 0 {
                self.bounds.add_arc(last[0], last[1], last[2]);
            }
        }
        Some(())
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::*;

    fn arc(points: &[[f64; 2]]) -> Bounds {
        let mut wkb = vec![1, 8, 0, 0, 0];
        wkb.extend(u32::try_from(points.len()).unwrap().to_le_bytes());
        points.iter().flatten().for_each(|n| wkb.extend(n.to_le_bytes()));
        let found = Bounds::of(&wkb).unwrap();
        let round = |n: f64| (n * 1e9).round() / 1e9 + 0.0;
        Bounds { x: found.x.map(round), y: found.y.map(round) }
    }

    #[test]
    fn arcs_reach_beyond_their_points() {
        let half = (0.5f64).sqrt();
        // Over the top, under the bottom, by the left.
        assert_eq!(arc(&[[-half, half], [0.0, 1.0], [half, half]]).y[1], 1.0);
        assert_eq!(arc(&[[-1.0, 0.0], [half, half], [1.0, 0.0]]), Bounds { x: [-1.0, 1.0], y: [0.0, 1.0] });
        assert_eq!(arc(&[[-1.0, 0.0], [half, -half], [1.0, 0.0]]), Bounds { x: [-1.0, 1.0], y: [-1.0, 0.0] });
        assert_eq!(arc(&[[0.0, 1.0], [-half, -half], [1.0, 0.0]]), Bounds { x: [-1.0, 1.0], y: [-1.0, 1.0] });
        // A circle, and points on a line.
        assert_eq!(arc(&[[0.0, 0.0], [2.0, 0.0], [0.0, 0.0]]), Bounds { x: [0.0, 2.0], y: [-1.0, 1.0] });
        assert_eq!(arc(&[[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]), Bounds { x: [0.0, 2.0], y: [0.0, 2.0] });
    }

    #[test]
    fn nothing_has_no_bounds() {
        assert_eq!(Bounds::of(&[1, 7, 0, 0, 0, 0, 0, 0, 0]), None);
        let empty: Vec<u8> =
            [&[1, 1, 0, 0, 0][..], &f64::NAN.to_le_bytes(), &f64::NAN.to_le_bytes()].concat();
        assert_eq!(Bounds::of(&empty), None);
    }
}
