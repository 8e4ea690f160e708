"use strict";
/* The shop in Knex, with the models of Objection. */

const knex = require("knex");
const { Model, raw, ref } = require("objection");
const pg = require("pg");
const rows = require("./rows");

// As the application wants them; node-postgres gives texts, and midnights of local time for dates.
pg.types.setTypeParser(pg.types.builtins.NUMERIC, Number);
pg.types.setTypeParser(pg.types.builtins.INT8, BigInt);
pg.types.setTypeParser(pg.types.builtins.DATE, String);

const date = (value) => new Date(value);

class Row extends Model {
  /** What SQLite has no type for. */
  static converted = {};

  $parseDatabaseJson(json) {
    const row = super.$parseDatabaseJson(json);
    for (const [column, convert] of Object.entries(this.constructor.converted)) if (row[column] !== null && row[column] !== undefined) row[column] = convert(row[column]);
    return row;
  }
}

class User extends Row {
  static tableName = "users";
  static jsonAttributes = ["settings"];
  static converted = { isActive: Boolean, big: BigInt, createdAt: date };
}

class Post extends Row {
  static tableName = "posts";
  static jsonAttributes = ["tags"];
  static converted = { published: Boolean };
  static relationMappings = {
    author: { relation: Model.BelongsToOneRelation, modelClass: User, join: { from: "posts.authorId", to: "users.id" } },
    parent: { relation: Model.BelongsToOneRelation, modelClass: Post, join: { from: "posts.parentId", to: "posts.id" } },
  };
}

class Event extends Row {
  static tableName = "events";
  static jsonAttributes = ["payload"];
  static converted = { at: date };
}

class Attachment extends Row {
  static tableName = "attachments";
  static converted = { size: BigInt };
}

const MODELS = { users: User, posts: Post, events: Event, attachments: Attachment };

const migration = {
  async up(db) {
    await db.schema.createTable("users", (t) => {
      t.increments();
      t.string("email").notNullable().unique();
      t.string("name", 100).notNullable().defaultTo("anon");
      t.boolean("isActive").notNullable().defaultTo(true);
      t.decimal("balance", 12, 2).notNullable().defaultTo(0);
      t.double("score").notNullable();
      t.integer("level").notNullable().defaultTo(0);
      t.bigInteger("big").notNullable();
      t.enu("status", ["active", "suspended", "invited"], { useNative: true, enumName: "user_status" }).notNullable().defaultTo("active");
      t.json("settings");
      t.timestamp("createdAt").notNullable().defaultTo(db.fn.now());
      t.date("birthday");
      t.uuid("token").notNullable().unique();
      t.index(["status", "isActive"]);
    });
    await db.schema.createTable("posts", (t) => {
      t.increments();
      t.integer("authorId").notNullable().references("users.id").onDelete("CASCADE").index();
      t.integer("parentId").references("posts.id");
      t.string("title", 200).notNullable();
      t.text("body").notNullable();
      t.boolean("published").notNullable().defaultTo(false);
      t.jsonb("tags").notNullable();
      t.decimal("rating", 3, 1);
    });
    await db.schema.createTable("events", (t) => {
      t.increments();
      t.string("kind", 10).notNullable();
      t.integer("userId").references("users.id").onDelete("SET NULL");
      t.jsonb("payload").notNullable();
      t.date("onDate").notNullable();
      t.timestamp("at");
    });
    await db.schema.createTable("attachments", (t) => {
      t.uuid("id").primary().defaultTo(db.fn.uuid());
      t.integer("postId").notNullable().references("posts.id");
      t.string("filename").notNullable();
      t.binary("data").notNullable();
      t.bigInteger("size").notNullable();
    });
  },
  async down() {},
};
const migrations = { getMigrations: async () => ["shop"], getMigrationName: (name) => name, getMigration: async () => migration };

/** A command over the database. */
const command = (work) => async ({ file, socket, database }) => {
  const db = file
    ? knex({ client: "better-sqlite3", connection: { filename: file }, useNullAsDefault: true })
    : knex({ client: "pg", connection: { host: socket, database, user: "postgres" } });
  Model.knex(db);
  try {
    return await work(db);
  } finally {
    await db.destroy();
  }
};

const make = command(async (db) => void (await db.migrate.latest({ migrationSource: migrations })));

const fill = command(async (db) => {
  for (const [table, model] of Object.entries(MODELS)) for (const row of rows.TABLES[table]) await model.query().insert(row);
});

const read = command(async () => {
  const found = {};
  for (const [table, model] of Object.entries(MODELS)) found[table] = rows.shownRows(table, await model.query().orderBy("id"));
  return found;
});

const insert = command(async () => {
  for (const [table, model] of Object.entries(MODELS)) await model.query().insert(rows.NEW[table]);
});

const query = command(async () => {
  const first = rows.TABLES.users[3];
  const statuses = await User.query().select("status").count("* as n").groupBy("status").orderBy(raw("min(id)"));
  const active = await Post.query().joinRelated("[author, parent]").withGraphFetched("[author, parent]").where({ "author.status": "active", "parent.published": true }).orderBy("posts.id");
  // Of SQLite, Knex asks only for the NULLs when told where they are to be.
  const birthdays = await User.query().orderBy("birthday", "asc", "last").orderBy("birthday").orderBy("id", "desc").limit(12);
  const [largest] = await Attachment.query().max("size as size");
  const [levels] = await User.query().sum("level as sum");
  return [
    await User.query().where("isActive", true).resultSize(),
    await User.query().where("createdAt", "<", first.createdAt).resultSize(),
    await Event.query().whereBetween("onDate", ["2024-03-05", "2024-03-15"]).whereNull("at").resultSize(),
    await User.query().where("balance", ">", 0).resultSize(),
    (await User.query().findOne({ token: first.token }).throwIfNotFound()).email,
    await User.query().whereIn("status", ["active", "invited"]).resultSize(),
    active.map((post) => [post.id, post.author.email, post.parent.title]),
    statuses.map((row) => `${row.status} ${row.n}`),
    birthdays.map((user) => user.id),
    [largest.size, Number(levels.sum)].map(String),
    await User.query().whereILike("email", "USER1%").resultSize(),
    await Event.query().whereJsonPath("payload", "$.n", "=", 7).resultSize(),
  ].map(rows.shown);
});

rows.main({ make, fill, read, insert, query });
