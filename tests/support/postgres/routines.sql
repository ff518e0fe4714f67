-- Functions, procedures and aggregates in several languages, with every clause.
CREATE FUNCTION app.add(a int, b int DEFAULT 1 + 1) RETURNS int LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF COST 5 RETURN a + b;
CREATE FUNCTION app.total(VARIADIC numbers numeric[]) RETURNS numeric LANGUAGE sql STABLE BEGIN ATOMIC
  SELECT sum(n) FROM unnest(numbers) AS n;
END;
CREATE FUNCTION app.both(INOUT a int, OUT b text, c anyelement DEFAULT NULL::text) LANGUAGE plpgsql AS $body$
BEGIN
  -- 'quotes', "names", $$dollars$$ and \backslashes
  b := format(E'%s\t%L', a, c);
END
$body$;
CREATE FUNCTION app.series(n int) RETURNS TABLE(i int, square int) LANGUAGE sql ROWS 7 AS 'SELECT i, i * i FROM generate_series(1, n) AS i';
CREATE FUNCTION app.as_owner() RETURNS name LANGUAGE sql SECURITY DEFINER SET search_path = app, pg_temp SET work_mem = '4MB' AS 'SELECT current_user';
CREATE FUNCTION app.from_perl(text) RETURNS text LANGUAGE plperl AS $$ my ($text) = @_; return "perl: $text"; $$;
CREATE FUNCTION app.from_python(numbers int[]) RETURNS int LANGUAGE plpython3u AS $$
# a comment
return sum(numbers)
$$;
CREATE FUNCTION app.from_json(val jsonb) RETURNS text LANGUAGE plperl TRANSFORM FOR TYPE jsonb AS $$ return ref $_[0]; $$;
CREATE FUNCTION app.in_c(cstring) RETURNS extensions.hstore LANGUAGE c IMMUTABLE STRICT AS '$libdir/hstore', 'hstore_in';
CREATE FUNCTION app.windowed() RETURNS bigint LANGUAGE internal WINDOW AS 'window_row_number';
CREATE FUNCTION app.overloaded(int) RETURNS text LANGUAGE sql AS $$ SELECT 'int' $$;
CREATE FUNCTION app.overloaded(text) RETURNS text LANGUAGE sql AS $$ SELECT 'text' $$;
CREATE FUNCTION "Sch""ema with 'quotes', $dollars$ and
a newline"."f""n '1'
"("a ""b""" int) RETURNS int LANGUAGE sql AS 'SELECT $1';
CREATE PROCEDURE app.do_it(IN a int, OUT c int, INOUT b text DEFAULT 'x') LANGUAGE plpgsql AS 'BEGIN COMMIT; c := a; END';
COMMENT ON FUNCTION app.overloaded(text) IS 'the one for texts';
COMMENT ON PROCEDURE app.do_it IS 'does it';
ALTER FUNCTION app.as_owner() OWNER TO app_owner;
ALTER FUNCTION app.add(int, int) DEPENDS ON EXTENSION hstore;
REVOKE ALL ON FUNCTION app.as_owner() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.as_owner() TO app_reader, app_auditor;
GRANT EXECUTE ON PROCEDURE app.do_it TO app_writer WITH GRANT OPTION;

CREATE FUNCTION app.sum_step(state bigint, value int) RETURNS bigint LANGUAGE sql IMMUTABLE RETURN coalesce(state, 0) + coalesce(value, 0);
CREATE FUNCTION app.sum_back(state bigint, value int) RETURNS bigint LANGUAGE sql IMMUTABLE RETURN coalesce(state, 0) - coalesce(value, 0);
CREATE AGGREGATE app.my_sum(int) (SFUNC = app.sum_step, STYPE = bigint, INITCOND = '0', COMBINEFUNC = int8pl, PARALLEL = SAFE,
  MSFUNC = app.sum_step, MINVFUNC = app.sum_back, MSTYPE = bigint, MINITCOND = '0');
CREATE AGGREGATE app.my_percentile(float8 ORDER BY float8) (SFUNC = ordered_set_transition, STYPE = internal, FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA);
CREATE AGGREGATE app.my_count(*) (SFUNC = int8inc, STYPE = bigint, INITCOND = '0', FINALFUNC_MODIFY = READ_ONLY);
COMMENT ON AGGREGATE app.my_sum(int) IS 'adds';

CREATE FUNCTION app.my_handler() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler';
CREATE TRUSTED LANGUAGE another_plpgsql HANDLER app.my_handler;
CREATE FUNCTION app.in_another() RETURNS int LANGUAGE another_plpgsql AS 'BEGIN RETURN 3; END';
GRANT USAGE ON LANGUAGE another_plpgsql TO app_writer;
REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC;
GRANT USAGE ON LANGUAGE plpgsql TO app_owner;


-- Never called: with the functions that PostgreSQL's own tests take for it.
CREATE TRANSFORM FOR app.big LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal));
COMMENT ON TRANSFORM FOR app.big LANGUAGE sql IS 'from there';
