"use strict";
/* The shop in Sequelize. */

const { Sequelize, DataTypes, Op, col, fn, literal } = require("sequelize");
const rows = require("./rows");

/** A getter: the driver of one database gives a number, that of the other a text. */
const as = (convert) =>
  function (name) {
    const value = this.getDataValue(name);
    return value === null || value === undefined ? value : convert(value);
  };
const decimal = (precision, scale, options) => ({ type: DataTypes.DECIMAL(precision, scale), get: as(Number), ...options });
const bigint = () => ({ type: DataTypes.BIGINT, allowNull: false, get: as(BigInt) });

function models(sequelize) {
  const postgres = sequelize.getDialect() === "postgres";
  const users = sequelize.define(
    "user",
    {
      email: { type: DataTypes.STRING, allowNull: false, unique: true },
      name: { type: DataTypes.STRING(100), allowNull: false, defaultValue: "anon" },
      isActive: { type: DataTypes.BOOLEAN, allowNull: false, defaultValue: true },
      balance: decimal(12, 2, { allowNull: false, defaultValue: 0 }),
      score: { type: DataTypes.DOUBLE, allowNull: false },
      level: { type: DataTypes.INTEGER, allowNull: false, defaultValue: 0 },
      big: bigint(),
      status: { type: DataTypes.ENUM("active", "suspended", "invited"), allowNull: false, defaultValue: "active" },
      settings: DataTypes.JSONB,
      birthday: DataTypes.DATEONLY,
      token: { type: DataTypes.UUID, allowNull: false, unique: true },
    },
    { updatedAt: false, indexes: [{ fields: ["status", "isActive"] }] },
  );
  const posts = sequelize.define(
    "post",
    {
      title: { type: DataTypes.STRING(200), allowNull: false },
      body: { type: DataTypes.TEXT, allowNull: false },
      published: { type: DataTypes.BOOLEAN, allowNull: false, defaultValue: false },
      // SQLite has no arrays.
      tags: { type: postgres ? DataTypes.ARRAY(DataTypes.STRING) : DataTypes.JSON, allowNull: false },
      rating: decimal(3, 1),
    },
    { timestamps: false },
  );
  const events = sequelize.define(
    "event",
    {
      kind: { type: DataTypes.STRING(10), allowNull: false },
      payload: { type: DataTypes.JSON, allowNull: false },
      onDate: { type: DataTypes.DATEONLY, allowNull: false },
      at: DataTypes.DATE,
    },
    { timestamps: false },
  );
  const attachments = sequelize.define(
    "attachment",
    {
      id: { type: DataTypes.UUID, primaryKey: true, defaultValue: DataTypes.UUIDV4 },
      filename: { type: DataTypes.STRING, allowNull: false },
      data: { type: DataTypes.BLOB, allowNull: false },
      size: bigint(),
    },
    { timestamps: false },
  );
  posts.belongsTo(users, { as: "author", foreignKey: { name: "authorId", allowNull: false } });
  posts.belongsTo(posts, { as: "parent", foreignKey: "parentId" });
  events.belongsTo(users, { as: "user", foreignKey: "userId" });
  attachments.belongsTo(posts, { as: "post", foreignKey: { name: "postId", allowNull: false } });
  return { users, posts, events, attachments };
}

/** A command over the models. */
const command = (work) => async ({ file, socket, database }) => {
  const sequelize = file
    ? new Sequelize({ dialect: "sqlite", storage: file, logging: false })
    : new Sequelize(database, "postgres", null, { dialect: "postgres", host: socket, logging: false });
  try {
    return await work(models(sequelize), sequelize);
  } finally {
    await sequelize.close();
  }
};

const make = command(async (_, sequelize) => void (await sequelize.sync()));

const fill = command(async (models) => {
  for (const [table, model] of Object.entries(models)) await model.bulkCreate(rows.TABLES[table]);
});

const read = command(async (models) => {
  const found = {};
  for (const [table, model] of Object.entries(models)) found[table] = rows.shownRows(table, await model.findAll({ order: ["id"] }));
  return found;
});

const insert = command(async (models) => {
  for (const [table, model] of Object.entries(models)) await model.create(rows.NEW[table]);
});

const query = command(async ({ users, posts, events, attachments }, sequelize) => {
  const first = rows.TABLES.users[3];
  const like = sequelize.getDialect() === "postgres" ? Op.iLike : Op.like;
  const active = await posts.findAll({
    where: { "$author.status$": "active", "$parent.published$": true },
    include: [{ model: users, as: "author" }, { model: posts, as: "parent" }],
    order: [["id", "ASC"]],
  });
  const statuses = await users.findAll({ attributes: ["status", [fn("COUNT", col("id")), "n"]], group: ["status"], order: [fn("MIN", col("id"))], raw: true });
  const birthdays = await users.findAll({ order: [literal('"birthday" ASC NULLS LAST'), ["id", "DESC"]], limit: 12 });
  return [
    await users.count({ where: { isActive: true } }),
    await users.count({ where: { createdAt: { [Op.lt]: first.createdAt } } }),
    await events.count({ where: { onDate: { [Op.between]: ["2024-03-05", "2024-03-15"] }, at: null } }),
    await users.count({ where: { balance: { [Op.gt]: 0 } } }),
    (await users.findOne({ where: { token: first.token } })).email,
    await users.count({ where: { status: ["active", "invited"] } }),
    active.map((post) => [post.id, post.author.email, post.parent.title]),
    statuses.map((row) => `${row.status} ${row.n}`),
    birthdays.map((user) => user.id),
    [Number(await attachments.max("size")), Number(await users.sum("level"))],
    await users.count({ where: { email: { [like]: "USER1%" } } }),
    await users.count({ where: { settings: { b: { c: { [Op.gt]: 1 } } } } }),
    await events.count({ where: { payload: { n: 7 } } }),
  ].map(rows.shown);
});

rows.main({ make, fill, read, insert, query });
