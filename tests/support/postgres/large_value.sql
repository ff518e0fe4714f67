-- One value of 200 MB that does not compress well, and a row of several wide ones; for long runs.
\set ON_ERROR_STOP on
CREATE TABLE app.huge(id int PRIMARY KEY, t text, more text);
INSERT INTO app.huge SELECT 1, string_agg(md5(i::text), E'\t\\\n'), NULL FROM generate_series(1, 5990000) AS i;
INSERT INTO app.huge SELECT 2, repeat('x', 50000000), repeat(E'\n', 50000000);
