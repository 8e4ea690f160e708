"""SQL for scenarios, through psycopg: scripts run statement by statement, each in a transaction of its own unless the script
says BEGIN. Values are text, as the server prints them: how they are printed is part of what is tested, and session settings
rotate (rotation.py).

An error is a psycopg.Error with its Diagnostic. `fails` expects one; `attempt` takes whatever comes as data.
"""

import concurrent.futures
import contextlib
import dataclasses
import os
import pathlib
import re

import pglast
import psycopg
from psycopg.pq import ExecStatus

# Seconds that a statement may take; only so that a hang ends, nothing is measured with it.
TIMEOUT = 300
# The last line of DETAIL where an import fails after it has begun.
SUMMARY = re.compile(r"(?:^|\n)(The import failed after \d+\.\d\d s .*)\Z", re.S)
# The server went away in the middle: libpq reports that, and the FATAL before it, without an SQLSTATE.
CONNECTION_LOST = "08006"


@dataclasses.dataclass(frozen=True)
class Message:
    """A NOTICE or an error: the fields of its Diagnostic, which itself lives only as long as the server's answer."""

    severity: str
    sqlstate: str
    message: str
    detail: str
    hint: str
    context: str
    place: str
    # Of an import that failed, taken out of `detail`.
    summary: str = ""

    @staticmethod
    def of(diagnostic):
        detail, summary, *_ = [*SUMMARY.split(diagnostic.message_detail or ""), ""]
        place = f"{diagnostic.source_function}, {diagnostic.source_file}:{diagnostic.source_line}"
        return Message(diagnostic.severity, diagnostic.sqlstate, diagnostic.message_primary or "", detail,
                       diagnostic.message_hint or "", diagnostic.context or "", place, summary)

    @staticmethod
    def of_error(error):
        if error.diag.sqlstate is None:
            return Message("FATAL", CONNECTION_LOST, str(error), "", "", "", "")
        return Message.of(error.diag)

    def __str__(self):
        return f"{self.severity}:  {self.sqlstate}: {self.message}\nDETAIL:  {self.detail}\nHINT:  {self.hint}"


@dataclasses.dataclass(frozen=True)
class Result:
    """What a script said: the rows of all its statements, its notices, and the error that ended it."""

    rows: tuple
    notices: tuple
    error: Message | None = None

    @property
    def out(self):
        """The rows as `psql -At` prints them."""
        return "".join("|".join("" if cell is None else cell for cell in row) + "\n" for row in self.rows)

    @property
    def told(self):
        """The notices as one text."""
        return "\n".join(map(str, self.notices))

    def failed(self, sqlstates, message, hint=""):
        """Asserts on the error, as `fails` does."""
        assert self.error, f"no error, but {self.out[:300]!r}"
        sqlstates = (sqlstates,) if isinstance(sqlstates, str) else sqlstates
        assert self.sqlstate in sqlstates, f"expected {' or '.join(sqlstates)}, got {self.error}"
        assert re.search(message, self.message + "\n" + self.detail, re.I), f"message lacks {message!r}: {self.error}"
        assert re.search(hint, self.hint, re.I), f"hint lacks {hint!r}: {self.error}"
        return self

    @property
    def sqlstate(self):
        return self.error and self.error.sqlstate

    @property
    def message(self):
        return self.error.message if self.error else ""

    @property
    def detail(self):
        return self.error.detail if self.error else ""

    @property
    def hint(self):
        return self.error.hint if self.error else ""


@dataclasses.dataclass(frozen=True)
class CopyIn:
    """A statement that takes its rows from the client: COPY … FROM STDIN."""

    target: str
    text: str


class Failure:
    """The result of what was expected to fail; its fields can be read once it has come."""

    result = None

    def __getattr__(self, field):
        return getattr(self.result, field)


@contextlib.contextmanager
def fails(sqlstates, message, hint=""):
    """Expects an error with one of the SQLSTATEs, and patterns that its message (with DETAIL) and its HINT must show."""
    failure = Failure()
    try:
        yield failure
    except psycopg.Error as raised:
        failure.result = raised.result.failed(sqlstates, message, hint)
    else:
        raise AssertionError(f"no error, where {sqlstates} with {message!r} was expected")


def statements(script):
    """The statements of a script, told apart by PostgreSQL's own scanner."""
    return [script] if isinstance(script, CopyIn) else pglast.split(script, with_parser=False)


class Session:
    """One connection, and its backend's process."""

    def __init__(self, server, database, user="postgres"):
        self.connection = psycopg.connect(host=server.socket, port=5432, user=user, dbname=database, autocommit=True,
                                          client_encoding="UTF8", prepare_threshold=None)
        self.connection.add_notice_handler(self.take_notice)
        self.notices = []
        self.pid = self.connection.info.backend_pid
        self.worker = concurrent.futures.ThreadPoolExecutor(1)
        self.pending = None

    def take_notice(self, diagnostic):
        self.notices.append(Message.of(diagnostic))

    def execute(self, script):
        """Runs a script, or a list of statements (some of them CopyIn), up to the first error."""
        self.notices = notices = []
        rows = []
        try:
            for statement in script if isinstance(script, list) else statements(script):
                rows += self.rows_of(statement)
        except psycopg.Error as error:
            error.result = Result(tuple(rows), tuple(notices), Message.of_error(error))
            raise
        return Result(tuple(rows), tuple(notices))

    def rows_of(self, statement):
        if isinstance(statement, CopyIn):
            with self.connection.cursor().copy(f"COPY {statement.target} FROM STDIN") as copy:
                copy.write(statement.text)
            return []
        cursor = self.connection.execute(statement.encode(self.encoding()))
        answer = cursor.pgresult
        if answer.status != ExecStatus.TUPLES_OK:
            return []
        decode = lambda cell: None if cell is None else cell.decode(self.encoding(), "surrogateescape")  # noqa: E731
        return [tuple(decode(answer.get_value(row, column)) for column in range(answer.nfields)) for row in range(answer.ntuples)]

    def encoding(self):
        """The client encoding, as Python calls it. In SQL_ASCII bytes are bytes: scenarios write UTF-8."""
        encoding = self.connection.info.encoding
        return "utf-8" if encoding == "ascii" else encoding

    def send(self, script):
        """Starts a script without waiting for it."""
        assert self.pending is None, "what was sent before has not been waited for"
        self.pending = self.worker.submit(self.execute, script)

    def running(self):
        """What was sent has not ended yet."""
        return not self.pending.done()

    def wait(self, timeout=TIMEOUT):
        """What has come of what was sent."""
        pending, self.pending = self.pending, None
        try:
            return pending.result(timeout)
        except concurrent.futures.TimeoutError:
            self.connection.cancel()
            raise AssertionError(f"no answer within {timeout} s") from None

    def run(self, script, timeout=TIMEOUT):
        self.send(script)
        return self.wait(timeout)

    def value(self, query, timeout=TIMEOUT):
        """As `psql -At` prints it."""
        return self.run(query, timeout).out.strip()

    def attempt(self, script, timeout=TIMEOUT):
        """As `run`, with an error as part of the result."""
        self.send(script)
        return self.attempted(timeout)

    def attempted(self, timeout=TIMEOUT):
        """As `wait`, with an error as part of the result."""
        try:
            return self.wait(timeout)
        except psycopg.Error as error:
            return error.result

    def copy_out(self, query):
        """The rows of a query in COPY's text form, as bytes."""
        with self.connection.cursor().copy(f"COPY ({query}) TO STDOUT") as copy:
            return b"".join(map(bytes, copy))

    def close(self):
        if self.pending is not None and not self.pending.done():
            with contextlib.suppress(psycopg.Error):
                self.connection.cancel()
            concurrent.futures.wait([self.pending], 10)
        self.worker.shutdown(wait=False)
        self.connection.close()

    # The backend's process

    def open_files(self, below):
        """Files below a directory that the backend has open."""
        found = []
        for link in pathlib.Path(f"/proc/{self.pid}/fd").iterdir():
            try:
                target = os.readlink(link)
            except OSError:
                continue
            if target.startswith(str(below)):
                found.append(target)
        return found

    def threads(self):
        return len(os.listdir(f"/proc/{self.pid}/task"))

    def private_memory(self):
        """Bytes that are the backend's own: the shared buffers it touched do not count."""
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"RssAnon:\s+(\d+)", status).group(1)) * 1024
