//! `index_metadata.pickle`: a reader of exactly the opcodes that ChromaDB's writers use. It runs nothing, and refuses every
//! class but ChromaDB's own record.
//!
//! Python's clients write protocol 5 and the record `PersistentData`; the Rust client writes protocol 3 and a dict.
//! <https://github.com/python/cpython/blob/main/Lib/pickletools.py>
#![deny(clippy::disallowed_methods)]

use std::collections::{HashMap, HashSet};

use thiserror::Error;

use crate::value::buffer;

/// What the pickle says of the index.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct IndexMetadata {
    pub dimension: Option<i64>,
    /// Elements of the index, dead ones too.
    pub elements: i64,
    /// The last row of the queue that the index holds. Old, where the table `max_seq_id` has one as well.
    pub max_seq_id: Option<i64>,
    /// The label of each id that is alive.
    pub labels: HashMap<Box<str>, u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unreadable {
    #[error("it ends too early")]
    Short,
    #[error("it has an opcode that ChromaDB does not write")]
    Opcode,
    #[error("it has an object of another class than ChromaDB's own")]
    Class,
    #[error("it is not what ChromaDB writes")]
    Shape,
    #[error("two labels are one, or an id has two")]
    Labels,
    #[error("it has more than its index")]
    Long,
    #[error("memory is exhausted")]
    Memory,
    #[error("the reading was interrupted")]
    Interrupted,
}

const CLASS: (&str, &str) = ("chromadb.segment.impl.vector.local_persistent_hnsw", "PersistentData");

/// A value on the machine's stack. Containers are read straight into maps of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item<'a> {
    None,
    Int(i64),
    Text(&'a str),
    /// The dictionary with this number.
    Dict(usize),
    Tuple,
    Class,
    Record,
    Mark,
}

/// The pairs of one dictionary.
type Pairs<'a> = Vec<(Item<'a>, Item<'a>)>;

/// As many dictionaries as a state may hold; a real one has four.
const MOST_DICTS: usize = 16;
/// As many pairs as a dictionary may have beside one for each element; a real state has six.
const MOST_KEYS: u64 = 16;
/// Opcodes and pairs between two questions whether to go on.
const OFTEN: usize = 4096;

struct Machine<'a> {
    /// Pairs that a dictionary may have.
    most: usize,
    stack: Vec<Item<'a>>,
    memo: Vec<(u32, Item<'a>)>,
    dicts: Vec<Pairs<'a>>,
    /// The dictionary that BUILD gave the record.
    state: Option<usize>,
}

/// Reads the pickle of an index with so many elements: no dictionary has more pairs.
pub fn read(
    bytes: &[u8],
    elements: u64,
    interrupted: &dyn Fn() -> bool,
) -> Result<IndexMetadata, Unreadable> {
    let most = usize::try_from(elements.saturating_add(MOST_KEYS)).unwrap_or(usize::MAX);
    let mut machine = Machine { most, stack: vec![], memo: vec![], dicts: vec![], state: None };
    let mut input = Input { bytes };
    for count in 1.. {
        ask(count, interrupted)?;
        match input.byte()? {
            // PROTO, FRAME
            0x80 if matches!(input.byte()?, 2..=5) => {}
            0x95 => drop(input.take(8)?),
            b'N' => machine.push(Item::None)?,
            b'K' => machine.push(Item::Int(input.byte()?.into()))?,
            b'M' => machine.push(Item::Int(u16::from_le_bytes(input.array()?).into()))?,
            b'J' => machine.push(Item::Int(i32::from_le_bytes(input.array()?).into()))?,
            // LONG1
            0x8a => {
                let length = input.byte()?;
                machine.push(Item::Int(long(input.take(length.into())?)?))?;
            }
            // SHORT_BINUNICODE, BINUNICODE, BINUNICODE8
            0x8c => {
                let length = input.byte()?;
                machine.push(input.text(length.into())?)?;
            }
            b'X' => {
                let length = u32::from_le_bytes(input.array()?);
                machine.push(input.text(length.into())?)?;
            }
            0x8d => {
                let length = u64::from_le_bytes(input.array()?);
                machine.push(input.text(length)?)?;
            }
            b'}' => machine.dict()?,
            b')' => machine.push(Item::Tuple)?,
            b'(' => machine.push(Item::Mark)?,
            b's' => machine.set_item()?,
            b'u' => machine.set_items()?,
            // STACK_GLOBAL, NEWOBJ, BUILD
            0x93 => machine.class()?,
            0x81 => machine.object()?,
            b'b' => machine.build()?,
            // MEMOIZE, BINPUT, LONG_BINPUT; BINGET, LONG_BINGET
            0x94 => {
                let at = u32::try_from(machine.memo.len()).map_err(|_| Unreadable::Shape)?;
                machine.put(at)?;
            }
            b'q' => {
                let at = input.byte()?;
                machine.put(at.into())?;
            }
            b'r' => {
                let at = u32::from_le_bytes(input.array()?);
                machine.put(at)?;
            }
            b'h' => {
                let at = input.byte()?;
                machine.get(at.into())?;
            }
            b'j' => {
                let at = u32::from_le_bytes(input.array()?);
                machine.get(at)?;
            }
            b'.' => return machine.finish(interrupted),
            _ => return Err(Unreadable::Opcode),
        }
    }
    Err(Unreadable::Long)
}

fn ask(count: usize, interrupted: &dyn Fn() -> bool) -> Result<(), Unreadable> {
    if count.is_multiple_of(OFTEN) && interrupted() { Err(Unreadable::Interrupted) } else { Ok(()) }
}

impl<'a> Machine<'a> {
    /// The pairs of one dictionary and what is below them is all that the stack ever has.
    fn push(&mut self, item: Item<'a>) -> Result<(), Unreadable> {
        push(&mut self.stack, item, self.most.saturating_mul(3))
    }

    fn pop(&mut self) -> Result<Item<'a>, Unreadable> {
        self.stack.pop().ok_or(Unreadable::Shape)
    }

    fn dict(&mut self) -> Result<(), Unreadable> {
        if self.dicts.len() == MOST_DICTS {
            return Err(Unreadable::Shape);
        }
        push(&mut self.dicts, vec![], MOST_DICTS)?;
        self.push(Item::Dict(self.dicts.len() - 1))
    }

    /// Items are put in the order of their numbers: only so can they be found by halves.
    fn put(&mut self, at: u32) -> Result<(), Unreadable> {
        let item = *self.stack.last().ok_or(Unreadable::Shape)?;
        match self.memo.last() {
            Some((last, _)) if *last >= at => Err(Unreadable::Shape),
            // An id is a value of its own in each of the dictionaries at most.
            _ => push(&mut self.memo, (at, item), self.most.saturating_mul(4)),
        }
    }

    fn get(&mut self, at: u32) -> Result<(), Unreadable> {
        let found = self.memo.binary_search_by_key(&at, |(number, _)| *number);
        let item = found.ok().and_then(|at| self.memo.get(at)).ok_or(Unreadable::Shape)?.1;
        self.push(item)
    }

    fn class(&mut self) -> Result<(), Unreadable> {
        let name = self.pop()?;
        match (self.pop()?, name) {
            (Item::Text(module), Item::Text(name)) if (module, name) == CLASS => self.push(Item::Class),
            _ => Err(Unreadable::Class),
        }
    }

    fn object(&mut self) -> Result<(), Unreadable> {
        let arguments = self.pop()?;
        match (self.pop()?, arguments) {
            (Item::Class, Item::Tuple) => self.push(Item::Record),
            _ => Err(Unreadable::Shape),
        }
    }

    fn build(&mut self) -> Result<(), Unreadable> {
        let state = self.pop()?;
        match (self.stack.last(), state) {
            (Some(Item::Record), Item::Dict(state)) if self.state.is_none() => {
                self.state = Some(state);
                Ok(())
            }
            _ => Err(Unreadable::Shape),
        }
    }

    fn set_item(&mut self) -> Result<(), Unreadable> {
        let value = self.pop()?;
        let key = self.pop()?;
        let Some(Item::Dict(at)) = self.stack.last() else { return Err(Unreadable::Shape) };
        let pairs = self.dicts.get_mut(*at).ok_or(Unreadable::Shape)?;
        push(pairs, (key, value), self.most)
    }

    /// What stands above the last mark, in pairs.
    fn set_items(&mut self) -> Result<(), Unreadable> {
        let mark = self.stack.iter().rposition(|item| *item == Item::Mark).ok_or(Unreadable::Shape)?;
        let (below, items) = self.stack.split_at_checked(mark).ok_or(Unreadable::Shape)?;
        let (two, odd) = items.get(1..).unwrap_or_default().as_chunks::<2>();
        let (Some(Item::Dict(at)), true) = (below.last(), odd.is_empty()) else {
            return Err(Unreadable::Shape);
        };
        let pairs = self.dicts.get_mut(*at).ok_or(Unreadable::Shape)?;
        if pairs.len().saturating_add(two.len()) > self.most {
            return Err(Unreadable::Long);
        }
        pairs.try_reserve(two.len()).map_err(|_| Unreadable::Memory)?;
        pairs.extend(two.iter().map(|[key, value]| (*key, *value)));
        self.stack.truncate(mark);
        Ok(())
    }

    fn finish(&self, interrupted: &dyn Fn() -> bool) -> Result<IndexMetadata, Unreadable> {
        let top = match (self.stack.as_slice(), self.state) {
            ([Item::Record], Some(state)) => state,
            ([Item::Dict(at)], None) => *at,
            _ => return Err(Unreadable::Shape),
        };
        let value = |name: &str| {
            let pairs = self.dicts.get(top)?;
            // A key that is set again has its last value.
            pairs.iter().rev().find(|(key, _)| *key == Item::Text(name)).map(|(_, value)| *value)
        };
        let number = |name: &str| match value(name) {
            Some(Item::Int(number)) => Ok(Some(number)),
            Some(Item::None) | None => Ok(None),
            Some(_) => Err(Unreadable::Shape),
        };
        let dict = |name: &str| match value(name) {
            Some(Item::Dict(at)) => self.dicts.get(at).ok_or(Unreadable::Shape),
            _ => Err(Unreadable::Shape),
        };
        Ok(IndexMetadata {
            dimension: number("dimensionality")?,
            elements: number("total_elements_added")?.ok_or(Unreadable::Shape)?,
            max_seq_id: number("max_seq_id")?,
            labels: labels(dict("id_to_label")?, dict("label_to_id")?, interrupted)?,
        })
    }
}

/// An id is alive if both maps agree on its label. Each id and each label has one pair, so that all ids together are no
/// longer than the pickle.
fn labels(
    ids: &Pairs<'_>,
    of_labels: &Pairs<'_>,
    interrupted: &dyn Fn() -> bool,
) -> Result<HashMap<Box<str>, u64>, Unreadable> {
    let mut back: HashMap<i64, &str> = HashMap::new();
    back.try_reserve(of_labels.len()).map_err(|_| Unreadable::Memory)?;
    for (count, pair) in of_labels.iter().enumerate() {
        ask(count, interrupted)?;
        let (Item::Int(label), Item::Text(id)) = *pair else { return Err(Unreadable::Shape) };
        if back.insert(label, id).is_some() {
            return Err(Unreadable::Labels);
        }
    }
    let mut seen = HashSet::new();
    seen.try_reserve(ids.len()).map_err(|_| Unreadable::Memory)?;
    let mut out = HashMap::new();
    out.try_reserve(ids.len()).map_err(|_| Unreadable::Memory)?;
    for (count, pair) in ids.iter().enumerate() {
        ask(count, interrupted)?;
        let (Item::Text(id), Item::Int(label)) = *pair else { return Err(Unreadable::Shape) };
        let number = u64::try_from(label).map_err(|_| Unreadable::Labels)?;
        if !seen.insert(id) {
            return Err(Unreadable::Labels);
        }
        if back.get(&label) == Some(&id) {
            out.insert(boxed(id)?, number);
        }
    }
    Ok(out)
}

fn boxed(text: &str) -> Result<Box<str>, Unreadable> {
    buffer::text(text).map(String::into_boxed_str).map_err(|_| Unreadable::Memory)
}

fn push<T>(list: &mut Vec<T>, item: T, most: usize) -> Result<(), Unreadable> {
    if list.len() >= most {
        return Err(Unreadable::Long);
    }
    list.try_reserve(1).map_err(|_| Unreadable::Memory)?;
    list.push(item);
    Ok(())
}

/// A little-endian integer of up to eight bytes.
fn long(bytes: &[u8]) -> Result<i64, Unreadable> {
    let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let mut out = [if negative { 0xff } else { 0 }; 8];
    out.get_mut(..bytes.len()).ok_or(Unreadable::Shape)?.copy_from_slice(bytes);
    Ok(i64::from_le_bytes(out))
}

struct Input<'a> {
    bytes: &'a [u8],
}

impl<'a> Input<'a> {
    fn take(&mut self, length: u64) -> Result<&'a [u8], Unreadable> {
        let length = usize::try_from(length).map_err(|_| Unreadable::Short)?;
        let (taken, rest) = self.bytes.split_at_checked(length).ok_or(Unreadable::Short)?;
        self.bytes = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Unreadable> {
        let (taken, rest) = self.bytes.split_first_chunk::<N>().ok_or(Unreadable::Short)?;
        self.bytes = rest;
        Ok(*taken)
    }

    fn byte(&mut self) -> Result<u8, Unreadable> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn text(&mut self, length: u64) -> Result<Item<'a>, Unreadable> {
        std::str::from_utf8(self.take(length)?).map(Item::Text).map_err(|_| Unreadable::Shape)
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<IndexMetadata, Unreadable> {
        super::read(bytes, 1 << 20, &|| false)
    }

    fn text(value: &str) -> Vec<u8> {
        let length = u32::try_from(value.len()).unwrap();
        [&b"X"[..], &length.to_le_bytes(), value.as_bytes()].concat()
    }

    fn dict(pairs: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
        let inside: Vec<u8> = pairs.iter().flat_map(|(k, v)| [k.as_slice(), v].concat()).collect();
        [&b"}("[..], &inside, b"u"].concat()
    }

    fn metadata(ids: Vec<u8>, labels: Vec<u8>) -> Vec<u8> {
        let state = dict(&[
            (text("dimensionality"), b"N".to_vec()),
            (text("total_elements_added"), b"K\x03".to_vec()),
            (text("max_seq_id"), b"J\xff\xff\xff\x7f".to_vec()),
            (text("id_to_label"), ids),
            (text("label_to_id"), labels),
            (text("id_to_seq_id"), b"}".to_vec()),
        ]);
        [b"\x80\x03".to_vec(), state, b".".to_vec()].concat()
    }

    #[test]
    fn an_id_is_alive_if_both_maps_agree() {
        let ids = dict(&[(text("a"), b"K\x01".to_vec()), (text("b\0"), b"K\x02".to_vec())]);
        let labels = dict(&[(b"K\x01".to_vec(), text("a")), (b"K\x02".to_vec(), text("c"))]);
        let read = read(&metadata(ids, labels)).unwrap();
        let expected = IndexMetadata {
            dimension: None,
            elements: 3,
            max_seq_id: Some(i32::MAX.into()),
            labels: HashMap::from([("a".into(), 1)]),
        };
        assert_eq!(read, expected);
    }

    #[test]
    fn a_pickle_has_no_more_than_its_index() {
        let labels = |count: u8| {
            let pair = |n: u8| (text(&n.to_string()), vec![b'K', n]);
            let swapped = |n: u8| (vec![b'K', n], text(&n.to_string()));
            metadata(
                dict(&(0..count).map(pair).collect::<Vec<_>>()),
                dict(&(0..count).map(swapped).collect::<Vec<_>>()),
            )
        };
        assert_eq!(super::read(&labels(20), 4, &|| false).map(|read| read.labels.len()), Ok(20));
        assert_eq!(super::read(&labels(21), 4, &|| false), Err(Unreadable::Long));
        // Nothing but values, which would take as much memory as there is.
        let values = [b"\x80\x03".to_vec(), vec![b'N'; 5000]].concat();
        assert_eq!(super::read(&values, 4, &|| false), Err(Unreadable::Long));
        assert_eq!(super::read(&values, 5000, &|| true), Err(Unreadable::Interrupted));
    }

    #[test]
    fn an_id_or_a_label_has_one_pair() {
        let one = || vec![b'K', 1];
        let (a, b) = ((text("a"), one()), (text("b"), vec![b'K', 2]));
        let back = |(id, label): &(Vec<u8>, Vec<u8>)| (label.clone(), id.clone());
        let twice = metadata(dict(&[a.clone(), (text("a"), vec![b'K', 2])]), dict(&[back(&a)]));
        assert_eq!(read(&twice), Err(Unreadable::Labels));
        let two = metadata(dict(&[a.clone(), b.clone()]), dict(&[back(&a), (one(), text("b"))]));
        assert_eq!(read(&two), Err(Unreadable::Labels));
    }

    #[test]
    fn another_class_is_refused_and_nothing_is_called() {
        // cos\nsystem: GLOBAL is no opcode of ChromaDB's.
        assert_eq!(read(b"\x80\x03cos\nsystem\n)\x81."), Err(Unreadable::Opcode));
        let class =
            |module: &str, name: &str| [&b"\x80\x05"[..], &text(module), &text(name), b"\x93."].concat();
        assert_eq!(read(&class("os", "system")), Err(Unreadable::Class));
        assert_eq!(read(&class(CLASS.0, CLASS.1)), Err(Unreadable::Shape));
        assert_eq!(read(b"\x80\x03X\xff\xff\xff\xff"), Err(Unreadable::Short));
        assert_eq!(read(b""), Err(Unreadable::Short));
        assert_eq!(read(b"\x80\x03h\x01."), Err(Unreadable::Shape));
        // A mark that nothing is below.
        assert_eq!(read(b"\x80\x03(u."), Err(Unreadable::Shape));
    }

    #[test]
    fn real_pickles_are_read_and_no_part_of_one_is() {
        let root = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/vectors"));
        let Ok(folders) = std::fs::read_dir(root) else {
            println!("{} is absent: skipped", root.display());
            return;
        };
        let mut seen = 0;
        for folder in folders.flatten().filter(|f| f.path().is_dir()) {
            let segments = std::fs::read_dir(folder.path()).unwrap().flatten();
            for file in segments.map(|s| s.path().join("index_metadata.pickle")).filter(|f| f.exists()) {
                let bytes = std::fs::read(&file).unwrap();
                let cut = folder.file_name().to_string_lossy().contains("badpickle");
                let Ok(whole) = read(&bytes) else {
                    assert!(cut, "{}", file.display());
                    continue;
                };
                seen += 1;
                assert!(whole.labels.len() as i64 <= whole.elements, "{}", file.display());
                for end in (0..bytes.len()).step_by(97) {
                    assert!(read(&bytes[..end]).is_err());
                }
            }
        }
        assert!(seen > 20);
    }
}
