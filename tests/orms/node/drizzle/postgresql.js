"use strict";
/* The tables in PostgreSQL. */

const {
  pgTable, pgEnum, bigint, boolean, customType, date, doublePrecision, index, integer, jsonb, numeric, text, timestamp, uuid, varchar,
} = require("drizzle-orm/pg-core");

const id = () => integer().primaryKey().generatedAlwaysAsIdentity();
const bytea = customType({ dataType: () => "bytea" });
const status = pgEnum("status", ["active", "suspended", "invited"]);
const users = pgTable("users", {
  id: id(),
  email: varchar({ length: 255 }).notNull().unique(),
  name: varchar({ length: 100 }).notNull().default("anon"),
  isActive: boolean().notNull().default(true),
  balance: numeric({ precision: 12, scale: 2 }).notNull(),
  score: doublePrecision().notNull(),
  level: integer().notNull().default(0),
  big: bigint({ mode: "bigint" }).notNull(),
  status: status().notNull().default("active"),
  settings: jsonb(),
  createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
  birthday: date(),
  token: uuid().notNull().unique().defaultRandom(),
});
const posts = pgTable("posts", {
  id: id(),
  authorId: integer().notNull().references(() => users.id),
  parentId: integer().references(() => posts.id),
  title: varchar({ length: 200 }).notNull(),
  body: text().notNull(),
  published: boolean().notNull(),
  tags: text().array().notNull(),
  rating: numeric({ precision: 3, scale: 1 }),
}, (table) => [index("posts_author_idx").on(table.authorId)]);
const events = pgTable("events", {
  id: id(),
  kind: varchar({ length: 10 }).notNull(),
  userId: integer().references(() => users.id),
  payload: jsonb().notNull(),
  onDate: date().notNull(),
  at: timestamp({ withTimezone: true }),
});
const attachments = pgTable("attachments", {
  id: uuid().primaryKey().defaultRandom(),
  postId: integer().notNull().references(() => posts.id, { onDelete: "cascade" }),
  filename: text().notNull(),
  data: bytea().notNull(),
  size: bigint({ mode: "number" }).notNull(),
});

module.exports = { status, users, posts, events, attachments };
