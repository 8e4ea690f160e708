"use strict";
/* The shop in MikroORM: one definition of the entities for both databases. */

const { randomUUID } = require("node:crypto");
const { defineEntity, p, raw, sql } = require("@mikro-orm/core");
const rows = require("./rows.js");

const User = defineEntity({
  name: "User",
  tableName: "users",
  properties: {
    id: p.integer().primary(),
    email: p.string().unique(),
    name: p.string().length(100).default("anon"),
    isActive: p.boolean().default(true),
    balance: p.decimal().precision(12).scale(2),
    score: p.double(),
    level: p.integer().default(0),
    big: p.bigint(),
    status: p.enum(["active", "suspended", "invited"]).nativeEnumName("status").default("active"),
    settings: p.json().nullable(),
    createdAt: p.datetime().defaultRaw("current_timestamp"),
    birthday: p.date().nullable(),
    token: p.uuid().unique().onCreate(randomUUID),
  },
});
const Post = defineEntity({
  name: "Post",
  tableName: "posts",
  properties: {
    id: p.integer().primary(),
    author: () => p.manyToOne(User).index(),
    parent: () => p.manyToOne(Post).nullable(),
    title: p.string().length(200),
    body: p.text(),
    published: p.boolean(),
    tags: p.array(),
    rating: p.decimal().precision(3).scale(1).nullable(),
  },
});
const Event = defineEntity({
  name: "Event",
  tableName: "events",
  properties: {
    id: p.integer().primary(),
    kind: p.enum(["login", "logout", "error"]),
    user: () => p.manyToOne(User).nullable(),
    payload: p.json(),
    onDate: p.date(),
    at: p.datetime().length(3).nullable(),
  },
});
const Attachment = defineEntity({
  name: "Attachment",
  tableName: "attachments",
  properties: {
    id: p.uuid().primary().onCreate(randomUUID),
    post: () => p.manyToOne(Post).deleteRule("cascade"),
    filename: p.string(),
    data: p.blob(),
    size: p.bigint(),
  },
});
const ENTITIES = { users: User, posts: Post, events: Event, attachments: Attachment };

async function withOrm(target, run) {
  const { MikroORM } = require(target.file ? "@mikro-orm/better-sqlite" : "@mikro-orm/postgresql");
  const where = target.file ? { dbName: target.file } : { host: target.socket, dbName: target.database, user: "postgres" };
  const orm = await MikroORM.init({ ...where, entities: Object.values(ENTITIES), allowGlobalContext: true, schemaGenerator: { ignoreSchema: ["sqlite_migrate"] } });
  try {
    return await run(orm);
  } finally {
    await orm.close();
  }
}

/** References are called by the entity, the columns of the shop by the key: `author`, and `authorId`. */
const REFERENCES = { authorId: "author", parentId: "parent", userId: "user", postId: "post" };
const given = (row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [REFERENCES[name] ?? name, value]));
/** A decimal is a text, with trailing zeros in PostgreSQL alone; a bigint is read from SQLite as a double. */
const decimal = (text) => text && Number(text);

async function make(target) {
  await withOrm(target, (orm) => orm.schema.updateSchema());
}

async function fill(target) {
  await withOrm(target, async ({ em }) => {
    for (const [table, entity] of Object.entries(ENTITIES)) await em.insertMany(entity, rows.TABLES[table].map(given));
  });
}

function read(target) {
  return withOrm(target, async ({ em }) => {
    const found = {};
    for (const [table, entity] of Object.entries(ENTITIES)) {
      const plain = (row) => {
        const keys = Object.entries(REFERENCES).map(([name, reference]) => [name, row[reference]?.id]);
        return { ...row, ...Object.fromEntries(keys), balance: decimal(row.balance), rating: decimal(row.rating), big: Number(row.big) };
      };
      found[table] = rows.shownRows(table, (await em.findAll(entity, { orderBy: { id: "asc" } })).map(plain));
    }
    return found;
  });
}

async function insert(target) {
  await withOrm(target, async ({ em }) => {
    for (const [table, entity] of Object.entries(ENTITIES)) em.create(entity, given(rows.NEW[table]));
    await em.flush();
  });
}

function query(target) {
  return withOrm(target, async ({ em }) => {
    const { users } = rows.TABLES;
    const joined = await em.findAll(Post, { where: { author: { status: "active" } }, populate: ["author"], orderBy: { id: "asc" } });
    const grouped = await em.qb(User).select(["status", raw("count(*) as number"), raw("avg(score) as score")]).groupBy("status").execute();
    const ordered = await em.findAll(Post, { orderBy: [{ rating: "desc nulls first" }, { id: "asc" }], limit: 20, offset: 5 });
    const [sums] = await em.qb(Attachment).select([raw("max(size) as max"), raw("sum(size) as sum")]).execute();
    const [richest] = await em.findAll(User, { where: { balance: { $gt: 0 } }, orderBy: [{ balance: "desc" }, { id: "asc" }], limit: 1 });
    return [
      await em.count(User, { isActive: true }),
      await em.count(User, { createdAt: { $lt: users[3].createdAt } }),
      await em.count(Event, { onDate: { $gte: "2024-03-05", $lte: "2024-03-10" } }),
      [richest.id, decimal(richest.balance), await em.count(User, { balance: { $gt: 0 } })],
      await em.count(User, { token: users[2].token }),
      await em.count(User, { status: { $in: ["active", "invited"] }, isActive: true }),
      joined.map((post) => [post.id, post.author.email]),
      grouped.map((group) => [group.status, Number(group.number), Number(group.score)]).sort(),
      ordered.map((post) => post.id),
      [BigInt(sums.max), BigInt(sums.sum)],
      await em.count(Post, { title: { $like: "%st 1%" } }),
      await em.count(Event, { payload: { n: 3 } }),
    ].map(String);
  });
}

/** What `schema:update --dump` prints. */
function check(target) {
  return withOrm(target, async (orm) => [await orm.schema.getUpdateSchemaSQL({ wrap: false })]);
}

rows.main({ make, fill, read, insert, query, check });
