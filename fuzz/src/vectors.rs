//! The byte readers of ChromaDB's folders and of vec0's tables: whatever the bytes are, they are read or refused.

use pg_sqlite_migrate_core::chroma::index::{HEADER, Header};
use pg_sqlite_migrate_core::chroma::{pickle, replay};
use pg_sqlite_migrate_core::vec0::faiss::Flat;
use pg_sqlite_migrate_core::vec0::{Declared, slot};
use proptest::collection::{hash_map, vec};
use proptest::prelude::*;
use proptest::sample::select;

use crate::cases;

/// Opcodes of pickles, with what may follow them.
fn opcode() -> impl Strategy<Value = Vec<u8>> {
    let plain = select(&b"N})(su\x93\x81b\x94."[..]).prop_map(|byte| vec![byte]);
    let number =
        (select(&b"KMJqrhj"[..]), vec(any::<u8>(), 0..5)).prop_map(|(op, rest)| [vec![op], rest].concat());
    let word = select(&["id_to_label", "label_to_id", "total_elements_added", "max_seq_id", "a", ""][..]);
    let text = word.prop_map(|word| [&[0x8c, word.len() as u8][..], word.as_bytes()].concat());
    prop_oneof![4 => plain, 3 => number, 3 => text, 1 => vec(any::<u8>(), 0..9)]
}

proptest! {
    #![proptest_config(cases(1))]

    #[test]
    fn a_pickle_is_read_or_refused(parts in vec(opcode(), 0..200), cut in any::<prop::sample::Index>()) {
        let bytes = [vec![0x80, 3], parts.concat(), vec![b'.']].concat();
        let _ = pickle::read(&bytes, 100, &|| false);
        let _ = pickle::read(&bytes[..cut.index(bytes.len())], 100, &|| false);
    }

    #[test]
    fn a_header_is_read_or_refused(
        mut words in vec(prop_oneof![0u64..300, any::<u64>()], HEADER / 8),
        element in any::<u64>(),
        file in any::<u64>(),
    ) {
        words[0] = 1;
        let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).chain([0; 4]).collect();
        if let Ok(header) = Header::read(&bytes) {
            let _ = (header.check(file, Some(file)), header.place(element), header.bytes());
            let _ = header.element(&bytes);
        }
    }

    #[test]
    fn a_slot_is_read_or_refused(bytes in vec(any::<u8>(), 0..40), at in any::<usize>()) {
        let _ = (slot::boolean(&bytes, at), slot::integer(&bytes), slot::real(&bytes), slot::text(&bytes));
        let _ = (slot::bits(&bytes), slot::floats_of_int8(&bytes));
    }

    #[test]
    fn a_faiss_index_is_read_or_refused(
        dimension in 0u32..5, count in 0u64..5, floats in 0u64..30, ids in 0u64..5, metric in 0u32..3, rest in vec(any::<u8>(), 0..200),
    ) {
        let header = [&dimension.to_le_bytes()[..], &count.to_le_bytes(), &[0; 17], &metric.to_le_bytes()].concat();
        let (body, ids) = (vec![0; floats as usize * 4], ids.to_le_bytes());
        let bytes = [b"IxM2", &header[..], b"IxF2", &header, &floats.to_le_bytes(), &body, &ids, &rest].concat();
        if let Ok(flat) = Flat::read(&bytes) {
            prop_assert_eq!(flat.iter().count() as u64, count);
        }
        let _ = Flat::read(&rest);
    }

    #[test]
    fn arguments_are_read_or_refused(arguments in vec("[a-z]{1,3} ?(float|int8|bit|text|integer)?(\\[[0-9]{0,9}\\])?( (primary|partition) key)?[=+,()]?[a-z0-9]{0,4}", 0..6)) {
        let _ = Declared::parse(arguments.iter().map(String::as_str));
    }

    /// Every record has one place at most, and a queue that nothing was removed from loses none of its own.
    #[test]
    fn places_are_found_whatever_the_queue(
        rows in vec((0i64..4, 0u8..6, any::<bool>()), 0..40),
        records in hash_map("[a-f]", 0i64..40, 0..6),
        held in proptest::option::of(0i64..40),
        complete in any::<bool>(),
        state in select(&[replay::State::Usable, replay::State::Unwritten, replay::State::Lost][..]),
    ) {
        let row = |(seq_id, (operation, id, vector)): (usize, (i64, u8, bool))| replay::Row {
            seq_id: seq_id as i64,
            operation: replay::Operation::of(operation),
            id: char::from(b'a' + id).to_string().into(),
            vector: if vector { replay::Vector::Floats } else { replay::Vector::None },
        };
        let queue: Vec<replay::Row> = rows.into_iter().enumerate().map(row).collect();
        let records = records.into_iter().map(|(id, seq)| (id.into(), seq)).collect();
        let index = [("a".into(), replay::Place::Element(0)), ("b".into(), replay::Place::Lost)].into();
        let known = replay::Known { state, index, held, queue: &queue, complete, records: &records };
        let places = replay::places(known).unwrap_or_default();
        for place in places.values() {
            if let replay::Place::Queue(seq) = place {
                prop_assert!(queue.iter().any(|row| row.seq_id == *seq && row.vector == replay::Vector::Floats));
            }
        }
    }
}
