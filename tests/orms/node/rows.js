"use strict";
/* The shop's rows, the same for every ORM of Node (those of Python: ../rows.py), and how they are shown: a value by its type and its representation. */

const { createHash } = require("node:crypto");

/** A UUID that depends on the text alone. */
function uuid(text) {
  const hex = createHash("sha1").update(text).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

const range = (from, to) => Array.from({ length: to - from + 1 }, (_, n) => from + n);
const DAY = Date.UTC(2024, 1, 29);

const users = range(1, 24).map((n) => ({
  id: n,
  email: `user${n}@example.com`,
  name: ["Ann", "Björn", "", "O'Neill", "猫", "🙂"][n % 6],
  isActive: n % 3 !== 0,
  balance: ["12.50", "-0.01", "0", "9999999999.99"][n % 4],
  score: [0.15, 1e-7, -2.5, 1e15][n % 4],
  level: [0, 2 ** 31 - 1, -(2 ** 31)][n % 3],
  big: [0n, 2n ** 62n, -(2n ** 62n)][n % 3],
  status: ["active", "suspended", "invited"][n % 3],
  settings: [{ a: [1, null] }, [], { text: "ü", b: { c: 1.5 } }, null][n % 4],
  createdAt: [Date.UTC(2024, 0, 1, 12, 30, 45, 123), -1000, 0, Date.UTC(9999, 11, 31, 23, 59)].map((ms) => new Date(ms))[n % 4],
  birthday: ["2024-02-29", "1899-12-31", null][n % 3],
  token: uuid(`user ${n}`),
}));
const posts = range(1, 40).map((n) => ({
  id: n,
  authorId: (n % 24) + 1,
  parentId: Math.floor(n / 2) || null,
  title: `Post ${n}`,
  body: "Zeile\n".repeat(n),
  published: n % 2 === 0,
  tags: [["a", "b"], [], ["[", ","]][n % 3],
  rating: ["4.5", null, "0.1"][n % 3],
}));
const events = range(1, 30).map((n) => ({
  id: n,
  kind: ["login", "logout", "error"][n % 3],
  userId: [(n % 24) + 1, null][n % 2],
  payload: { n },
  onDate: new Date(DAY + n * 86_400_000).toISOString().slice(0, 10),
  at: [new Date(DAY + n * 1001), null][n % 2],
}));
const attachments = range(1, 15).map((n) => ({
  id: uuid(`attachment ${n}`),
  postId: n,
  filename: `${n}.bin`,
  data: Buffer.from(range(0, n)),
  size: BigInt(n) * 10n ** 9n,
}));
const TABLES = { users, posts, events, attachments };
/** A row more for every table, whose number the database gives. */
const NEW = {
  users: { ...users[0], id: undefined, email: "new@example.com", token: uuid("new user") },
  posts: { ...posts[2], id: undefined, authorId: 1, parentId: 40 },
  events: { ...events[0], id: undefined },
  attachments: { ...attachments[0], id: uuid("new attachment") },
};

/** Objects in the order of their keys, which jsonb does not keep; bytes and times by what they hold. */
function shown(value) {
  if (value === null || value === undefined) return "null";
  if (value instanceof Date) return `Date ${value.toISOString()}`;
  if (Buffer.isBuffer(value) || value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString("hex")}`;
  if (typeof value === "object") return JSON.stringify(sorted(value));
  return `${typeof value} ${value}`;
}

function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));
}

/** The rows of a table as [`shown`], by the columns that the shop has. */
function shownRows(table, rows) {
  const columns = Object.keys(TABLES[table][0]);
  return rows.map((row) => Object.fromEntries(columns.map((column) => [column, shown(row[column])])));
}

/** `PROGRAM COMMAND TARGET` runs one of the commands, and prints what it gives as JSON. A target is a file of SQLite's, or `SOCKET DATABASE`. */
async function main(commands) {
  const [command, target] = process.argv.slice(2);
  const [socket, database] = target.split(" ");
  const result = await commands[command](database === undefined ? { file: target } : { socket, database });
  if (result !== undefined) console.log(JSON.stringify(result));
}

module.exports = { TABLES, NEW, shown, shownRows, main };
