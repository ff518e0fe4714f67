-- pg_dump takes the rows of configuration tables that the extension itself has not made.
CREATE TABLE settings(name text PRIMARY KEY, value text, is_ours boolean NOT NULL DEFAULT false);
INSERT INTO settings VALUES('colour', 'none', true), ('size', 'none', true);
SELECT pg_catalog.pg_extension_config_dump('settings', 'WHERE NOT is_ours');
CREATE SEQUENCE numbers START 10;
SELECT pg_catalog.pg_extension_config_dump('numbers', '');
CREATE TABLE internal(a int);
INSERT INTO internal VALUES(1);
CREATE FUNCTION setting(text) RETURNS text LANGUAGE sql STABLE AS 'SELECT value FROM @extschema@.settings WHERE name = $1';
CREATE TYPE mood AS ENUM('good', 'bad');
