"""`--method native`: precisely what pg_dump tells, and what pg_restore makes of it; also for servers that are too old for anything else."""

import os
import pathlib
import subprocess
import time

import pytest

from postgres_compare import Database, assert_equal, drop_database, server_facts
from postgres_server import PostgresServer
from program import Repository

SQL = pathlib.Path(__file__).resolve().parents[1] / "support/postgres"
# The server's statistics of its catalogs decide in which order pg_dump is told of them, and so how it numbers what it dumps: they are
# made when a test says so.
SETTINGS = ("--set", "allow_in_place_tablespaces=on", "--set", "autovacuum=off")
# With the clients of 17. DB_BACKUP_LONG=1: each major that is claimed.
OLDEST = ("postgres10", "postgres11") if os.environ.get("DB_BACKUP_LONG") == "1" else ("postgres11",)
PARTS = ("schema", "rows", "sequence", "large object", "other")


def full_server(servers, name, *scripts):
    folder, started = servers
    started.append(PostgresServer(name, folder, *SETTINGS))
    started[-1].load(SQL / "roles.sql")
    started[-1].make_database("all")
    for script in scripts:
        started[-1].load(SQL / script, "all")
    return started[-1]


@pytest.fixture(scope="module")
def old(servers):
    return full_server(servers, "postgres15", "everything.sql")


@pytest.fixture(scope="module")
def new(servers):
    return full_server(servers, "postgres17", "everything.sql", "since_17.sql")


@pytest.fixture
def stored(program, folder):
    return Repository(program, folder / "repository", "keyfile").init()


def back_up(repository, server, database, *words):
    return repository.json("backup", "--uri", server.uri(database), *words, env=server.environment())


def back_up_natively(repository, server, database, *words):
    return back_up(repository, server, database, "--method", "native", *words)


def restore(repository, server, database, *words, **options):
    options = {"env": server.environment(), **options}
    return repository.run("restore", "latest", "--to", server.uri(database), *words, "--json", **options)


@pytest.mark.parametrize("name", ("old", "new"))
def test_everything_comes_back(request, stored, name):
    server = request.getfixturevalue(name)
    taken = back_up_natively(stored, server, "all")
    assert taken["method"] == "postgres-native" and taken["capture"] == "native" and taken["consistency"] == "view", taken
    restored = restore(stored, server, "back", "--verify").json
    # Nobody has compared rows, so nothing says that they are equal.
    assert not restored["verified"] and "the rows were not compared" in " ".join(restored["warnings"]), restored
    assert_equal(Database(server, "all"), Database(server, "back"))
    drop_database(Database(server, "back"))
    # Equal bytes, so nothing is stored again: the time in the dump's head is taken out.
    again = back_up_natively(stored, server, "all")
    assert again["mode"] == "incremental" and again["capture"] == "native" and not again["reason"], again
    assert again["chunks_new"] == again["chunks_delta"] == 0, again
    stored.run("verify", "--data")


def test_what_pg_dump_numbers_otherwise_costs_next_to_nothing(stored, new):
    """Once the server has statistics of its catalogs, it tells of them in another order; pg_dump numbers what it dumps in that order,
    and writes the numbers into the table of contents and before the rows of each table. All else is the same."""
    new.make_database("numbered", '"all"')
    first = back_up_natively(stored, new, "numbered")
    before = dumped(new, "numbered")
    catalogs = "SELECT format('ANALYZE %s', oid::regclass) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'pg_catalog'::regnamespace"
    new.psql(catalogs + " \\gexec", "numbered")
    after = dumped(new, "numbered")
    again = back_up_natively(stored, new, "numbered")
    assert before["sql"] == after["sql"]
    assert again["chunks_new"] == 0, again
    assert (again["chunks_delta"] > 0) == (before["numbers"] != after["numbers"]), again
    assert again["bytes_added"] < first["bytes_added"] / 20, (first, again)
    third = back_up_natively(stored, new, "numbered")
    assert third["chunks_new"] == third["chunks_delta"] == 0, third
    restore(stored, new, "back")
    assert_equal(Database(new, "numbered"), Database(new, "back"))
    drop_database(Database(new, "back"))
    drop_database(Database(new, "numbered"))


def dumped(server, database):
    """The numbers of pg_dump's table of contents, and the SQL that they belong to."""
    archive = server.call("pg_dump", "--format=custom", "--compress=0", "-d", server.uri(database), text=False).stdout
    listed = server.call("pg_restore", "--list", input=archive, text=False).stdout
    sql = server.call("pg_restore", "--file=-", input=archive, text=False).stdout
    return {
        "numbers": [line.split(b";")[0] for line in listed.splitlines() if not line.startswith(b";")],
        "sql": [line for line in sql.splitlines() if not line.startswith((b"\\restrict", b"\\unrestrict"))],
    }


def test_everything_goes_to_a_later_major(stored, old, new):
    back_up_natively(stored, old, "all")
    restore(stored, new, "from_15")
    assert_equal(Database(old, "all"), Database(new, "from_15"))
    drop_database(Database(new, "from_15"))


def make_few(server, database):
    """The table's owner is named after the database."""
    server.make_database(database)
    server.psql(
        f"CREATE ROLE keeper_{database}; CREATE TABLE t(id serial PRIMARY KEY, x text); ALTER TABLE t OWNER TO keeper_{database};"
        "INSERT INTO t(x) SELECT md5(i::text) FROM generate_series(1, 20000) i; CREATE INDEX ON t(x);"
        "CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$BEGIN\nSET transaction_timeout = 0;\nRETURN 'x';\nEND$$;"
        "SELECT lo_from_bytea(4711, 'large'); GRANT SELECT ON t TO PUBLIC; ALTER DATABASE " + database + " SET work_mem = '5MB'",
        database,
    )


@pytest.mark.parametrize("name", OLDEST)
def test_servers_that_are_too_old_are_backed_up_natively(stored, servers, new, name):
    folder, started = servers
    server = PostgresServer(name, folder)
    started.append(server)
    make_few(server, "few")
    refused = stored.run("backup", "--uri", server.uri("few"), "--json", code=20, env=server.environment())
    assert refused.error["code"] == "server_too_old" and refused.error["hint"] == "Use --method native.", refused
    back_up_natively(stored, server, "few")
    restore(stored, new, "from_old", "--roles", "--verify")
    assert new.psql("SELECT count(*), max(x) FROM t", "from_old") == server.psql("SELECT count(*), max(x) FROM t", "few")
    assert new.psql("SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 't'", "from_old") == "keeper_few"
    new.psql("DROP DATABASE from_old; DROP ROLE keeper_few")
    # Back to where it was: pg_restore of 17 tells such a server what it does not know.
    restore(stored, server, "again")
    facts = "SELECT count(*), max(x), sum(id), (SELECT lo_get(4711)), (SELECT last_value FROM t_id_seq), current_setting('work_mem') FROM t"
    assert server.psql(facts, "again") == server.psql(facts, "few")
    assert "transaction_timeout" in server.psql("SELECT prosrc FROM pg_proc WHERE proname = 'f'", "again")
    restore(stored, server, "again", code=2)
    server.psql("INSERT INTO t(x) VALUES('more')", "again")
    restore(stored, server, "again", "--clean")
    assert server.psql(facts, "again") == server.psql(facts, "few")
    assert "restoring" not in server.psql("SELECT string_agg(datname, ' ') FROM pg_database")


def test_snapshots_of_both_methods_follow_one_another(stored, new):
    make_few(new, "mixed")
    first = back_up(stored, new, "mixed")
    second = back_up_natively(stored, new, "mixed")
    new.psql("INSERT INTO t(x) SELECT 'new' FROM generate_series(1, 100)", "mixed")
    refused = stored.run("backup", "--uri", new.uri("mixed"), "--no-fallback", "--json", code=20, env=new.environment())
    assert refused.error["code"] == "fallback_refused" and "pg_dump" in refused.error["message"], refused
    third = back_up(stored, new, "mixed")
    fourth = back_up_natively(stored, new, "mixed", "--no-fallback")
    assert [each["parent"] for each in (second, third, fourth)] == [each["snapshot"] for each in (first, second, third)]
    assert third["capture"] == "reread" and "--method native" in third["reason"], third
    assert back_up(stored, new, "mixed")["capture"] == "reread"
    assert back_up(stored, new, "mixed")["capture"] == "tracked"
    for snapshot in (third, fourth):
        words = ("restore", snapshot["snapshot"], "--to", new.uri("again"), "--clean")
        stored.run(*words, env=new.environment())
        assert_equal(Database(new, "mixed"), Database(new, "again"), (*PARTS, "property"))
    new.psql("DROP DATABASE mixed; DROP DATABASE again; DROP ROLE keeper_mixed")


def test_owners_privileges_and_roles_are_left_out_or_made(stored, old, servers):
    folder, started = servers
    make_few(old, "owned")
    back_up_natively(stored, old, "owned")
    other = PostgresServer("postgres15", folder, place="lacking")
    started.append(other)
    lacking = restore(stored, other, "owned", code=2)
    assert lacking.error["code"] == "target_lacks" and "keeper_owned" in lacking.error["message"], lacking
    assert "owned" not in other.psql("SELECT string_agg(datname, ' ') FROM pg_database")
    restore(stored, other, "owned", "--no-owner", "--no-privileges")
    owner = "SELECT pg_get_userbyid(relowner), relacl IS NULL FROM pg_class WHERE relname = 't'"
    assert other.psql(owner, "owned") == "admin|t"
    restore(stored, other, "owned", "--clean", "--roles")
    assert_equal(Database(old, "owned"), Database(other, "owned"))
    assert "role keeper_owned" in server_facts(other)
    old.psql("DROP DATABASE owned; DROP ROLE keeper_owned")


def test_parts_are_not_to_be_had(stored, new):
    make_few(new, "whole")
    back_up_natively(stored, new, "whole")
    refused = restore(stored, new, "part", "--include", "public.t", code=2)
    assert refused.error["code"] == "selection_not_supported", refused
    refused = stored.run("show", "latest", "--tables", "--json", code=2)
    assert refused.error["code"] == "tables_not_supported", refused
    new.psql("DROP DATABASE whole; DROP ROLE keeper_whole")


def test_a_table_that_is_locked_is_waited_for_as_long_as_told(stored, new):
    make_few(new, "locked")
    words = ("-X", "-q", "-d", new.uri("locked"), "-c", "BEGIN; LOCK TABLE t; SELECT pg_sleep(60)")
    holder = subprocess.Popen([new.bin / "psql", *words], env=new.environment(LC_ALL="C.UTF-8"), stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    while new.psql("SELECT count(*) FROM pg_locks WHERE relation = 't'::regclass AND mode = 'AccessExclusiveLock'", "locked") == "0":
        assert time.monotonic() < deadline
    words = ("backup", "--uri", new.uri("locked"), "--method", "native", "--lock-timeout", "1s", "--json")
    refused = stored.run(*words, code=20, env=new.environment())
    assert refused.error["code"] == "source_locked", refused
    assert stored.list() == []
    holder.kill()
    holder.wait()
    new.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'BEGIN; LOCK%' AND pid <> pg_backend_pid()")
    new.psql("DROP DATABASE locked WITH (FORCE); DROP ROLE keeper_locked")


def wait_for(condition, what):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def test_who_dies_half_way_leaves_nothing_that_looks_done(stored, old):
    make_few(old, "dying")
    old.psql("INSERT INTO t(x) SELECT repeat(md5(i::text), 20) FROM generate_series(1, 100000) i", "dying")
    words = ("--method", "native", "--uri", old.uri("dying"))
    process = stored.start("backup", *words, env=old.environment())
    is_dumping = "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = 'dying' AND query LIKE 'COPY public.t %'"
    wait_for(lambda: old.psql(is_dumping) == "t", "pg_dump did not begin")
    process.kill()
    process.wait()
    assert stored.list() == []
    back_up_natively(stored, old, "dying")
    for death in ("program", "pg_restore"):
        process = stored.start("restore", "latest", "--to", old.uri("risen"), env=old.environment())
        is_loading = "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname LIKE 'risen_restoring%' AND query LIKE 'COPY public.t %'"
        wait_for(lambda query=is_loading: old.psql(query) == "t", "pg_restore did not begin")
        if death == "program":
            process.kill()
            process.wait()
            # Its children die with it, or end at the end of what they get: nothing goes on.
            wait_for(lambda query=is_loading: old.psql(query) == "f", "pg_restore goes on")
        else:
            old.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'risen_restoring%' AND query LIKE 'COPY%'")
            assert process.wait() == 20
        assert "risen" not in old.psql("SELECT datname FROM pg_database").split()
    restore(stored, old, "risen")
    assert_equal(Database(old, "dying"), Database(old, "risen"), (*PARTS, "property"))
    assert "restoring" not in old.psql("SELECT string_agg(datname, ' ') FROM pg_database")
    old.psql("DROP DATABASE dying; DROP DATABASE risen; DROP ROLE keeper_dying")


def test_a_standby_gives_all_but_unlogged_rows(stored, servers):
    folder, started = servers
    for name, *options in (("postgres17",), ("postgres17-standby", "--of", folder / "primary")):
        started.append(PostgresServer(name, folder, *options, place="primary" if not options else "standby"))
    primary, standby = started[-2:]
    make_few(primary, "shown")
    primary.psql("CREATE UNLOGGED TABLE u(a int); INSERT INTO u VALUES(1); CREATE TABLE is_last()", "shown")
    wait_for(lambda: "shown" in standby.psql("SELECT datname FROM pg_database").split(), "the standby does not follow")
    wait_for(lambda: standby.psql("SELECT count(*) FROM pg_class WHERE relname = 'is_last'", "shown") == "1", "the standby does not follow")
    words = ("--uri", standby.uri("shown"), "--method", "native", "--json")
    taken = stored.run("backup", *words, code=3, env=standby.environment()).json
    assert "public.u" in " ".join(taken["warnings"]), taken
    restore(stored, primary, "back")
    assert primary.psql("SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM u)", "back") == "20000|0"
