//! Memory that cannot be had is an error of the value, never an abort, which would end every session of a server.
//!
//! The allocator of this test gives a thread no block above its limit. Code that allocates infallibly aborts here.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell as Slot;

use pg_sqlite_migrate_core::remote::canonical;
use pg_sqlite_migrate_core::remote::changed_keys::ChangedKeys;
use pg_sqlite_migrate_core::value::buffer::{self, Buffer, OutOfMemory};
use pg_sqlite_migrate_core::value::native::Native;
use pg_sqlite_migrate_core::value::{Cell, CellBuf, Decoder, Format, InvalidValue, PgType, Timezone, encode};

thread_local! {
    /// Bytes.
    static LIMIT: Slot<usize> = const { Slot::new(usize::MAX) };
}

struct Limited;

#[global_allocator]
static ALLOCATOR: Limited = Limited;

// SAFETY: the system allocator's blocks, or none. A block that grows is a new one (`GlobalAlloc::realloc`).
unsafe impl GlobalAlloc for Limited {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let has_room = LIMIT.try_with(|limit| layout.size() <= limit.get()).unwrap_or(true);
        // SAFETY: the caller's layout.
        if has_room { unsafe { System.alloc(layout) } } else { std::ptr::null_mut() }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's block, which is the system allocator's.
        unsafe { System.dealloc(block, layout) }
    }
}

/// Bytes that values of a test need at the least.
const LARGE: usize = 1 << 17;

fn within<T>(limit: usize, run: impl FnOnce() -> T) -> T {
    LIMIT.set(limit);
    let result = run();
    LIMIT.set(usize::MAX);
    result
}

/// Fails wherever memory ends, and succeeds with enough of it.
fn survives<T, E: std::fmt::Debug + PartialEq>(name: &str, starved: E, run: impl Fn() -> Result<T, E>) {
    let mut limit = LARGE / 64;
    while limit < 16 * LARGE {
        if let Err(error) = within(limit, || run().map(drop)) {
            assert_eq!(error, starved, "{name} within {limit} bytes");
        }
        limit *= 2;
    }
    assert!(within(LARGE / 64, || run().is_err()), "{name} needs no memory");
    assert!(run().is_ok(), "{name} with enough memory: {:?}", run().err());
}

#[test]
fn every_function_of_buffer_is_fallible() {
    let (text, bytes) = ("x".repeat(LARGE), vec![7u8; LARGE]);
    survives("text", OutOfMemory, || buffer::text(&text));
    survives("owned_text", OutOfMemory, || buffer::owned_text((&*text).into()));
    survives("bytes", OutOfMemory, || buffer::bytes(&bytes));
    survives("owned_bytes", OutOfMemory, || buffer::owned_bytes((&*bytes).into()));
    survives("append", OutOfMemory, || buffer::append(&mut String::new(), &text));
    survives("append_hex", OutOfMemory, || buffer::append_hex(&mut String::new(), &bytes));
    survives("afford", OutOfMemory, || buffer::afford(LARGE));
    survives("push", OutOfMemory, || {
        let mut list = Vec::new();
        (0..LARGE as u64 / 8).try_for_each(|item| buffer::push(&mut list, item))
    });
    survives("extend", OutOfMemory, || Buffer::new().extend(&bytes));
}

/// A text of `LARGE` bytes: repetitions of `part` between `begin` and `end`.
fn repeated(begin: &str, part: &str, end: &str) -> String {
    [begin, &part.repeat(LARGE / part.len()), end].concat()
}

#[test]
fn large_values_are_decoded_under_every_limit() {
    let quoted = repeated("{\"", "a\\\\b\\\"", "\"}");
    let texts = [
        ("text[]", None, repeated("[", "\"a\\\"b\",", "null]")),
        ("text[]", None, repeated("[\"", "a\\\"b", "\"]")),
        ("text[]", None, quoted.clone()),
        ("text[]", Some(Format::Comma), repeated("", "a,", "b")),
        ("bigint[]", None, repeated("[", "[1],", "[2]]")),
        ("jsonb[]", None, repeated("[", "{\"a\": \"b\"},", "null]")),
        ("bytea[]", None, repeated("[\"", "ab", "\"]")),
        ("int4multirange", None, repeated("{", "[1,5),", "[7,9)}")),
        ("bytea", Some(Format::Hex), repeated("", "0a", "")),
        ("bytea", Some(Format::Base64), repeated("", "AAAA", "")),
    ];
    for (pg_type, format, text) in &texts {
        let decoder = Decoder::new(&PgType::parse(pg_type), *format, &Timezone::UTC);
        survives(&format!("{pg_type} {format:?}"), InvalidValue::from(OutOfMemory), || {
            decoder.decode(Cell::Text(text.as_bytes()))
        });
    }
}

#[test]
fn large_values_are_written_under_every_limit() {
    let (text, bytes) = (repeated("", "\"é\"", ""), vec![0xABu8; LARGE]);
    survives("hex", OutOfMemory, || encode::hex(&bytes));
    survives("texts", OutOfMemory, || canonical::json_array([Native::Text((&*text).into()), Native::Null]));
    survives("blobs", OutOfMemory, || canonical::json_array([Native::Bytes((&*bytes).into())]));
    survives("numbers", OutOfMemory, || canonical::json_array((0..LARGE as i64 / 8).map(Native::Integer)));
    survives("an owned text", OutOfMemory, || CellBuf::Text((&*text).into()).try_into_owned());
    survives("an owned blob", OutOfMemory, || CellBuf::Blob((&*bytes).into()).try_into_owned());
}

#[test]
fn keys_of_changed_rows_are_kept_under_every_limit() {
    let text = "x".repeat(LARGE);
    survives("a large key", OutOfMemory, || {
        ChangedKeys::default().insert_values(&[Native::Text((&*text).into())])
    });
    survives("many keys", OutOfMemory, || {
        let mut keys = ChangedKeys::default();
        (0..LARGE as i64 / 8).try_for_each(|rowid| keys.insert_rowid(rowid).map(drop))
    });
}
