-- Large objects: empty, of several pages, with holes, owned, granted and commented.
SELECT lo_create(100001);
SELECT lo_from_bytea(100002, '\x00ff5c27220a0d09');
SELECT lo_from_bytea(100003, convert_to(repeat('0123456789', 20000), 'UTF8'));
SELECT lo_create(100004);
BEGIN;
SELECT lo_open(100004, 131072) AS descriptor \gset
SELECT lo_lseek64(:descriptor, 5000000, 0), lowrite(:descriptor, '\x656e64');
COMMIT;
SELECT lo_from_bytea(4294967290, '\x01');
ALTER LARGE OBJECT 100002 OWNER TO app_owner;
GRANT SELECT ON LARGE OBJECT 100002 TO app_reader;
GRANT SELECT, UPDATE ON LARGE OBJECT 100003 TO app_writer WITH GRANT OPTION;
GRANT SELECT ON LARGE OBJECT 100004 TO PUBLIC;
COMMENT ON LARGE OBJECT 100003 IS 'it''s large';
CREATE TABLE app.pictures(id int, content oid);
INSERT INTO app.pictures VALUES(1, 100001), (2, 100002), (3, 4294967290);
