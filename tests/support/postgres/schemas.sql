-- Schemas and extensions; some extensions live in a schema of their own.
CREATE SCHEMA app AUTHORIZATION app_owner;
CREATE SCHEMA "Sch""ema with 'quotes', $dollars$ and
a newline";
CREATE SCHEMA extensions;
CREATE SCHEMA empty;
COMMENT ON SCHEMA app IS E'of the application\n\\. and a tab\t';
CREATE EXTENSION hstore SCHEMA extensions;
CREATE EXTENSION citext SCHEMA extensions;
CREATE EXTENSION btree_gist SCHEMA extensions;
CREATE EXTENSION pg_trgm SCHEMA extensions;
CREATE EXTENSION ltree SCHEMA extensions;
CREATE EXTENSION cube SCHEMA extensions;
CREATE EXTENSION isn SCHEMA extensions;
CREATE EXTENSION unaccent SCHEMA extensions;
CREATE EXTENSION plperl;
CREATE EXTENSION plpython3u;
CREATE EXTENSION jsonb_plperl SCHEMA extensions;
CREATE EXTENSION db_backup_tests SCHEMA extensions;
COMMENT ON EXTENSION hstore IS 'not its own comment';
INSERT INTO extensions.settings VALUES('mine', 'yes'), (E'quoted ''"\\', NULL);
SELECT nextval('extensions.numbers'), nextval('extensions.numbers');
CREATE FUNCTION extensions.added_later() RETURNS int LANGUAGE sql IMMUTABLE RETURN 1;
ALTER EXTENSION db_backup_tests ADD FUNCTION extensions.added_later();
GRANT USAGE ON SCHEMA extensions TO PUBLIC;
GRANT SELECT ON extensions.settings TO app_reader;
