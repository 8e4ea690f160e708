"""Files that are damaged in known ways: what happens to disks, copies and sticks, made the same every time."""

import pathlib
import random
import sqlite3
import tempfile

PAGE = 1024

SCRIPT = """
    PRAGMA page_size = 1024;
    CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, n INTEGER);
    CREATE TABLE w (a TEXT, b INTEGER, v TEXT, PRIMARY KEY (a, b DESC)) WITHOUT ROWID;
    CREATE TABLE o (id INTEGER PRIMARY KEY, big TEXT);
    CREATE TABLE other (id INTEGER PRIMARY KEY, v TEXT);
    CREATE TABLE gone (id INTEGER PRIMARY KEY, v TEXT);
    CREATE INDEX t_n ON t (n);
"""


def build(path, rows=1200):
    """Two tables of many pages, with and without rowids, one with overflow pages, a small one, an index, free pages."""
    path.unlink(missing_ok=True)
    db, chance = sqlite3.connect(path), random.Random(7)
    db.executescript(SCRIPT)
    text = lambda length: "".join(chance.choices("abcdefghij", k=length))  # noqa: E731
    db.executemany("INSERT INTO t VALUES (?, ?, ?)", [(i * 3, text(120), i % 50) for i in range(1, rows + 1)])
    db.executemany("INSERT INTO w VALUES (?, ?, ?)", [(text(2), i, text(120)) for i in range(1, rows + 1)])
    db.executemany("INSERT INTO o VALUES (?, ?)", [(i, text(3000)) for i in range(1, 31)])
    db.executemany("INSERT INTO other VALUES (?, ?)", [(i, text(20)) for i in range(1, 101)])
    db.executemany("INSERT INTO gone VALUES (?, ?)", [(i, text(200)) for i in range(1, 101)])
    db.execute("DELETE FROM gone")
    db.commit()
    db.close()


def pages(path, name, kind):
    """Page numbers of one b-tree in the order of its keys; kind is leaf, internal or overflow."""
    db = sqlite3.connect(path)
    found = db.execute("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = ? ORDER BY path", (name, kind)).fetchall()
    db.close()
    return [page for (page,) in found]


def free_pages(path):
    db = sqlite3.connect(path)
    used = {page for (page,) in db.execute("SELECT pageno FROM dbstat")}
    total = db.execute("PRAGMA page_count").fetchone()[0]
    db.close()
    return [page for page in range(1, total + 1) if page not in used]


def rows(path, table):
    """Every row as a tuple, as SQLite reads it."""
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return db.execute(f"SELECT * FROM {table}").fetchall()
    finally:
        db.close()


class Bytes:
    """A file's bytes, changed in place by pages."""

    def __init__(self, path):
        self.path, self.data = path, bytearray(path.read_bytes())

    def at(self, page):
        return (page - 1) * PAGE

    def zero(self, page, start=0, end=PAGE):
        self.data[self.at(page) + start:self.at(page) + end] = bytes(end - start)

    def fill(self, page, start, end=PAGE, byte=b"z"):
        self.data[self.at(page) + start:self.at(page) + end] = byte * (end - start)

    def noise(self, page, start=0, end=PAGE):
        self.data[self.at(page) + start:self.at(page) + end] = random.Random(page).randbytes(end - start)

    def flip(self, page, offset, mask=0xFF):
        self.data[self.at(page) + offset] ^= mask

    def swap(self, one, other):
        a, b = self.at(one), self.at(other)
        self.data[a:a + PAGE], self.data[b:b + PAGE] = self.data[b:b + PAGE], self.data[a:a + PAGE]

    def copy(self, one, over):
        a, b = self.at(one), self.at(over)
        self.data[b:b + PAGE] = self.data[a:a + PAGE]

    def cut(self, length):
        del self.data[length:]

    def write(self):
        self.path.write_bytes(self.data)


def names():
    """The names of all kinds."""
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "d.db"
        build(path)
        return list(kinds(path))


def kinds(path):
    """By name, for every kind of damage: the b-tree that it hits, and what it does to the file's bytes."""
    out = {}

    def kind(name, hits, change):
        out[name] = (hits, change)

    for name in ("t", "w"):
        leaf, internal = pages(path, name, "leaf"), pages(path, name, "internal")
        middle, last = leaf[len(leaf) // 2], leaf[-1]
        kind(f"{name}_leaf_zeroed", name, lambda b, p=middle: b.zero(p))
        kind(f"{name}_first_leaf_zeroed", name, lambda b, p=leaf[0]: b.zero(p))
        kind(f"{name}_last_leaf_zeroed", name, lambda b, p=last: b.zero(p))
        kind(f"{name}_leaf_cut", name, lambda b, p=middle: b.zero(p, 512))
        kind(f"{name}_value_changed", None, lambda b, p=middle: b.fill(p, 1000))
        kind(f"{name}_leaf_header_kept", name, lambda b, p=middle: b.zero(p, 8))
        kind(f"{name}_leaf_noise", name, lambda b, p=middle: b.noise(p))
        kind(f"{name}_leaf_cells_noise", name, lambda b, p=middle: b.noise(p, 40))
        kind(f"{name}_leaf_type_flipped", name, lambda b, p=middle: b.flip(p, 0, 0x07))
        kind(f"{name}_leaf_count_flipped", name, lambda b, p=middle: b.flip(p, 4, 0x02))
        kind(f"{name}_leaf_pointer_flipped", name, lambda b, p=middle: b.flip(p, 9, 0x40))
        kind(f"{name}_several_leaves_zeroed", name, lambda b, ps=leaf[3:60:9]: [b.zero(p) for p in ps])
        kind(f"{name}_leaves_swapped", name, lambda b, p=middle, q=leaf[2]: b.swap(p, q))
        kind(f"{name}_leaf_twice", name, lambda b, p=middle, q=leaf[5]: b.copy(p, q))
        kind(f"{name}_internal_zeroed", name, lambda b, p=internal[1]: b.zero(p))
        kind(f"{name}_internal_child_flipped", name, lambda b, p=internal[1]: b.flip(p, 11, 0x03))
        kind(f"{name}_root_zeroed", name, lambda b, p=internal[0]: b.zero(p))
        kind(f"{name}_text_flipped", None, lambda b, p=middle: b.flip(p, 1000, 0x01))
    t, w = pages(path, "t", "leaf"), pages(path, "w", "leaf")
    kind("leaves_of_two_tables_swapped", "any", lambda b, p=t[4], q=w[4]: b.swap(p, q))
    kind("another_table_s_leaf", "t", lambda b, p=pages(path, "other", "leaf")[0], q=t[4]: b.copy(p, q))
    overflow = pages(path, "o", "overflow")
    kind("overflow_zeroed", "o", lambda b, p=overflow[0]: b.zero(p))
    kind("overflow_chain_crossed", "o", lambda b, p=overflow[0], q=overflow[9]: b.swap(p, q))
    kind("overflow_out_of_the_file", "o", lambda b, p=overflow[0]: b.flip(p, 0))
    index = pages(path, "t_n", "leaf")
    kind("index_leaf_zeroed", "t_n", lambda b, p=index[3]: b.zero(p))
    kind("index_leaf_noise", "t_n", lambda b, p=index[3]: b.noise(p, 8))
    kind("index_root_zeroed", "t_n", lambda b, p=pages(path, "t_n", "internal")[0]: b.zero(p))
    kind("index_leaves_swapped", None, lambda b, p=index[1], q=index[-2]: b.swap(p, q))
    free = free_pages(path)
    kind("free_page_zeroed", None, lambda b, p=free[0]: b.zero(p))
    kind("free_pages_noise", None, lambda b, ps=free: [b.noise(p) for p in ps])
    kind("schema_cells_zeroed", "sqlite_schema", lambda b: b.zero(1, 700))
    kind("schema_page_zeroed", "sqlite_schema", lambda b: b.zero(1, 100))
    kind("file_cut_in_a_page", "any", lambda b: b.cut(len(b.data) - 300))
    kind("file_cut_by_a_byte", "any", lambda b: b.cut(len(b.data) - 1))
    kind("file_cut_by_pages", "any", lambda b: b.cut(len(b.data) - 20 * PAGE))
    return out
