"use strict";
/* The tables in SQLite, which has no types for most of what they hold: a column's mode says it. */

const { randomUUID } = require("node:crypto");
const { sql } = require("drizzle-orm");
const { sqliteTable, blob, index, integer, numeric, real, text } = require("drizzle-orm/sqlite-core");

const id = () => integer().primaryKey({ autoIncrement: true });
const users = sqliteTable("users", {
  id: id(),
  email: text({ length: 255 }).notNull().unique(),
  name: text({ length: 100 }).notNull().default("anon"),
  isActive: integer({ mode: "boolean" }).notNull().default(true),
  balance: numeric().notNull(),
  score: real().notNull(),
  level: integer().notNull().default(0),
  big: blob({ mode: "bigint" }).notNull(),
  status: text({ enum: ["active", "suspended", "invited"] }).notNull().default("active"),
  settings: text({ mode: "json" }),
  createdAt: integer({ mode: "timestamp_ms" }).notNull().default(sql`(unixepoch() * 1000)`),
  birthday: text(),
  token: text().notNull().unique().$defaultFn(randomUUID),
});
const posts = sqliteTable("posts", {
  id: id(),
  authorId: integer().notNull().references(() => users.id),
  parentId: integer().references(() => posts.id),
  title: text({ length: 200 }).notNull(),
  body: text().notNull(),
  published: integer({ mode: "boolean" }).notNull(),
  tags: text({ mode: "json" }).notNull(),
  rating: numeric(),
}, (table) => [index("posts_author_idx").on(table.authorId)]);
const events = sqliteTable("events", {
  id: id(),
  kind: text({ length: 10 }).notNull(),
  userId: integer().references(() => users.id),
  payload: text({ mode: "json" }).notNull(),
  onDate: text().notNull(),
  at: integer({ mode: "timestamp_ms" }),
});
const attachments = sqliteTable("attachments", {
  id: text().primaryKey().$defaultFn(randomUUID),
  postId: integer().notNull().references(() => posts.id, { onDelete: "cascade" }),
  filename: text().notNull(),
  data: blob({ mode: "buffer" }).notNull(),
  size: integer().notNull(),
});

module.exports = { users, posts, events, attachments };
