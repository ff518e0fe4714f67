-- Roles, memberships and settings of a whole server, which everything.sql needs. Once per server.
\set ON_ERROR_STOP on
SET password_encryption = 'scram-sha-256';
CREATE ROLE app_owner LOGIN CREATEDB PASSWORD 'SCRAM-SHA-256$4096:c2FsdCBvZiB0ZXN0cw==$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=:Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=';
CREATE ROLE app_writer NOLOGIN;
CREATE ROLE app_reader NOLOGIN NOINHERIT;
CREATE ROLE app_auditor LOGIN CONNECTION LIMIT 3 VALID UNTIL '2099-12-31 23:59:59+00' REPLICATION BYPASSRLS;
CREATE ROLE "Rôle with ""quotes"" and 'apostrophes'" CREATEROLE;
CREATE ROLE app_nobody NOLOGIN;
CREATE ROLE app_forever LOGIN VALID UNTIL 'infinity';
COMMENT ON ROLE app_owner IS 'owns things; it''s "quoted"' ;
GRANT app_writer TO app_owner WITH ADMIN OPTION;
GRANT app_reader TO app_writer;
GRANT app_reader TO "Rôle with ""quotes"" and 'apostrophes'";
GRANT pg_monitor, pg_read_all_settings TO app_auditor;
ALTER ROLE app_owner SET search_path = app, public;
ALTER ROLE app_owner SET work_mem = '8MB';
ALTER ROLE app_reader SET default_transaction_read_only = on;
ALTER ROLE "Rôle with ""quotes"" and 'apostrophes'" SET application_name = 'it''s "me"';
ALTER ROLE ALL SET tcp_keepalives_idle = 77;
GRANT SET ON PARAMETER log_min_duration_statement TO app_auditor;
GRANT ALTER SYSTEM ON PARAMETER work_mem TO app_owner WITH GRANT OPTION;
SET allow_in_place_tablespaces = on;
CREATE TABLESPACE app_space OWNER app_owner LOCATION '' WITH (random_page_cost = 1.5);
COMMENT ON TABLESPACE app_space IS 'a second disk';
GRANT CREATE ON TABLESPACE app_space TO app_writer;
