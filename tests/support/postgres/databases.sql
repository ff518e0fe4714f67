-- Databases with other encodings, collations and properties. Once per server, after roles.sql.
\set ON_ERROR_STOP on
CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C' OWNER app_owner CONNECTION LIMIT 50;
CREATE DATABASE c_order TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C' TABLESPACE app_space;
CREATE DATABASE icu TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'sv-SE' LOCALE 'C.UTF-8';
CREATE DATABASE ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C';
CREATE DATABASE "Da""ta 'base' = x?%/" TEMPLATE template0 IS_TEMPLATE true;
COMMENT ON DATABASE latin IS 'no UTF-8';
ALTER DATABASE latin SET DateStyle = 'SQL, DMY';
ALTER DATABASE latin SET search_path = '$user', public, "x y";
ALTER DATABASE icu SET IntervalStyle = 'iso_8601';
ALTER DATABASE icu SET TimeZone = 'Asia/Kathmandu';
ALTER DATABASE icu SET bytea_output = 'escape';
ALTER DATABASE icu SET extra_float_digits = -10;
ALTER DATABASE icu SET standard_conforming_strings = off;
ALTER DATABASE icu SET default_transaction_read_only = on;
ALTER ROLE app_owner IN DATABASE latin SET work_mem = '2MB';
REVOKE ALL ON DATABASE latin FROM PUBLIC;
GRANT CONNECT ON DATABASE latin TO app_reader;
GRANT CREATE, TEMPORARY ON DATABASE latin TO app_writer WITH GRANT OPTION;
\connect latin
SET client_encoding = 'UTF8';
CREATE TABLE words(id int PRIMARY KEY, "größe" text);
INSERT INTO words VALUES(1, 'Ärger'), (2, 'naïve'), (3, E'\xe9');
COMMENT ON TABLE words IS 'mit Umlauten: äöü';
\connect c_order
CREATE TABLE words(w text PRIMARY KEY);
INSERT INTO words VALUES('a'), ('B'), ('ä'), ('Z');
\connect icu
SET default_transaction_read_only = off;
SET standard_conforming_strings = on;
CREATE TABLE words(w text PRIMARY KEY, at timestamptz, span interval, bytes bytea, f float8);
INSERT INTO words VALUES('zebra', '2024-01-01 00:00+00', '1 day 2 hours', '\x00ff5c', 0.1::float8 + 0.2::float8), ('åker', '2024-07-01 00:00+00', '-1 mon', '\x', 'NaN');
\connect ascii
SET client_encoding = 'SQL_ASCII';
CREATE TABLE bytes(id int, anything text);
INSERT INTO bytes VALUES(1, E'\xff\xfe\x80'), (2, 'ä');
\connect -reuse-previous=on "dbname='Da""ta \'base\' = x?%/'"
CREATE TABLE t(a int);
INSERT INTO t VALUES(1);
