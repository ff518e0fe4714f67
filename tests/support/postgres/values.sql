-- Values of every family of types: edges, what is not a number, and what text formats have to escape.
CREATE TABLE app.numbers(
  id int PRIMARY KEY, small smallint, big bigint, exact numeric, scaled numeric(12, -3), money money,
  single real, double float8, own app.big DEFAULT '12', positive app.positive, oid oid, flag bool);
INSERT INTO app.numbers VALUES
  (1, -32768, -9223372036854775808, 'NaN', 123456, '-92233720368547758.08', 'NaN', 'NaN', '1', 1, 0, true),
  (2, 32767, 9223372036854775807, 'Infinity', -999999, '92233720368547758.07', 'Infinity', 'Infinity', '2', 999999, 4294967295, false),
  (3, 0, 0, '-Infinity', 0, '0', '-Infinity', '-Infinity', '3', NULL, 1, NULL),
  (4, 1, 1, 1e-1000, 500, '0.01', '1.17549435e-38', '2.2250738585072014e-308', '4', 7, 1, true),
  (5, 1, 1, 10::numeric ^ 1000 + 0.000000000000000000000000000001, 1499, '1234.56', '3.4028235e+38', '1.7976931348623157e+308', '5', 7, 1, true),
  (6, 1, 1, 0.100, 1500, '1', '-0', '-0', '6', 7, 1, true),
  (7, 1, 1, 0.1000000000, 1500, '1', 0.1, 0.1::float8 + 0.2::float8, '-9223372036854775808', 7, 1, true),
  (8, 1, 1, 1, 1, '1', '1e-45', '4.9e-324', NULL, 7, 1, true),
  (9, NULL, NULL, NULL, NULL, NULL, NULL, NULL, DEFAULT, NULL, NULL, NULL);
CREATE INDEX ON app.numbers(own);

CREATE TABLE app.times(
  id int PRIMARY KEY, day date, moment timestamp, moment_there timestamptz, rounded timestamptz(2), clock time, clock_there timetz,
  span interval, years interval year to month, seconds interval second(3));
INSERT INTO app.times VALUES
  (1, 'infinity', 'infinity', 'infinity', 'infinity', '00:00', '00:00+15:59', '0', '3 years', '1.2345'),
  (2, '-infinity', '-infinity', '-infinity', '-infinity', '24:00', '24:00-15:59', '-1 year +2 mons -3 days +04:05:06.789', '-1 mon', '-0.001'),
  (3, '4713-01-01 BC', '4713-01-01 00:00:00 BC', '4713-01-02 00:00:00+00 BC', '0001-01-01 00:00:00+00', '12:34:56.789012', '12:34:56.789012+02', '178000000 years', '1 mon', '0'),
  (4, '5874897-12-31', '294276-12-31 23:59:59.999999', '294276-12-31 23:59:59.999999+00', '2024-02-29 12:00:00.126+05:45', '23:59:59.999999', '01:00-00:30', '1 day -00:00:00.000001', NULL, NULL),
  (5, '1582-10-10', '1900-01-01', '1883-11-18 12:03:58-04:56:02', '2038-01-19 03:14:08+00', '01:00', '01:00+01', 'P1Y2M3DT4H5M6S', NULL, NULL);

CREATE TABLE app.texts(
  id int PRIMARY KEY, text text, short varchar(20), padded char(10), one "char", name name, bytes bytea, folded extensions.citext, german app.german, cased text COLLATE app.ignores_case);
INSERT INTO app.texts VALUES
  (1, '', '', '', '', '', '', '', '', ''),
  (2, '\.', '\N', '\n', '\', 'NULL', '\x00', 'ABC', 'Ärger', 'aBc'),
  (3, E'a\tb\nc\rd\be\ff\vg\\h', E'\r\n', E'\t', E'\n', E'x\ny', '\xff00fe5c6e0a09', 'abc', 'Zoo', 'ABC'),
  (4, E'\\N', 'null', 'x', 'x', '"', '\x5c2e', '''', 'Öl', 'Abc'),
  (5, E'\x01\x02\x1f\x7f', 'ünïcödé', '日本', 'z', 'long_name_of_63_bytes_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx', decode(repeat('00ff', 5000), 'hex'), '😀', '𝔘', 'é'),
  (6, E'\U0010FFFF \u200b \ufeff \u2028', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (7, repeat('compressible ', 20000), 'x', 'x', 'x', 'x', NULL, 'x', 'x', 'x'),
  (8, (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 20000) AS i), 'x', 'x', 'x', 'x', NULL, 'x', 'x', 'x'),
  (9, E'--\n; DROP TABLE x; /* $$ $1 :variable \\! echo', '%s %d', '{}', '-', '(),', '\xdeadbeef', 'x', 'x', 'x');

CREATE TABLE app.shapes(id int PRIMARY KEY, p point, l line, s lseg, b box, opened path, closed path, polygon polygon, c circle, cube extensions.cube);
INSERT INTO app.shapes VALUES
  (1, '(1.5,-2.25)', '{1,2,3}', '[(0,0),(1,1)]', '(3,4),(1,2)', '[(0,0),(1,1),(2,0)]', '((0,0),(1,1),(2,0))', '((0,0),(0,1),(1,1))', '<(1,2),3>', '(1,2,3),(4,5,6)'),
  (2, '(Infinity,-Infinity)', '{0,1,0}', '[(NaN,0),(0.1,0.2)]', '(0,0),(0,0)', '[(0,0)]', '((1e300,1e-300))', '((1,1))', '<(0,0),0>', '(0)');

CREATE TABLE app.net(id int PRIMARY KEY, i inet, c cidr, m macaddr, m8 macaddr8, b bit(5), v bit varying(40), u uuid);
INSERT INTO app.net VALUES
  (1, '192.168.1.5/24', '192.168.0.0/16', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', B'10101', B'', '00000000-0000-0000-0000-000000000000'),
  (2, '::ffff:1.2.3.4', '2001:db8::/32', 'ff:ff:ff:ff:ff:ff', 'ff:ff:ff:ff:ff:ff:ff:ff', B'00000', B'111100001111', 'ffffffff-ffff-ffff-ffff-ffffffffffff'),
  (3, '10.0.0.1', '0.0.0.0/0', NULL, NULL, NULL, NULL, NULL);

CREATE TABLE app.documents(id int PRIMARY KEY, j json, jb jsonb, x xml, path jsonpath, v tsvector, q tsquery, h extensions.hstore, tree extensions.ltree, isbn extensions.isbn13);
INSERT INTO app.documents VALUES
  (1, '{"b": 1, "a": [1, 2.50, null, true], "a": "\u00e9\n"}', '{"b": 1, "a": [1, 2.50, null, true], "c": "\u00e9\n"}',
   '<?xml version="1.0"?><a b="c">&lt;é<!-- x --><![CDATA[<>]]></a>', '$.a[*] ? (@ > 1 && @.b like_regex "^x")', '''it''''s'':1A,2B fat:3', '''a'' & !(''b'' <-> ''c'':*A)', '"a"=>"1", "b"=>NULL, "c\"d"=>"\\"', 'Top.Science', '978-0-306-40615-7'),
  (2, ' [ ] ', '1e400', 'text only, a fragment <b/>', 'strict $', '', '', '', '', NULL),
  (3, 'null', 'null', '', NULL, NULL, NULL, NULL, NULL, NULL);

CREATE TABLE app.compounds(
  id int PRIMARY KEY, colour app.colour, a int[], t text[], bounds int[], cube int[][][], address app.address, nested app.nested, homes app.address[],
  full_address app.full_address, positives app.some_positive, colours app.colour[], own app.big[], record_free app.no_fields);
INSERT INTO app.compounds VALUES
  (1, 'it''s "x"', '{}', '{"",NULL,"NULL","a,b","{}","\"","\\","\n"}', '[-2:0]={1,NULL,3}', '{{{1,2},{3,4}},{{5,6},{7,8}}}', ROW('a "b", (c)', 'Z1', '(1,2)', 'AT'),
   ROW(1, ROW('x', NULL, NULL, NULL), ARRAY[ROW('y', '', NULL, NULL)::app.address, NULL], 'light blue'), ARRAY[ROW('', NULL, NULL, NULL)::app.address],
   ROW('here', NULL, NULL, NULL), '{1,2}', '{red,NULL,"light blue","it''s \"x\""}', '{1;2}', ROW()),
  (2, 'Grün', '{1,2,NULL}', E'{"tab\t","line\nbreak"}', '[5:5][2:3]={{1,2}}', '{}', ROW(NULL, NULL, NULL, NULL), ROW(NULL, NULL, NULL, NULL), '{}', NULL, '{}', '{}', '{}', NULL),
  (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

CREATE TABLE app.ranges(
  id int PRIMARY KEY, i int4range, b int8range, n numrange, d daterange, t tsrange, tz tstzrange, f app.float_range, txt app.text_range,
  im int4multirange, bm int8multirange, nm nummultirange, dm datemultirange, tm tsmultirange, tzm tstzmultirange, fm app.float_ranges);
INSERT INTO app.ranges VALUES
  (1, '[1,5)', '(,5]', '[1.5,NaN]', '[2024-01-01,infinity)', '[2024-01-01,)', '(2024-01-01 00:00+00,2024-06-01 00:00+00]', '[NaN,NaN]', '["a,b","c""d"]',
   '{[1,3),[5,7)}', '{(,1),[9,)}', '{[1,2],(3,4)}', '{[2024-01-01,2024-02-01)}', '{[2024-01-01,2024-02-01)}', '{}', '{[1,2],[3,4]}'),
  (2, 'empty', 'empty', '(,)', 'empty', 'empty', '(,)', 'empty', 'empty', '{}', '{}', '{}', '{}', '{}', '{(,)}', '{}');

CREATE TABLE app.system(
  id int PRIMARY KEY, c regclass, p regproc, pd regprocedure, o regoper, od regoperator, t regtype, r regrole, n regnamespace, cf regconfig, d regdictionary, co regcollation,
  x xid, x8 xid8, ci cid, ti tid, l pg_lsn, s pg_snapshot, ts txid_snapshot, a aclitem, iv int2vector, ov oidvector, cur refcursor);
INSERT INTO app.system VALUES
  (1, 'app.numbers', 'pg_catalog.now', 'pg_catalog.abs(int)', 'pg_catalog.||/', 'pg_catalog.+(int,int)', 'app.address[]', 'app_owner', 'app', 'simple', 'simple', '"C"',
   '4294967295', '18446744073709551615', '1', '(4294967295,65535)', 'FFFFFFFF/FFFFFFFF', '10:20:10,14,15', '10:20:10,14,15', 'app_owner=r*w/app_owner', '1 2 3', '1 2', 'a cursor'),
  (2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '0', '0', '0', '(0,0)', '0/0', '1:1:', '1:1:', NULL, '', '', NULL);
