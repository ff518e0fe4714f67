-- Triggers of every kind and state, and row security.
CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO app.log VALUES(TG_NAME || ' ' || coalesce(TG_ARGV[0], '') || ' ' || TG_OP);
  RETURN coalesce(NEW, OLD);
END
$$;
CREATE FUNCTION app.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'a restore must not run this'; END $$;
CREATE TABLE app.watched(id int PRIMARY KEY, t text, at timestamptz);
INSERT INTO app.watched VALUES(1, 'x', '2024-01-01 00:00+00');
CREATE TRIGGER before_each BEFORE INSERT OR UPDATE OF t ON app.watched FOR EACH ROW WHEN (NEW.id > 0) EXECUTE FUNCTION app.touch('it''s', E'a\nb\\');
CREATE TRIGGER after_all AFTER TRUNCATE ON app.watched FOR EACH STATEMENT EXECUTE FUNCTION app.touch();
CREATE TRIGGER with_tables AFTER UPDATE ON app.watched REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION app.touch();
CREATE CONSTRAINT TRIGGER checked_late AFTER INSERT OR UPDATE ON app.watched DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE CONSTRAINT TRIGGER from_other AFTER DELETE ON app.watched FROM app.people NOT DEFERRABLE FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE TRIGGER disabled BEFORE INSERT ON app.watched FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE TRIGGER on_replica BEFORE INSERT ON app.watched FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE TRIGGER always_there BEFORE INSERT ON app.watched FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE TRIGGER "tri""gger 'x'" BEFORE DELETE ON app.watched FOR EACH ROW EXECUTE FUNCTION app.refuse();
CREATE TRIGGER refuses BEFORE INSERT ON app.watched FOR EACH ROW EXECUTE FUNCTION app.refuse();
ALTER TABLE app.watched DISABLE TRIGGER disabled, ENABLE REPLICA TRIGGER on_replica, ENABLE ALWAYS TRIGGER always_there;
CREATE TRIGGER into_view INSTEAD OF INSERT ON app.grouped FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE TRIGGER on_partitions AFTER INSERT ON app.sales FOR EACH ROW EXECUTE FUNCTION app.touch();
ALTER TABLE app.sales_later DISABLE TRIGGER on_partitions;
COMMENT ON TRIGGER disabled ON app.watched IS 'not now';

CREATE TABLE app.secrets(id int, owner name, content text);
INSERT INTO app.secrets VALUES(1, 'app_owner', 'a'), (2, 'app_reader', 'b'), (3, 'nobody', 'c');
ALTER TABLE app.secrets OWNER TO app_owner;
ALTER TABLE app.secrets ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.secrets FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON app.secrets USING (owner = current_user);
CREATE POLICY reading ON app.secrets AS RESTRICTIVE FOR SELECT TO app_reader, app_writer USING (id < 100);
CREATE POLICY "po""licy 'x'" ON app.secrets FOR INSERT TO PUBLIC WITH CHECK (content <> E'a\\b');
CREATE TABLE app.policies_asleep(id int);
INSERT INTO app.policies_asleep VALUES(1);
CREATE POLICY asleep ON app.policies_asleep FOR UPDATE USING (id = 1) WITH CHECK (id > 0);
COMMENT ON POLICY own_rows ON app.secrets IS 'each their own';
