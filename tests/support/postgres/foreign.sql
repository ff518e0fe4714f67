-- Foreign data, publications and subscriptions.
CREATE EXTENSION postgres_fdw SCHEMA extensions;
CREATE FUNCTION app.fdw_handler() RETURNS fdw_handler LANGUAGE c STRICT AS '$libdir/postgres_fdw', 'postgres_fdw_handler';
CREATE FOREIGN DATA WRAPPER app_wrapper HANDLER app.fdw_handler OPTIONS (host 'it''s', "Odd name" 'x');
CREATE SERVER elsewhere TYPE 'a type' VERSION '1.0' FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'db.example.org', port '5433', dbname 'far "away"', fetch_size '500');
CREATE USER MAPPING FOR app_owner SERVER elsewhere OPTIONS (user 'them', password 'it''s "secret"\');
CREATE USER MAPPING FOR PUBLIC SERVER elsewhere OPTIONS (user 'all', password_required 'true');
CREATE FOREIGN TABLE app.far_away(id int OPTIONS (column_name 'ID') NOT NULL, t text COLLATE "C" DEFAULT 'x', CHECK (id > 0)) SERVER elsewhere OPTIONS (schema_name 'public', table_name 'far');
CREATE FOREIGN TABLE app.far_child(more int) INHERITS (app.parent) SERVER elsewhere;
CREATE FOREIGN TABLE app.sales_far PARTITION OF app.by_null FOR VALUES IN ('far') SERVER elsewhere;
COMMENT ON SERVER elsewhere IS 'not here';
COMMENT ON FOREIGN TABLE app.far_away IS 'remote';
COMMENT ON FOREIGN DATA WRAPPER app_wrapper IS 'wraps';
ALTER SERVER elsewhere OWNER TO app_owner;
GRANT USAGE ON FOREIGN SERVER elsewhere TO app_writer WITH GRANT OPTION;
GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO app_owner;

CREATE PUBLICATION of_all FOR ALL TABLES WITH (publish = 'insert, truncate');
CREATE PUBLICATION of_some FOR TABLE app.people (id, mentor), ONLY app.parent, app.departments WHERE (id > 5 AND id <> 7) WITH (publish_via_partition_root = true);
CREATE PUBLICATION of_schema FOR TABLES IN SCHEMA extensions, TABLE app.numbers;
CREATE PUBLICATION of_none;
ALTER PUBLICATION of_some OWNER TO app_auditor;
COMMENT ON PUBLICATION of_some IS 'some';
CREATE SUBSCRIPTION to_nowhere CONNECTION 'host=db.example.org dbname=''far "away"'' password=''it\''s''' PUBLICATION one, "Two" WITH (connect = false, slot_name = NONE, synchronous_commit = 'off', binary = true, streaming = true, two_phase = false, disable_on_error = true);
COMMENT ON SUBSCRIPTION to_nowhere IS 'never connects';
