"use strict";
/* The shop in Prisma, whose adapter writes times as milliseconds, as its native engine did. */

const rows = require("./rows.js");
rows.main(require("./prisma_shop.js").commands("unixepoch-ms"));
