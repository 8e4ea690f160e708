"use strict";
/* The shop in Prisma: a schema for each database, its query compiler and its schema engine in WebAssembly, and driver adapters. */

const { readFileSync } = require("node:fs");
const { join } = require("node:path");
const { PrismaBetterSqlite3 } = require("@prisma/adapter-better-sqlite3");
const { PrismaPg } = require("@prisma/adapter-pg");
const { bindMigrationAwareSqlAdapterFactory } = require("@prisma/driver-adapter-utils");
const { Pool, types } = require("pg");
const rows = require("./rows.js");

const MODELS = { users: "user", posts: "post", events: "event", attachments: "attachment" };
const CHAR = 18;
const UNFILTERED = { externalTables: [], externalEnums: [] };
const utc = (text) => text && new Date(`${text}T00:00:00Z`);

/** The schema engine selects columns of the catalogs that have the type "char", which the adapter has no word for. */
class CatalogPool extends Pool {
  async query(...given) {
    const result = await super.query(...given);
    for (const field of result.fields) if (field.dataTypeID === CHAR) field.dataTypeID = types.builtins.TEXT;
    return result;
  }
}

/** `timestampFormat` is the adapter's for SQLite. */
function commands(timestampFormat) {
  function adapter(target, AnyPool = Pool) {
    if (target.file) return new PrismaBetterSqlite3({ url: `file:${target.file}` }, { timestampFormat });
    return new PrismaPg(new AnyPool({ host: target.socket, database: target.database, user: "postgres", allowExitOnIdle: true }));
  }

  /** What `prisma generate` has made of the schema. */
  const client = (target) => require(`.prisma/${target.file ? "sqlite" : "postgresql"}`);

  async function withClient(target, run) {
    const prisma = new (client(target).PrismaClient)({ adapter: adapter(target) });
    try {
      return await run(prisma);
    } finally {
      await prisma.$disconnect();
    }
  }

  /** What `prisma migrate` calls. */
  async function withSchemaEngine(target, run) {
    const glue = await import(require.resolve("@prisma/schema-engine-wasm/schema_engine_bg"));
    const code = readFileSync(require.resolve("@prisma/schema-engine-wasm/schema_engine_bg").replace(/js$/, "wasm"));
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(code), { "./schema_engine_bg.js": glue });
    glue.__wbg_set_wasm(exports);
    exports.__wbindgen_start();
    const path = join(__dirname, "prisma", target.file ? "sqlite.prisma" : "postgresql.prisma");
    const schema = { files: [{ path, content: readFileSync(path, "utf8") }] };
    const engine = await glue.SchemaEngine.new(
      { datamodels: schema.files.map((file) => [file.path, file.content]) }, () => {}, bindMigrationAwareSqlAdapterFactory(adapter(target, CatalogPool)),
    );
    return run(engine, schema);
  }

  /** A row as Prisma takes it. */
  function given(target, table, row) {
    const { DbNull } = client(target).Prisma;
    if (table === "users") return { ...row, birthday: utc(row.birthday), settings: row.settings ?? DbNull };
    if (table === "events") return { ...row, onDate: utc(row.onDate) };
    return row;
  }

  /** The first migration, and `prisma migrate deploy`. */
  async function make(target) {
    await withSchemaEngine(target, async (engine, schema) => {
      const to = { tag: "schemaDatamodel", ...schema };
      const { stdout: value } = await engine.diff({ from: { tag: "empty" }, to, script: true, exitCode: null, filters: UNFILTERED });
      const migrationDirectories = [{ path: "20240101000000_init", migrationFile: { path: "migration.sql", content: { tag: "ok", value } } }];
      const lockfile = { path: "migration_lock.toml", content: null };
      const migrationsList = { baseDir: __dirname, lockfile, shadowDbInitScript: "", migrationDirectories };
      await engine.applyMigrations({ migrationsList, filters: UNFILTERED });
    });
  }

  async function fill(target) {
    await withClient(target, async (prisma) => {
      for (const [table, model] of Object.entries(MODELS)) {
        await prisma[model].createMany({ data: rows.TABLES[table].map((row) => given(target, table, row)) });
      }
    });
  }

  function read(target) {
    const { Decimal } = client(target).Prisma;
    const plain = (row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value instanceof Decimal ? String(value) : value]));
    return withClient(target, async (prisma) => {
      const found = {};
      for (const [table, model] of Object.entries(MODELS)) {
        found[table] = rows.shownRows(table, (await prisma[model].findMany({ orderBy: { id: "asc" } })).map(plain));
      }
      return found;
    });
  }

  async function insert(target) {
    await withClient(target, async (prisma) => {
      for (const [table, model] of Object.entries(MODELS)) await prisma[model].create({ data: given(target, table, rows.NEW[table]) });
    });
  }

  function query(target) {
    const { users } = rows.TABLES;
    return withClient(target, async (prisma) => {
      const joined = await prisma.post.findMany({ where: { author: { status: "active" } }, include: { author: true, replies: true }, orderBy: { id: "asc" } });
      const grouped = await prisma.user.groupBy({ by: ["status"], _count: true, orderBy: { status: "asc" } });
      const nullsFirst = await prisma.post.findMany({ orderBy: [{ rating: { sort: "desc", nulls: "first" } }, { id: "asc" }], take: 20, skip: 5 });
      const sums = await prisma.attachment.aggregate({ _max: { size: true }, _sum: { size: true } });
      const balances = await prisma.user.aggregate({ _min: { balance: true }, where: { balance: { gt: 0 } } });
      return [
        await prisma.user.count({ where: { isActive: true } }),
        await prisma.user.count({ where: { createdAt: { lt: users[3].createdAt } } }),
        await prisma.event.count({ where: { onDate: { gte: utc("2024-03-05"), lte: utc("2024-03-10") } } }),
        balances._min.balance,
        await prisma.user.count({ where: { token: users[2].token } }),
        await prisma.user.count({ where: { status: { in: ["active", "invited"] } } }),
        joined.map((post) => [post.id, post.author.email, post.replies.length]),
        grouped.map((group) => [group.status, group._count]).sort(),
        nullsFirst.map((post) => post.id),
        [sums._max.size, sums._sum.size],
        await prisma.post.count({ where: { title: { contains: "st 1" } } }),
        await prisma.event.count({ where: { payload: { path: target.file ? "$.n" : ["n"], equals: 3 } } }),
      ].map(String);
    });
  }

  /** The migration that Prisma would make. */
  function check(target) {
    return withSchemaEngine(target, async (engine, schema) => {
      const from = { tag: "schemaDatasource", configDir: __dirname, ...schema };
      const change = await engine.diff({ from, to: { tag: "schemaDatamodel", ...schema }, script: true, exitCode: null, filters: UNFILTERED });
      return [change.stdout];
    });
  }

  return { make, fill, read, insert, query, check };
}

if (require.main === module) rows.main(commands("iso8601"));
module.exports = { commands };
