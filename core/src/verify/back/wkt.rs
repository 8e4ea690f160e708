//! Geometries in well-known text as trees: the text is cut into words first, which tell the dimensions of all of it.

use super::geometry::Node;

type Words<'a> = std::iter::Peekable<std::vec::IntoIter<&'a str>>;

const KINDS: [(&str, u32); 15] = [
    ("POINT", 1),
    ("LINESTRING", 2),
    ("POLYGON", 3),
    ("MULTIPOINT", 4),
    ("MULTILINESTRING", 5),
    ("MULTIPOLYGON", 6),
    ("GEOMETRYCOLLECTION", 7),
    ("CIRCULARSTRING", 8),
    ("COMPOUNDCURVE", 9),
    ("CURVEPOLYGON", 10),
    ("MULTICURVE", 11),
    ("MULTISURFACE", 12),
    ("POLYHEDRALSURFACE", 15),
    ("TIN", 16),
    ("TRIANGLE", 17),
];

/// Bits of z and m, and so many numbers a point.
type Shape = (bool, bool, usize);

pub(super) fn tree(text: &[u8]) -> Option<Node> {
    let text = std::str::from_utf8(text).ok()?.to_ascii_uppercase();
    let mut words: Vec<&str> = vec![];
    for part in text.split_whitespace() {
        words.extend(part.split_inclusive(['(', ')', ',']).flat_map(|word| {
            let cut = word.len() - usize::from(word.ends_with(['(', ')', ',']));
            <[&str; 2]>::from(word.split_at(cut))
        }));
    }
    words.retain(|word| !word.is_empty());
    let dimensions: Vec<&str> =
        words.iter().copied().filter(|word| ["Z", "M", "ZM"].contains(word)).collect();
    let number = |word: &&&str| word.parse::<f64>().is_ok();
    let first = words.iter().skip_while(|word| !number(word)).take_while(number).count();
    let shape = match (dimensions.first(), first) {
        (Some(&"Z"), _) | (None, 3) => (true, false, 3),
        (Some(&"M"), _) => (false, true, 3),
        (Some(_), _) | (None, 4) => (true, true, 4),
        (None, _) => (false, false, 2),
    };
    let agree = dimensions.iter().all(|word| Some(word) == dimensions.first());
    let mut words = words.into_iter().peekable();
    let node = named(&mut words, shape, 0)?;
    (agree && words.next().is_none()).then_some(node)
}

fn named(words: &mut Words<'_>, shape: Shape, depth: u32) -> Option<Node> {
    let name = words.next()?;
    let kind = KINDS.iter().find(|(known, _)| *known == name)?.1;
    words.next_if(|word| ["Z", "M", "ZM"].contains(word));
    bare(kind, words, shape, depth)
}

fn bare(kind: u32, words: &mut Words<'_>, shape: Shape, depth: u32) -> Option<Node> {
    let mut node = Node { kind, z: shape.0, m: shape.1, lines: vec![], parts: vec![] };
    if depth > 100 {
        return None;
    }
    match kind {
        1 if words.next_if_eq(&"EMPTY").is_some() => node.lines.push(vec![[f64::NAN.to_bits(); 4]]),
        1 => node.lines.push(list(words, |words| lone_point(words, shape))?),
        2 | 8 => node.lines.push(list(words, |words| point(words, shape))?),
        3 | 17 => node.lines = list(words, |words| list(words, |words| point(words, shape)))?,
        _ => {
            let of = [0, 0, 0, 0, 1, 2, 3, 0, 0, 2, 2, 2, 3, 0, 0, 3, 17];
            let of = *of.get(usize::try_from(kind).ok()?)?;
            node.parts = list(words, |words| match words.peek()? {
                word if word.parse::<f64>().is_ok() && kind == 4 => {
                    let lines = vec![vec![lone_point(words, shape)?]];
                    Some(Node { kind: 1, lines, z: shape.0, m: shape.1, parts: vec![] })
                }
                &"(" | &"EMPTY" if of > 0 => bare(of, words, shape, depth + 1),
                _ => named(words, shape, depth + 1),
            })?;
        }
    }
    let one_point = kind != 1 || node.lines.iter().all(|points| points.len() == 1);
    let one_ring = kind != 17 || node.lines.len() < 2;
    (one_point && one_ring).then_some(node)
}

fn list<T>(words: &mut Words<'_>, mut item: impl FnMut(&mut Words<'_>) -> Option<T>) -> Option<Vec<T>> {
    let mut items = vec![];
    match words.next()? {
        "EMPTY" => return Some(items),
        "(" => {}
        _ => return None,
    }
    loop {
        items.push(item(words)?);
        match words.next()? {
            "," => {}
            ")" => return Some(items),
            _ => return None,
        }
    }
}

/// PostGIS knows one point of nothing.
fn lone_point(words: &mut Words<'_>, shape: Shape) -> Option<[u64; 4]> {
    let point = point(words, shape)?;
    let [x, y, ..] = point.map(f64::from_bits);
    Some(if x.is_nan() && y.is_nan() { [f64::NAN.to_bits(); 4] } else { point })
}

fn point(words: &mut Words<'_>, shape: Shape) -> Option<[u64; 4]> {
    let mut point = [0; 4];
    for place in point.iter_mut().take(shape.2) {
        *place = words.next()?.parse::<f64>().ok()?.to_bits();
    }
    Some(point)
}
