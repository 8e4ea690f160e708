"""What hangs on a table of a random schema: indexes, constraints, triggers, rules, policies, settings, comments and views."""

from harness import ident, quote


class Objects:
    """Of schema_maker.Maker, which has the choices."""

    def decorate(self, table):
        plain = table.shape in ("plain", "rules")
        for _ in range(self.random.choice([0, 1, 2, 3])):
            self.index(table)
        for foreign in table.foreign:
            self.constrain(table, foreign)
        for _ in range(self.random.choice([0, 0, 1, 2])):
            self.trigger(table)
        self.late_checks(table)
        if table.shape == "rules":
            self.rules(table)
        if table.shape not in ("view", "leaf") and self.one_in(4):
            # The rows that are there have its value without being written.
            table.more.append(f"ALTER TABLE {table.q()} ADD COLUMN {ident(f'late ü{table.number}')} text NOT NULL DEFAULT 'then'")
        if self.one_in(4) or table.forced:
            self.policies(table)
        self.settings(table, plain)
        self.comments(table)
        if self.one_in(3):
            self.view(table)
        if table.shape == "view":
            self.target_view(table)

    def index(self, table):
        column = self.pick(table.columns)
        choices = [(clause, op) for clause, op in column.kind.indexes] if column.expression is None else []
        if column.kind.btree:
            choices += [("({c}" + self.pick(["", " DESC", " NULLS FIRST", " DESC NULLS LAST"]) + ")" + self.pick(["", " WITH (fillfactor = 50)"]), "=")]
            choices += [("({c}) WHERE {c} IS NOT NULL", "=")]
        if not choices:
            return
        clause, op = self.pick(choices)
        if "INCLUDE" in clause:
            clause = clause.replace("INCLUDE ({c})", f"INCLUDE ({ident(self.pick(table.columns).name)})")
        self.count += 1
        table.more.append(f"CREATE INDEX {ident(f'index {self.count}')} ON {table.q()} {clause.format(c=ident(column.name))}")
        if self.one_in(5):
            self.after.append(f"COMMENT ON INDEX {ident(table.schema)}.{ident(f'index {self.count}')} IS 'an index'")
        if op:
            table.probes.append((column.name, op))

    def constrain(self, table, foreign):
        theirs, ours = ", ".join(ident(c.name) for c in foreign.key.columns), ", ".join(ident(c.name) for c in foreign.columns)
        match = " MATCH FULL" if foreign.full else ""
        self.after.append(f"ALTER TABLE {table.q()} ADD CONSTRAINT {ident(foreign.name)} FOREIGN KEY ({ours}) REFERENCES {foreign.parent.q()} ({theirs})"
                          f"{match}{foreign.actions}{foreign.deferred}{' NOT VALID' if foreign.not_valid else ''}")

    def late_checks(self, table):
        numbers = [c for c in table.columns if c.kind.family == "integer" and c.loaded and not c.inherited]
        if numbers and self.one_in(5):
            column = self.pick(numbers)
            wrong = table.seeds and any(s[column.name] is not None for s in table.seeds) and self.one_in(2) and column not in [c for f in table.foreign for c in f.columns]
            bound = next(s[column.name] for s in table.seeds if s[column.name] is not None) if wrong else -1
            in_key = any(column in k.columns for k in table.keys) or any(column in f.key.columns for t in self.tables for f in t.foreign)
            # What comes later is checked: rows of the file, and all rows of the tables that inherit the check.
            later = table.rows + [row for t in self.tables if t.parent is table for row in t.seeds + t.rows]
            # An update leaves a number that is always generated as it is, and the row is checked with it.
            kept = table.mode == "update" and column.numbered == "ALWAYS"
            bound = -1 if in_key or kept or any(r.get(column.name) == bound for r in later) else bound
            valid = " NOT VALID" if bound != -1 or self.one_in(2) else ""
            table.more.append(f"ALTER TABLE {table.q()} ADD CONSTRAINT {ident(f'late {table.number}')} CHECK ({ident(column.name)} <> {bound}){valid}")
        if numbers and self.one_in(8):
            table.looking = True
            table.more.append(f"ALTER TABLE {table.q()} ADD CONSTRAINT {ident(f'looking {table.number}')} CHECK (app.looks({ident(self.pick(numbers).name)}::bigint))")

    def trigger(self, table):
        self.count += 1
        name, quiet = ident(f"trigger {self.count}"), self.user != "writer" and table.shape in ("plain", "range", "list", "hash") and not table.fire
        if table.shape == "view":
            return
        function = "app.never" if quiet and self.one_in(2) else "app.note"
        column = ident(self.pick(table.columns).name)
        event = self.pick(["BEFORE INSERT", "AFTER INSERT", "AFTER INSERT OR UPDATE", "BEFORE DELETE", f"BEFORE UPDATE OF {column}", "AFTER TRUNCATE"])
        level, when = self.pick(["ROW", "ROW", "STATEMENT"]), ""
        if event == "AFTER TRUNCATE":
            level, function = "STATEMENT", "app.note"
        if "UPDATE OF" in event or "DELETE" in event:
            function = "app.note"
        if function == "app.never" and table.mode == "update":
            function = "app.note"
        if level == "ROW" and self.one_in(4) and "DELETE" not in event and "UPDATE OF" not in event:
            when = f" WHEN (NEW.{column} IS NOT NULL)" if not next(c for c in table.columns if ident(c.name) == column).expression or event.startswith("AFTER") else ""
        state = self.pick(["", "", "", "DISABLE", "ENABLE ALWAYS", "ENABLE REPLICA"])
        if table.shape == "plain" and event == "AFTER INSERT" and level == "ROW" and self.one_in(3):
            self.after.append(f"CREATE CONSTRAINT TRIGGER {name} AFTER INSERT ON {table.q()} {self.pick(['', 'DEFERRABLE INITIALLY DEFERRED'])} FOR EACH ROW EXECUTE FUNCTION {function}()")
        elif table.shape == "plain" and not table.parent and event == "AFTER INSERT" and self.one_in(2) and not self.has_children(table):
            self.after.append(f"CREATE TRIGGER {name} AFTER INSERT ON {table.q()} REFERENCING NEW TABLE AS fresh FOR EACH {level} EXECUTE FUNCTION {function}()")
        else:
            self.after.append(f"CREATE TRIGGER {name} {event} ON {table.q()} FOR EACH {level}{when} EXECUTE FUNCTION {function}()")
        if table.shape == "plain" and event == "AFTER INSERT" and level == "ROW" and not when and state in ("", "ENABLE ALWAYS"):
            table.noted = True
        if state:
            self.after.append(f"ALTER TABLE {table.q()} {state} TRIGGER {name}")

        if table.shape in ("range", "list", "hash") and level == "ROW" and self.one_in(2):
            part = f"{ident(table.schema)}.{ident(f'part {table.number} 1')}"
            self.after.append(f"ALTER TABLE {part} {self.pick(['DISABLE', 'ENABLE ALWAYS', 'ENABLE REPLICA', 'ENABLE'])} TRIGGER {name}")
            self.after.append(f"CREATE TRIGGER {ident(f'own {self.count}')} BEFORE INSERT ON {part} FOR EACH ROW EXECUTE FUNCTION {function}()")

    def has_children(self, table):
        return any(t.parent is table for t in self.tables)

    def rules(self, table):
        self.after.append(f"CREATE RULE also AS ON INSERT TO {table.q()} DO ALSO INSERT INTO app.log (source, said) VALUES ('rule', {quote(table.name)})")
        self.after.append(f"CREATE RULE kept AS ON DELETE TO {table.q()} DO INSTEAD NOTHING")
        if self.one_in(2):
            self.after.append(f"ALTER TABLE {table.q()} {self.pick(['DISABLE', 'ENABLE ALWAYS', 'ENABLE REPLICA'])} RULE also")

    def policies(self, table):
        if table.shape == "view":
            return
        if self.user == "writer" or (self.user == "owner" and table.forced):
            # Its policies are not run to count what is there: only a plan that does not ask for that loads it.
            table.unseen, table.mode = True, "append" if table.mode == "new" else table.mode
        self.after.append(f"ALTER TABLE {table.q()} ENABLE ROW LEVEL SECURITY")
        self.after.append(f"CREATE POLICY every ON {table.q()} USING (true) WITH CHECK (true)")
        self.after.append(f"CREATE POLICY \"réad only\" ON {table.q()} AS RESTRICTIVE FOR SELECT TO {{reader}} USING (current_user <> 'nobody')")
        if table.forced:
            self.after.append(f"ALTER TABLE {table.q()} FORCE ROW LEVEL SECURITY")

    def settings(self, table, plain):
        q, column = table.q(), self.pick(table.columns)
        keys = [k for k in table.keys if k.kind in ("primary", "unique", "index") and not k.deferrable and all(c.not_null for c in k.columns)]
        replica = None
        if keys and plain and self.one_in(3):
            replica = f"USING INDEX {ident(self.pick(keys).name)}"
        elif self.one_in(6) and plain:
            replica = self.pick(["FULL", "NOTHING", "DEFAULT"])
        choices = [
            f"ALTER TABLE {q} ALTER {ident(column.name)} SET STATISTICS {self.random.randint(0, 500)}",
            f"ALTER TABLE {q} ALTER {ident(column.name)} SET (n_distinct = 12)",
            f"GRANT SELECT ({ident(column.name)}), UPDATE ({ident(column.name)}) ON {q} TO {{reader}}",
            f"GRANT SELECT, INSERT ON {q} TO {{reader}} WITH GRANT OPTION; REVOKE TRIGGER ON {q} FROM {{owner}}",
        ]
        if column.kind.family in ("text", "range") or column.kind.type in ("jsonb", "bytea", "numeric(12,3)"):
            choices.append(f"ALTER TABLE {q} ALTER {ident(column.name)} SET STORAGE {self.pick(['EXTERNAL', 'MAIN'])}")
        if column.kind.type in ("text", "jsonb", "bytea") and not column.inherited and not self.has_children(table):
            choices.append(f"ALTER TABLE {q} ALTER {ident(column.name)} SET COMPRESSION pglz")
        if plain:
            choices.append(f"ALTER TABLE {q} SET (fillfactor = 80, autovacuum_enabled = off, toast.autovacuum_enabled = off)")
        if plain and table.keys and table.keys[0].kind in ("primary", "unique", "index"):
            choices.append(f"ALTER TABLE {q} CLUSTER ON {ident(table.keys[0].name)}")
        pair = [c for c in table.columns if c.kind.btree and c.kind.unique][:2]
        if len(pair) == 2:
            choices.append(f"CREATE STATISTICS {ident(table.schema)}.{ident(f'stat {table.number}')} ON {ident(pair[0].name)}, {ident(pair[1].name)} FROM {q}")
        if table.shape != "view" and not table.unlogged:
            # What has no identity cannot publish updates.
            publish = "insert, truncate" if table.mode == "update" or table.foreign else "insert, update, delete, truncate"
            choices.append(f"CREATE PUBLICATION {ident(f'pub {table.number}')} FOR TABLE {q} WITH (publish = '{publish}')")
        if replica:
            self.after.append(f"ALTER TABLE {q} REPLICA IDENTITY {replica}")
        self.after += self.random.sample(choices, self.random.randint(0, min(4, len(choices))))

    def comments(self, table):
        if self.one_in(2):
            self.after.append(f"COMMENT ON TABLE {table.q()} IS 'it''s é'")
            self.after.append(f"COMMENT ON COLUMN {table.q()}.{ident(self.pick(table.columns).name)} IS 'a column'")
        for foreign in table.foreign[:1]:
            self.after.append(f"COMMENT ON CONSTRAINT {ident(foreign.name)} ON {table.q()} IS 'points'")

    def view(self, table):
        name = f"{ident(table.schema)}.{ident(f'view {table.number}')}"
        key = next((k for k in table.keys if k.kind == "primary" and not k.deferrable), None)
        grouped = ", ".join(f"r.{ident(c.name)}" for c in key.columns) if key and table.shape in ("plain", "rules") else None
        if grouped:
            self.after.append(f"CREATE VIEW {name} AS SELECT r.* FROM {table.q()} r GROUP BY {grouped}")
        else:
            self.after.append(f"CREATE VIEW {name} WITH (security_barrier) AS SELECT *, count(*) OVER () AS counted FROM {table.q()}")
        matview = f"{ident(table.schema)}.{ident(f'mat {table.number}')}"
        self.after.append(f"CREATE MATERIALIZED VIEW {matview} AS SELECT count(*) AS n FROM {name}")
        self.after.append(f"CREATE UNIQUE INDEX ON {matview} (n)")
        table.matview = matview

    def target_view(self, table):
        columns = ", ".join(ident(c.name) for c in table.columns)
        self.after.append(f"CREATE VIEW {table.target()} AS SELECT {columns} FROM {table.q()}")
        if table.instead:
            given = [c for c in table.columns if c.loaded]
            into, new = ", ".join(ident(c.name) for c in given), ", ".join(f"NEW.{ident(c.name)}" for c in given)
            body = f"BEGIN INSERT INTO {table.q()} ({into}) OVERRIDING SYSTEM VALUE VALUES ({new}); RETURN NEW; END"
            function = f"{ident(table.schema)}.{ident(f'instead {table.number}')}"
            self.after.append(f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $body${body}$body$")
            self.after.append(f"CREATE TRIGGER instead INSTEAD OF INSERT ON {table.target()} FOR EACH ROW EXECUTE FUNCTION {function}()")
