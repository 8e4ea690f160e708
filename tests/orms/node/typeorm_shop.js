"use strict";
/* The shop in TypeORM. */

require("reflect-metadata");
const { DataSource, EntitySchema, Between, ILike, In, IsNull, LessThan, MoreThan } = require("typeorm");
const rows = require("./rows");

// A `datetime` is written in UTC into SQLite; node-postgres reads a `timestamp` in the process' own zone.
process.env.TZ = "UTC";
// The target, known before the models: `SOCKET DATABASE` is PostgreSQL's.
const POSTGRES = process.argv[3].includes(" ");
// Both drivers give other types than the models have: numbers or texts.
const decimal = { to: (value) => value, from: (value) => (value === null ? null : Number(value)) };
const bigint = { to: (value) => value, from: (value) => BigInt(value) };

const User = new EntitySchema({
  name: "User",
  tableName: "users",
  columns: {
    id: { type: Number, primary: true, generated: "increment" },
    email: { type: String, unique: true },
    name: { type: String, length: 100, default: "anon" },
    isActive: { type: Boolean, default: true },
    balance: { type: "decimal", precision: 12, scale: 2, default: 0, transformer: decimal },
    score: { type: "double precision" },
    level: { type: "int", default: 0 },
    big: { type: "bigint", transformer: bigint },
    status: { type: "simple-enum", enum: ["active", "suspended", "invited"], default: "active" },
    settings: { type: POSTGRES ? "jsonb" : "simple-json", nullable: true },
    createdAt: { createDate: true, type: Date },
    birthday: { type: "date", nullable: true },
    token: { type: "uuid", unique: true },
  },
  indices: [{ columns: ["status", "isActive"] }],
});

const Post = new EntitySchema({
  name: "Post",
  tableName: "posts",
  columns: {
    id: { type: Number, primary: true, generated: true },
    authorId: { type: Number },
    parentId: { type: Number, nullable: true },
    title: { type: String, length: 200 },
    body: { type: "text" },
    published: { type: Boolean, default: false },
    tags: { type: "simple-json" },
    rating: { type: "decimal", precision: 3, scale: 1, nullable: true, transformer: decimal },
  },
  relations: {
    author: { type: "many-to-one", target: "User", joinColumn: { name: "authorId" }, onDelete: "CASCADE" },
    parent: { type: "many-to-one", target: "Post", joinColumn: { name: "parentId" } },
  },
});

const Event = new EntitySchema({
  name: "Event",
  tableName: "events",
  columns: {
    id: { type: Number, primary: true, generated: true },
    kind: { type: String },
    userId: { type: Number, nullable: true },
    payload: { type: "json" },
    onDate: { type: "date" },
    at: { type: Date, nullable: true },
  },
  relations: { user: { type: "many-to-one", target: "User", joinColumn: { name: "userId" } } },
});

const Attachment = new EntitySchema({
  name: "Attachment",
  tableName: "attachments",
  columns: {
    id: { type: "uuid", primary: true, generated: "uuid" },
    postId: { type: Number },
    filename: { type: String },
    data: { type: POSTGRES ? "bytea" : "blob" },
    size: { type: "bigint", transformer: bigint },
  },
  relations: { post: { type: "many-to-one", target: "Post", joinColumn: { name: "postId" } } },
});

const MODELS = { users: User, posts: Post, events: Event, attachments: Attachment };

/** A command over the repositories of the models, by table. */
const command = (work) => async ({ file, socket, database }) => {
  const entities = Object.values(MODELS);
  const source = new DataSource(
    file
      ? { type: "better-sqlite3", database: file, entities }
      : { type: "postgres", host: socket, database, username: "postgres", uuidExtension: "pgcrypto", entities },
  );
  await source.initialize();
  try {
    return await work(Object.fromEntries(Object.entries(MODELS).map(([table, model]) => [table, source.getRepository(model)])), source);
  } finally {
    await source.destroy();
  }
};

const make = command((_, source) => source.synchronize());

const fill = command(async (repositories) => {
  for (const [table, repository] of Object.entries(repositories)) await repository.insert(rows.TABLES[table]);
});

const read = command(async (repositories) => {
  const found = {};
  for (const [table, repository] of Object.entries(repositories)) found[table] = rows.shownRows(table, await repository.find({ order: { id: "ASC" } }));
  return found;
});

const insert = command(async (repositories) => {
  for (const [table, repository] of Object.entries(repositories)) await repository.save(rows.NEW[table]);
});

const query = command(async ({ users, posts, events, attachments }) => {
  const first = rows.TABLES.users[3];
  const active = await posts.find({
    where: { author: { status: "active" }, parent: { published: true } },
    relations: { author: true, parent: true },
    order: { id: "ASC" },
  });
  const statuses = await users.createQueryBuilder("u").select("u.status", "status").addSelect("COUNT(*)", "n").groupBy("u.status").orderBy("MIN(u.id)").getRawMany();
  const birthdays = await users.find({ order: { birthday: { direction: "ASC", nulls: "LAST" }, id: "DESC" }, take: 12 });
  return [
    await users.countBy({ isActive: true }),
    await users.countBy({ createdAt: LessThan(first.createdAt) }),
    await events.countBy({ onDate: Between("2024-03-05", "2024-03-15"), at: IsNull() }),
    await users.countBy({ balance: MoreThan(0) }),
    (await users.findOneByOrFail({ token: first.token })).email,
    await users.countBy({ status: In(["active", "invited"]) }),
    active.map((post) => [post.id, post.author.email, post.parent.title]),
    statuses.map((row) => `${row.status} ${row.n}`),
    birthdays.map((user) => user.id),
    [await attachments.maximum("size"), await users.sum("level")],
    await users.countBy({ email: ILike("USER1%") }),
  ].map(rows.shown);
});

/** What `synchronize` would do, by column; keys and indexes by the statement. */
const check = command(async (_, source) => {
  const { upQueries } = await source.driver.createSchemaBuilder().log();
  return Object.fromEntries(upQueries.map(({ query }) => [query.replace(/^ALTER TABLE "(\w+)" (?:ALTER COLUMN|DROP COLUMN|ADD) "(\w+)".*/, "$1.$2"), query]));
});

rows.main({ make, fill, read, insert, query, check });
