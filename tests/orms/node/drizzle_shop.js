"use strict";
/* The shop in Drizzle: tables of its own for each database, and drizzle-kit's push. */

const { and, asc, avg, between, count, desc, eq, gt, inArray, like, lt, max, min, relations, sql, sum } = require("drizzle-orm");
const kit = require("drizzle-kit/api");
const rows = require("./rows.js");

/** Calls with the database and its tables. */
async function withDatabase(target, run) {
  const tables = require(target.file ? "./drizzle/sqlite.js" : "./drizzle/postgresql.js");
  const author = relations(tables.posts, ({ one }) => ({ author: one(tables.users, { fields: [tables.posts.authorId], references: [tables.users.id] }) }));
  const schema = { ...tables, author };
  if (target.file) {
    const { drizzle } = require("drizzle-orm/better-sqlite3");
    return run(drizzle(target.file, { schema }), tables);
  }
  const { drizzle } = require("drizzle-orm/node-postgres");
  const db = drizzle({ connection: { host: target.socket, database: target.database, user: "postgres" }, schema });
  try {
    return await run(db, tables);
  } finally {
    await db.$client.end();
  }
}

/** What `drizzle-kit push` would run; it shows its progress on stdout, where the result belongs. */
async function push(target, db, tables) {
  const { write } = process.stdout;
  process.stdout.write = process.stderr.write.bind(process.stderr);
  try {
    return (await (target.file ? kit.pushSQLiteSchema(tables, db) : kit.pushSchema(tables, db, ["public"]))).statementsToExecute;
  } finally {
    process.stdout.write = write;
  }
}

const given = (table, row) => (table === "attachments" ? { ...row, size: Number(row.size) } : row);
/** A decimal is a text, with trailing zeros in PostgreSQL alone. */
const decimal = (text) => text && Number(text);

async function make(target) {
  await withDatabase(target, async (db, tables) => {
    for (const statement of await push(target, db, tables)) await db[target.file ? "run" : "execute"](sql.raw(statement));
  });
}

async function fill(target) {
  await withDatabase(target, async (db, tables) => {
    for (const table of Object.keys(rows.TABLES)) await db.insert(tables[table]).values(rows.TABLES[table].map((row) => given(table, row)));
  });
}

function read(target) {
  return withDatabase(target, async (db, tables) => {
    const found = {};
    for (const table of Object.keys(rows.TABLES)) {
      const all = await db.select().from(tables[table]).orderBy(asc(tables[table].id));
      found[table] = rows.shownRows(table, all.map((row) => ({ ...row, balance: decimal(row.balance), rating: decimal(row.rating) })));
    }
    return found;
  });
}

async function insert(target) {
  await withDatabase(target, async (db, tables) => {
    for (const table of Object.keys(rows.TABLES)) await db.insert(tables[table]).values(given(table, rows.NEW[table]));
  });
}

function query(target) {
  return withDatabase(target, async (db, { users, posts, events, attachments }) => {
    const known = rows.TABLES.users;
    const replied = await db.query.posts.findMany({ columns: { id: true }, with: { author: { columns: { email: true } } }, limit: 5, orderBy: asc(posts.id) });
    const joined = await db.select({ id: posts.id, email: users.email }).from(posts).innerJoin(users, eq(posts.authorId, users.id)).where(eq(users.status, "active")).orderBy(posts.id);
    const grouped = await db.select({ status: users.status, number: count(), score: avg(users.score) }).from(users).groupBy(users.status);
    const ordered = await db.select({ id: posts.id }).from(posts).orderBy(sql`${posts.rating} desc nulls first`, posts.id).limit(20).offset(5);
    const [sums] = await db.select({ max: max(attachments.size), sum: sum(attachments.size) }).from(attachments);
    const [balances] = await db.select({ min: min(users.balance), number: count() }).from(users).where(gt(users.balance, "0"));
    return [
      await db.$count(users, eq(users.isActive, true)),
      await db.$count(users, lt(users.createdAt, known[3].createdAt)),
      await db.$count(events, between(events.onDate, "2024-03-05", "2024-03-10")),
      [decimal(balances.min), balances.number],
      await db.$count(users, eq(users.token, known[2].token)),
      await db.$count(users, and(inArray(users.status, ["active", "invited"]), eq(users.isActive, true))),
      replied.map((post) => [post.id, post.author.email]),
      joined.map((post) => [post.id, post.email]),
      grouped.map((group) => [group.status, group.number, Number(group.score)]).sort(),
      ordered.map((post) => post.id),
      [sums.max, sums.sum],
      await db.$count(posts, like(posts.title, "%st 1%")),
      await db.$count(events, sql`cast(${events.payload} ->> 'n' as integer) = 3`),
    ].map(String);
  });
}

function check(target) {
  return withDatabase(target, (db, tables) => push(target, db, tables));
}

rows.main({ make, fill, read, insert, query, check });
