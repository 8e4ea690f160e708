"""Recomputes a manifest from the SQLite file, by the mapping in it: docs/manifest.md, with Python's standard library alone.

    sqlite_manifest.py FILE MANIFEST    prints the manifest that the file has now
"""

import collections
import json
import sqlite3
import sys

from canonical import of_file, sums
from cells import Text, canonical, means, refuse, zone_of

CLASSES = {type(None): "null", int: "integer", float: "real", Text: "text", bytes: "blob"}


class Unknown(Exception):
    """Only the server knows what this becomes."""


def value(column, cell, zone):
    """What a load makes of a cell, None for NULL. ValueError: it stops, or leaves the row out."""
    reading = column["reading"]
    if cell is not None:
        try:
            return canonical(cell, column, zone)
        except (ValueError, TypeError, ArithmeticError):
            nulls = reading.get("on_invalid") == "null" and reading.get("nullable", True)
            if not nulls and not any(means(text, cell) for text in reading.get("null_values", [])):
                raise ValueError from None
    if "null_to_default" in reading:
        raise Unknown
    return None if reading.get("nullable", True) else refuse("NULL")


def recompute(path, manifest):
    """The manifest of the file, with the mapping of this one."""
    db = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    db.text_factory = Text
    ident = lambda name: '"' + name.replace('"', '""') + '"'  # noqa: E731
    pragma = lambda name: db.execute(f"PRAGMA {name}").fetchone()[0]  # noqa: E731
    facts = {name: pragma(name) for name in ("page_size", "page_count", "user_version", "application_id")}
    tables = []
    for table in manifest["tables"]:
        columns, zone = table["columns"], zone_of(table["timezone"])
        terms = [f"({c['reading']['using']}\n)" if "using" in c["reading"] else ident(c["source"]) for c in columns]
        condition = f" WHERE ({table['where']}\n)" if "where" in table else ""
        cells = [collections.Counter() for _ in columns]
        rejected, rows = 0, []
        for row in db.execute(f"SELECT {', '.join(terms) or 'NULL'} FROM main.{ident(table['source'])}{condition}"):
            made, faults = [], []
            for column, cell in zip(columns, row):
                try:
                    made.append(value(column, cell, zone))
                except (ValueError, Unknown) as fault:
                    made.append(None)
                    faults.append((column, fault))
            if any(isinstance(fault, ValueError) and column["reading"].get("on_invalid") == "reject" for column, fault in faults):
                rejected += 1
                continue
            rows.append(made)
            for count, column, cell in zip(cells, columns, row):
                count[CLASSES[type(cell)]] += 1
                count.update("unknown" if isinstance(fault, Unknown) else "invalid" for of, fault in faults if of is column)
        of_table, of_columns = sums(columns, rows)
        made = []
        for column, count, found in zip(columns, cells, of_columns):
            kept = {key: column[key] for key in ("source", "column", "type", "form", "reading")}
            wrong = {key: count.pop(key) for key in ("invalid", "unknown") if key in count}
            made.append({**kept, "classes": dict(count), **(wrong or found)})
            of_table["checksum"] = None if wrong else of_table["checksum"]
        kept = {key: table[key] for key in ("source", "schema", "table", "where", "timezone") if key in table}
        tables.append({**kept, **of_table, "rejected": rejected, "columns": made})
    kept = {key: manifest[key] for key in ("format", "tool", "version")}
    return {**kept, "file": {"encoding": pragma("encoding").decode(), **facts}, "tables": tables, "checksum": of_file(tables)}


if __name__ == "__main__":
    print(json.dumps(recompute(sys.argv[1], json.load(open(sys.argv[2]))), ensure_ascii=False, indent=1))
