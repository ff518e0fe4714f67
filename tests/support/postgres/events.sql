-- Event triggers, last: they see what comes after them.
CREATE FUNCTION app.saw_it() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE DEBUG 'saw % %', TG_EVENT, TG_TAG; END $$;
CREATE FUNCTION app.refuses_all() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'a restore must not run this'; END $$;
CREATE EVENT TRIGGER disabled_one ON ddl_command_start EXECUTE FUNCTION app.refuses_all();
ALTER EVENT TRIGGER disabled_one DISABLE;
CREATE EVENT TRIGGER sees_starts ON ddl_command_start WHEN TAG IN ('CREATE TABLE', 'DROP FUNCTION') EXECUTE FUNCTION app.saw_it();
CREATE EVENT TRIGGER sees_ends ON ddl_command_end EXECUTE FUNCTION app.saw_it();
CREATE EVENT TRIGGER sees_drops ON sql_drop EXECUTE FUNCTION app.saw_it();
CREATE EVENT TRIGGER sees_rewrites ON table_rewrite EXECUTE FUNCTION app.saw_it();
ALTER EVENT TRIGGER sees_drops ENABLE REPLICA;
ALTER EVENT TRIGGER sees_rewrites ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER sees_ends IS 'at the end';
