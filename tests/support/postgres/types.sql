-- Types of every making.
CREATE TYPE app.colour AS ENUM('red', 'green', 'blue', 'it''s "x"', 'Grün');
ALTER TYPE app.colour ADD VALUE 'orange' BEFORE 'green';
ALTER TYPE app.colour RENAME VALUE 'blue' TO 'light blue';
CREATE TYPE app.no_values AS ENUM();
CREATE TYPE app.address AS (street text, number int, "ZIP code" varchar(10) COLLATE "C", place point);
CREATE TYPE app.nested AS (id int, home app.address, others app.address[], colour app.colour);
CREATE TYPE app.no_fields AS ();
COMMENT ON TYPE app.address IS 'where someone lives';
COMMENT ON COLUMN app.address.number IS 'may be missing';
ALTER TYPE app.address ADD ATTRIBUTE country char(2);
ALTER TYPE app.address DROP ATTRIBUTE number;
CREATE DOMAIN app.positive AS int CONSTRAINT is_positive CHECK (VALUE > 0);
CREATE DOMAIN app.email AS extensions.citext DEFAULT 'nobody@example.org' NOT NULL CHECK (VALUE ~ '@');
CREATE DOMAIN app.some_positive AS app.positive[] CHECK (cardinality(VALUE) < 5);
CREATE DOMAIN app.german AS text COLLATE "de-x-icu";
CREATE DOMAIN app.full_address AS app.address CHECK (VALUE IS NULL OR (VALUE).street IS NOT NULL);
ALTER DOMAIN app.positive ADD CONSTRAINT is_small CHECK (VALUE < 1000000) NOT VALID;
COMMENT ON CONSTRAINT is_positive ON DOMAIN app.positive IS 'above zero';
CREATE TYPE app.float_range AS RANGE (subtype = float8, subtype_diff = float8mi, multirange_type_name = app.float_ranges);
CREATE TYPE app.text_range AS RANGE (subtype = text, collation = "C");

-- A base type: input and output are those of bigint.
CREATE TYPE app.big;
CREATE FUNCTION app.big_in(cstring) RETURNS app.big LANGUAGE internal IMMUTABLE STRICT AS 'int8in';
CREATE FUNCTION app.big_out(app.big) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int8out';
CREATE TYPE app.big(INPUT = app.big_in, OUTPUT = app.big_out, LIKE = bigint, CATEGORY = 'N', DEFAULT = '7', DELIMITER = ';');
CREATE TYPE app.shell;

CREATE COLLATION app.german_phonebook (provider = icu, locale = 'de-u-co-phonebk');
CREATE COLLATION app.ignores_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE COLLATION app.posix FROM "POSIX";
COMMENT ON COLLATION app.german_phonebook IS 'ä as ae';
CREATE CONVERSION app.latin1_to_utf8 FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;

CREATE FUNCTION app.big_to_text(app.big) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT 'big ' || app.big_out($1)::text $$;
CREATE CAST (app.big AS bigint) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (bigint AS app.big) WITHOUT FUNCTION AS ASSIGNMENT;
CREATE CAST (app.big AS text) WITH FUNCTION app.big_to_text(app.big);
CREATE CAST (app.colour AS json) WITH INOUT;
COMMENT ON CAST (app.big AS text) IS 'with a word before';

-- Operators, a family and classes of its own, so that the base type has an index.
CREATE FUNCTION app.big_lt(app.big, app.big) RETURNS bool LANGUAGE internal IMMUTABLE STRICT AS 'int8lt';
CREATE FUNCTION app.big_le(app.big, app.big) RETURNS bool LANGUAGE internal IMMUTABLE STRICT AS 'int8le';
CREATE FUNCTION app.big_eq(app.big, app.big) RETURNS bool LANGUAGE internal IMMUTABLE STRICT AS 'int8eq';
CREATE FUNCTION app.big_ge(app.big, app.big) RETURNS bool LANGUAGE internal IMMUTABLE STRICT AS 'int8ge';
CREATE FUNCTION app.big_gt(app.big, app.big) RETURNS bool LANGUAGE internal IMMUTABLE STRICT AS 'int8gt';
CREATE FUNCTION app.big_cmp(app.big, app.big) RETURNS int LANGUAGE internal IMMUTABLE STRICT AS 'btint8cmp';
CREATE OPERATOR app.< (LEFTARG = app.big, RIGHTARG = app.big, FUNCTION = app.big_lt, COMMUTATOR = OPERATOR(app.>), NEGATOR = OPERATOR(app.>=), RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE OPERATOR app.<= (LEFTARG = app.big, RIGHTARG = app.big, FUNCTION = app.big_le, COMMUTATOR = OPERATOR(app.>=), NEGATOR = OPERATOR(app.>));
CREATE OPERATOR app.= (LEFTARG = app.big, RIGHTARG = app.big, FUNCTION = app.big_eq, COMMUTATOR = OPERATOR(app.=), MERGES, RESTRICT = eqsel, JOIN = eqjoinsel);
CREATE OPERATOR app.>= (LEFTARG = app.big, RIGHTARG = app.big, FUNCTION = app.big_ge, COMMUTATOR = OPERATOR(app.<=), NEGATOR = OPERATOR(app.<));
CREATE OPERATOR app.> (LEFTARG = app.big, RIGHTARG = app.big, FUNCTION = app.big_gt, COMMUTATOR = OPERATOR(app.<), NEGATOR = OPERATOR(app.<=));
CREATE OPERATOR app.!! (RIGHTARG = app.big, FUNCTION = app.big_out);
COMMENT ON OPERATOR app.< (app.big, app.big) IS 'smaller';
CREATE OPERATOR FAMILY app.big_family USING btree;
CREATE OPERATOR CLASS app.big_class DEFAULT FOR TYPE app.big USING btree FAMILY app.big_family AS
  OPERATOR 1 app.<, OPERATOR 2 app.<=, OPERATOR 3 app.=, OPERATOR 4 app.>=, OPERATOR 5 app.>, FUNCTION 1 app.big_cmp(app.big, app.big);
CREATE OPERATOR CLASS app.int_backwards FOR TYPE int USING btree AS
  OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 btint4cmp(int, int);
COMMENT ON OPERATOR CLASS app.big_class USING btree IS 'the order of bigint';
CREATE ACCESS METHOD another_heap TYPE TABLE HANDLER heap_tableam_handler;
CREATE ACCESS METHOD another_gist TYPE INDEX HANDLER gisthandler;
CREATE OPERATOR CLASS app.box_class DEFAULT FOR TYPE box USING another_gist AS
  OPERATOR 3 &&, OPERATOR 6 ~=, FUNCTION 1 gist_box_consistent(internal, box, smallint, oid, internal), FUNCTION 2 gist_box_union(internal, internal),
  FUNCTION 5 gist_box_penalty(internal, internal, internal), FUNCTION 6 gist_box_picksplit(internal, internal), FUNCTION 7 gist_box_same(box, box, internal);
ALTER TYPE app.colour OWNER TO app_owner;
ALTER DOMAIN app.positive OWNER TO app_owner;
GRANT USAGE ON TYPE app.colour TO app_reader WITH GRANT OPTION;
REVOKE USAGE ON TYPE app.address FROM PUBLIC;
