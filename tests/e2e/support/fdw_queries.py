"""The queries of the differential suite: foreign/queries/*.txt, a file for each trap. A line is EXPECTATIONS | QUERY.

EXPECTATIONS, separated by blanks: `where order limit agg join semi distinct` must be SQLite's work, `-where` … must not be;
`o` says that the order of the rows is total and compared. What has none is compared only.
"""

from harness import ROOT

FILES = sorted((ROOT / "tests/e2e/foreign/queries").glob("*.txt"))


def queries():
    """Group, expectations and text of every query."""
    for file in FILES:
        for line in file.read_text().splitlines():
            expectations, query = line.split("|", 1)
            yield file.stem, expectations.split(), query.strip()
