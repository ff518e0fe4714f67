"""Are two databases, or two servers, the same? As far as pg_dump can carry them.

Schemas are compared as the text of pg_dump --schema-only. Between majors, which write the same views
and privileges in other words, with what pg_dump of the first one's own version makes of it on the
server of the second. All else is read from the catalogs, and rows are compared by hashes that do not depend on
their order.
"""

import contextlib
import difflib
import json
import re
import secrets
import typing

from postgres_server import PostgresServer

# What decides how a value looks, whatever the database or the role says.
SETTINGS = {
    "search_path": "", "DateStyle": "ISO", "IntervalStyle": "postgres", "TimeZone": "UTC", "bytea_output": "hex",
    "extra_float_digits": "1", "lc_monetary": "C", "xmloption": "content", "row_security": "off",
    "default_transaction_read_only": "off", "standard_conforming_strings": "on",
}  # fmt: skip
OPTIONS = " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())
SAMPLES, SAMPLED_ROWS_MAX = 3, 20_000


class Database(typing.NamedTuple):
    server: PostgresServer
    name: str

    def environment(self):
        """That of its clients; bytes that nobody can translate are passed on as they are."""
        encoding = {"PGCLIENTENCODING": "UTF8"}
        if self.ask("SELECT getdatabaseencoding()", PGCLIENTENCODING="SQL_ASCII") == "SQL_ASCII":
            encoding = {"PGCLIENTENCODING": "SQL_ASCII"}
        return {"PGOPTIONS": OPTIONS, **encoding}

    def ask(self, sql, **changes):
        return self.server.psql(sql, self.name, encoding="utf-8", errors="backslashreplace", changes={"PGOPTIONS": OPTIONS, **changes})

    def facts(self, sql):
        """What a query of two columns, a name and anything, gives."""
        query = f"SELECT coalesce(json_object_agg(name, fact), '{{}}') FROM ({sql}) AS asked(name, fact)"
        return json.loads(self.ask(query, **self.environment()))


def relation(alias_of_class="c", alias_of_namespace="n"):
    return f"format('%I.%I', {alias_of_namespace}.nspname, {alias_of_class}.relname)"


USERS_OWN = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"


def privileges(acl, kind, owner):
    """An ACL as names, in one order; none is what the owner has by default."""
    return f"""(SELECT json_agg(format('%s: %s%s by %s', coalesce(r.rolname, 'public'), x.privilege_type,
        CASE WHEN x.is_grantable THEN ' with option' END, g.rolname)
        ORDER BY r.rolname COLLATE "C", x.privilege_type, g.rolname COLLATE "C", x.is_grantable)
      FROM aclexplode(coalesce({acl}, acldefault('{kind}', {owner}))) AS x
      LEFT JOIN pg_roles AS r ON r.oid = x.grantee LEFT JOIN pg_roles AS g ON g.oid = x.grantor)"""


# Tables whose rows are looked at, and whether with those of their partitions: a hash of an enum is
# another one in another database, so which partition has a row tells nothing.
TABLES = f"""
WITH RECURSIVE hashed AS (
  SELECT partrelid AS oid, partrelid AS root FROM pg_partitioned_table WHERE partstrat = 'h'
  UNION
  SELECT i.inhrelid, h.root FROM hashed AS h JOIN pg_inherits AS i ON i.inhparent = h.oid)
SELECT {relation()} AS name, c.relkind = 'p' AS is_whole
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE {USERS_OWN} AND (c.relkind = 'r' OR c.relkind = 'm' AND c.relispopulated
    OR c.relkind = 'p' AND EXISTS (SELECT FROM hashed AS h WHERE h.root = c.oid))
  AND NOT EXISTS (SELECT FROM hashed AS h WHERE h.oid = c.oid AND h.root <> c.oid)"""
ROW = '"the whole row, whatever its columns are"'


def rows(database):
    """Per table the number of rows and a hash of them."""
    text = f'{ROW}::text COLLATE "C"'
    each = (
        f"SELECT json_build_object(%L, json_build_array(count(*), coalesce(sum(hashtextextended({text}, 0)::numeric), 0)::text,"
        f" coalesce(sum(hashtextextended({text}, 1)::numeric), 0)::text)) FROM %s%s AS {ROW}"
    )
    query = f"SELECT format({quoted(each)}, name, CASE WHEN NOT is_whole THEN 'ONLY ' END, name) FROM ({TABLES}) AS tables \\gexec"
    found = {}
    for line in database.ask(query, **database.environment()).splitlines():
        found.update(json.loads(line))
    return found


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def some_rows(database, table):
    return set(database.ask(f"SELECT {ROW}::text FROM {table} AS {ROW}", **database.environment()).splitlines())


def differing_rows(one, other, table, counts):
    """A few that only one has, for people."""
    if max(counts) > SAMPLED_ROWS_MAX:
        return ""
    first, second = some_rows(one, table), some_rows(other, table)
    return f"\n  only in the first: {sorted(first - second)[:SAMPLES]}\n  only in the second: {sorted(second - first)[:SAMPLES]}"


def sequences(database):
    query = f"""SELECT format('SELECT json_build_object(%L, json_build_array(last_value, is_called)) FROM %s', {relation()}, {relation()})
      FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relkind = 'S' AND {USERS_OWN} \\gexec"""
    found = {}
    for line in database.ask(query, **database.environment()).splitlines():
        found.update(json.loads(line))
    return found


def large_objects(database):
    return database.facts(f"""SELECT m.oid, json_build_array(length(lo_get(m.oid)), md5(lo_get(m.oid)), pg_get_userbyid(m.lomowner),
        obj_description(m.oid, 'pg_largeobject'), {privileges("m.lomacl", "L", "m.lomowner")}) FROM pg_largeobject_metadata AS m""")


def others(database):
    """What the text of pg_dump does not tell: versions of extensions, what is filled and what is usable."""
    return database.facts(f"""
      SELECT 'extension ' || extname, json_build_array(nspname, extversion)
        FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
      UNION ALL SELECT 'filled ' || {relation()}, to_json(c.relispopulated)
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relkind = 'm' AND {USERS_OWN}
      UNION ALL SELECT 'valid index ' || {relation()}, json_build_array(i.indisvalid, i.indisready, i.indislive)
        FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE {USERS_OWN}
      UNION ALL SELECT format('constraint %I on %s', x.conname, {relation()}), json_build_array(x.convalidated, x.conislocal, x.coninhcount)
        FROM pg_constraint AS x JOIN pg_class AS c ON c.oid = x.conrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE {USERS_OWN}
        AND x.contype <> 'n'""")


def settings_of(condition):
    return f"""SELECT json_agg(line ORDER BY line) FROM (
      SELECT format('%s: %s', coalesce(r.rolname, 'all'), each) AS line
      FROM pg_db_role_setting AS s LEFT JOIN pg_roles AS r ON r.oid = s.setrole CROSS JOIN unnest(s.setconfig) AS each
      WHERE {condition}) AS lines"""


def properties(database):
    """Of the database itself; its name is not among them."""
    locale = "datlocale" if database.server.major >= 17 else "daticulocale"
    return database.facts(f"""SELECT key, value FROM pg_database AS d CROSS JOIN LATERAL json_each(json_build_object(
        'encoding', pg_encoding_to_char(encoding), 'collation', datcollate, 'character types', datctype, 'provider', datlocprovider,
        'locale', {locale}, 'connections', datconnlimit, 'template', datistemplate, 'allows connections', datallowconn,
        'owner', pg_get_userbyid(datdba), 'comment', shobj_description(d.oid, 'pg_database'),
        'tablespace', (SELECT spcname FROM pg_tablespace AS t WHERE t.oid = dattablespace),
        'privileges', {privileges("datacl", "d", "datdba")}, 'settings', ({settings_of("s.setdatabase = d.oid")}))) AS each
      WHERE datname = current_database()""")


def schema(database):
    """The text that makes it, without what differs at each call or by the server."""
    encoding = database.environment()["PGCLIENTENCODING"]
    words = ("--schema-only", "--encoding", encoding, "-d", database.server.uri(database.name))
    done = database.server.call("pg_dump", *words, encoding="utf-8", errors="backslashreplace")
    without = re.compile(r"\\(un)?restrict |-- Dumped (from|by) ")
    return [line for line in done.stdout.splitlines() if not without.match(line)]


@contextlib.contextmanager
def carried_by_pg_dump(database, server):
    """The schema of a database on another server, as pg_dump carries it."""
    encoding = database.ask("SELECT getdatabaseencoding()", PGCLIENTENCODING="SQL_ASCII")
    copy = Database(server, server.make_database(f"carried_{secrets.token_hex(4)}", options=f"ENCODING '{encoding}' LOCALE 'C'"))
    try:
        dump = database.server.call("pg_dump", "--schema-only", "-d", database.server.uri(database.name), text=False)
        changes = {"PGOPTIONS": "-c client_min_messages=error"}
        server.call("psql", "-X", "-q", "-d", server.uri(copy.name), text=False, input=dump.stdout, changes=changes)
        yield copy
    finally:
        drop_database(copy)


def drop_database(database):
    """With its subscriptions, which never connected anywhere: they would keep it."""
    database.server.psql("SELECT format('DROP SUBSCRIPTION %I', subname) FROM pg_subscription JOIN pg_database AS d ON d.oid = subdbid"
                         " WHERE d.datname = current_database() \\gexec", database.name)  # fmt: skip
    name = database.name.replace('"', '""')
    database.server.psql(f'DROP DATABASE "{name}" WITH (FORCE)')


def schema_differences(one, other):
    with contextlib.ExitStack() as stack:
        if one.server.major != other.server.major:
            one = stack.enter_context(carried_by_pg_dump(one, other.server))
        lines = difflib.unified_diff(schema(one), schema(other), "first", "second", lineterm="", n=1)
        text = "\n".join(lines)
    return [f"schema:\n{text}"] if text else []


def fact_differences(part, first, second):
    told = [{name: json.dumps(fact) for name, fact in facts.items()} for facts in (first, second)]
    pairs = [(name, *(facts.get(name, "missing") for facts in told)) for name in sorted(set(first) | set(second))]
    return [f"{part} {name}: {one} and {other}" for name, one, other in pairs if one != other]


def row_differences(one, other):
    first, second = rows(one), rows(other)
    found = []
    for name in sorted(set(first) | set(second)):
        if name not in first or name not in second:
            found.append(f"rows {name}: the table is only in the {'first' if name in first else 'second'}")
        elif first[name] != second[name]:
            counts = first[name][0], second[name][0]
            found.append(f"rows {name}: {counts[0]} and {counts[1]}{differing_rows(one, other, name, counts)}")
    return found


def other_differences(one, other):
    """Extensions have other versions on other majors."""
    first, second = others(one), others(other)
    if one.server.major != other.server.major:
        for facts in (first, second):
            facts.update({name: value[:1] for name, value in facts.items() if name.startswith("extension ")})
    return fact_differences("other", first, second)


PARTS = {
    "schema": schema_differences,
    "rows": row_differences,
    "sequence": lambda one, other: fact_differences("sequence", sequences(one), sequences(other)),
    "large object": lambda one, other: fact_differences("large object", large_objects(one), large_objects(other)),
    "other": other_differences,
    "property": lambda one, other: fact_differences("property", properties(one), properties(other)),
}


def differences(one, other, parts=tuple(PARTS)):
    """What differs between two databases, in words; nothing when they are equal."""
    return [each for part in parts for each in PARTS[part](one, other)]


def assert_equal(one, other, parts=tuple(PARTS)):
    found = differences(one, other, parts)
    assert not found, "\n".join(found)


def server_facts(server):
    """Roles, memberships, settings, privileges on parameters, and tablespaces, but for what the servers begin with."""
    membership = "m.admin_option" + (", m.inherit_option, m.set_option" if server.major >= 16 else "")
    ours = "r.rolname !~ '^pg_' AND r.rolname NOT IN ('admin', 'reader')"
    return Database(server, "postgres").facts(f"""
      SELECT format('role %I', r.rolname), json_build_array(rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin,
        rolreplication, rolbypassrls, rolconnlimit, rolpassword, rolvaliduntil, shobj_description(r.oid, 'pg_authid'))
        FROM pg_authid AS r WHERE {ours}
      UNION ALL SELECT format('membership of %I in %I by %I', r.rolname, pg_get_userbyid(m.roleid), pg_get_userbyid(m.grantor)),
        json_build_array({membership}) FROM pg_auth_members AS m JOIN pg_roles AS r ON r.oid = m.member WHERE {ours}
      UNION ALL SELECT 'settings', ({settings_of("s.setdatabase = 0")})
      UNION ALL SELECT 'parameter ' || parname, {privileges("paracl", "p", "10")} FROM pg_parameter_acl
      UNION ALL SELECT format('tablespace %I', spcname), json_build_array(pg_get_userbyid(spcowner), spcoptions,
        shobj_description(t.oid, 'pg_tablespace'), {privileges("spcacl", "t", "spcowner")},
        regexp_replace(pg_tablespace_location(t.oid), '^pg_tblspc/.*', 'in place'))
        FROM pg_tablespace AS t WHERE spcname !~ '^pg_'""")


def server_differences(one, other):
    """What differs between two servers beside their databases. A membership that one major can't tell is not compared."""
    first, second = server_facts(one), server_facts(other)
    if (one.major >= 16) != (other.major >= 16):
        for facts in (first, second):
            facts.update({name: value[:1] for name, value in facts.items() if name.startswith("membership")})
    return fact_differences("server", first, second)
