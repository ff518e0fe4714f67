-- Views, materialized ones on them, rules.
CREATE VIEW app.good_customers WITH (security_barrier) AS SELECT id, name, upper(name) AS "Na""me" FROM app.customers WHERE id > 200 WITH LOCAL CHECK OPTION;
CREATE VIEW app.as_invoker WITH (security_invoker = true) AS SELECT * FROM app.customers;
CREATE VIEW app.checked AS SELECT * FROM app.good_customers WHERE name <> '' WITH CASCADED CHECK OPTION;
CREATE MATERIALIZED VIEW app.counts AS SELECT left(name, 10) AS prefix, count(*) AS n FROM app.good_customers GROUP BY 1;
CREATE UNIQUE INDEX ON app.counts(prefix);
CREATE VIEW app.on_materialized AS SELECT max(n) AS most FROM app.counts;
CREATE MATERIALIZED VIEW app.on_views AS SELECT most, (SELECT count(*) FROM app.checked) AS checked FROM app.on_materialized;
CREATE MATERIALIZED VIEW app.not_filled AS SELECT * FROM app.on_views WITH NO DATA;
CREATE MATERIALIZED VIEW app.a_first AS SELECT * FROM app.on_views WITH DATA;
CREATE RECURSIVE VIEW app.tree(id, depth) AS SELECT id, 1 FROM app.people WHERE id = 10 UNION SELECT p.id, depth + 1 FROM app.people p JOIN tree t ON p.mentor = t.id WHERE depth < 5;
CREATE VIEW app.grouped AS SELECT d.*, count(*) AS n FROM app.departments d JOIN app.people p ON p.department = d.id GROUP BY d.id;
CREATE VIEW app.everything_odd AS
  SELECT a.id, lag(a.id) OVER w AS before, b.*, CASE WHEN a.id IS DISTINCT FROM 1 THEN ARRAY[1, 2] END AS x, EXTRACT(year FROM c.day) AS y,
    xmlelement(name a, xmlattributes(a.id AS b)) AS xml, ROW(1, 'x')::text AS r, 'ß' COLLATE "C" AS s, a.id OPERATOR(pg_catalog.+) 1 AS plus, grouping(a.id) AS g
  FROM app.people a LEFT JOIN LATERAL (SELECT a.department + 1 AS d1) b ON true CROSS JOIN app.sales AS c TABLESAMPLE bernoulli(100) REPEATABLE (1)
  WHERE c.id < 3 GROUP BY GROUPING SETS ((a.id, b.d1, c.day), ()) WINDOW w AS (ORDER BY a.id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES);
CREATE VIEW app.no_columns_view AS SELECT FROM app.no_columns;
CREATE VIEW app.with_default AS SELECT id, name FROM app.customers;
ALTER VIEW app.with_default ALTER name SET DEFAULT 'from the view';
COMMENT ON VIEW app.grouped IS 'by primary key';
COMMENT ON COLUMN app.grouped.n IS 'how many';
COMMENT ON MATERIALIZED VIEW app.counts IS 'kept';
ALTER MATERIALIZED VIEW app.counts OWNER TO app_owner;
ALTER VIEW app.with_default OWNER TO app_writer;
GRANT SELECT ON app.customers TO app_writer;

-- Two views that need each other.
CREATE VIEW app.circle_a AS SELECT 1 AS x;
CREATE VIEW app.circle_b AS SELECT x FROM app.circle_a;
CREATE OR REPLACE VIEW app.circle_a AS SELECT 1 AS x WHERE NOT EXISTS (SELECT FROM app.circle_b WHERE false);

CREATE TABLE app.log(what text);
CREATE RULE log_it AS ON INSERT TO app.departments WHERE NEW.id > 100 DO ALSO INSERT INTO app.log VALUES('dep ' || NEW.id);
CREATE RULE no_delete AS ON DELETE TO app.departments DO INSTEAD NOTHING;
CREATE RULE instead AS ON UPDATE TO app.with_default DO INSTEAD (UPDATE app.customers SET name = NEW.name WHERE id = OLD.id; DELETE FROM app.log WHERE what = OLD.name);
ALTER TABLE app.departments DISABLE RULE log_it;
COMMENT ON RULE no_delete ON app.departments IS 'kept for ever';
