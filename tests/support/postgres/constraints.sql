-- Constraints: circular, deferrable, exclusive, not validated, with every action.
CREATE TABLE app.departments(id int PRIMARY KEY, boss int, name text UNIQUE DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE app.people(id int PRIMARY KEY, department int NOT NULL REFERENCES app.departments DEFERRABLE INITIALLY IMMEDIATE, mentor int REFERENCES app.people ON DELETE SET NULL ON UPDATE CASCADE);
ALTER TABLE app.departments ADD CONSTRAINT its_boss FOREIGN KEY (boss) REFERENCES app.people DEFERRABLE INITIALLY DEFERRED;
BEGIN;
INSERT INTO app.departments VALUES(1, 10, 'one'), (2, 20, 'two');
INSERT INTO app.people VALUES(10, 1, 20), (20, 2, 10), (30, 1, 30);
COMMIT;
CREATE TABLE app.bookings(room int, during tsrange, who text, is_final bool,
  CONSTRAINT no_overlap EXCLUDE USING gist (room WITH =, during WITH &&) WHERE (is_final) DEFERRABLE INITIALLY DEFERRED,
  EXCLUDE USING btree (who WITH =));
INSERT INTO app.bookings VALUES(1, '[2024-01-01,2024-01-02)', 'a', true), (1, '[2024-01-02,2024-01-03)', 'b', true), (1, '[2024-01-01,2024-01-09)', 'c', false);
CREATE TABLE app.references_all(
  a int, b int, c int DEFAULT 10,
  CONSTRAINT full_match FOREIGN KEY (a) REFERENCES app.people MATCH FULL ON UPDATE RESTRICT ON DELETE NO ACTION,
  CONSTRAINT some_columns FOREIGN KEY (b) REFERENCES app.people ON DELETE SET NULL (b),
  FOREIGN KEY (c) REFERENCES app.people ON DELETE SET DEFAULT,
  CONSTRAINT "che""ck 'x'" CHECK (a IS NULL OR a > 0), CHECK (a > b) NOT VALID,
  UNIQUE NULLS NOT DISTINCT (a, b) INCLUDE (c) WITH (fillfactor = 50));
INSERT INTO app.references_all VALUES(20, 10, 30), (NULL, NULL, 10);
CREATE TABLE app.not_valid(a int, b int);
INSERT INTO app.not_valid VALUES(1, 999), (-5, NULL);
ALTER TABLE app.not_valid ADD CONSTRAINT broken CHECK (a > 0) NOT VALID, ADD CONSTRAINT dangling FOREIGN KEY (b) REFERENCES app.people NOT VALID;
COMMENT ON CONSTRAINT its_boss ON app.departments IS 'who leads';
