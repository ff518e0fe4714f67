"""How a PostgreSQL server is reached: as libpq does it, with TLS that is checked, and no password anywhere but on the wire."""

import os
import pathlib
import subprocess
import time

import pytest

from postgres_server import PostgresServer
from program import Repository

SECRET = "sehr/geheim+1"
WAIT_S = 60


@pytest.fixture(scope="module")
def server(servers):
    """PostgreSQL 17 that takes nothing but TLS, and a role `shopper` with a password of its own."""
    folder, started = servers
    started.append(PostgresServer("postgres17", folder, "--tls"))
    started[-1].make_database("shop")
    started[-1].psql("CREATE TABLE t AS SELECT generate_series(1, 100) AS id", "shop")
    started[-1].psql(f"CREATE ROLE shopper LOGIN PASSWORD '{SECRET}'; GRANT pg_read_all_data, pg_checkpoint TO shopper")
    return started[-1]


@pytest.fixture
def stored(program, folder):
    return Repository(program, folder / "repository").init()


def programs_of(server, **variables):
    """Its client programs, and no file of passwords."""
    return {"PATH": server.environment()["PATH"], "PGPASSFILE": "/nonexistent", **variables}


def ways(server, folder):
    """Name: words, variables."""
    place = f"host=127.0.0.1 port={server.port} dbname=shop user=shopper"
    (folder / "service.conf").write_text("[shop]\n" + place.replace(" ", "\n") + "\n")
    for name, content in (("pass", f"127.0.0.1:{server.port}:shop:shopper:{SECRET.replace(':', chr(92) + ':')}\n"), ("word", SECRET + "\n")):
        (folder / name).write_text(content)
        (folder / name).chmod(0o600)
    by_file = {"PGPASSFILE": str(folder / "pass")}
    by_variable = {"PGPASSWORD": SECRET}
    parts = {"PGHOST": "127.0.0.1", "PGPORT": str(server.port), "PGDATABASE": "shop", "PGUSER": "shopper"}
    port = server.port
    return {
        "URI and file of passwords": ((f"postgresql://shopper@127.0.0.1:{port}/shop",), by_file),
        "other scheme": ((f"postgres://shopper@127.0.0.1:{port}/shop",), by_file),
        "database beside it": ((f"postgresql://shopper@127.0.0.1:{port}", "--database", "shop"), by_file),
        "several hosts": ((f"postgresql://shopper@127.0.0.1:1,127.0.0.1:{port}/shop?connect_timeout=5",), by_variable),
        "keywords": ((place,), by_variable),
        "keywords and type": ((place + " application_name='a b'", "--type", "postgres"), by_variable),
        "passfile": ((f"{place} passfile={folder}/pass",), {}),
        "service": (("service=shop",), {"PGSERVICEFILE": str(folder / "service.conf"), **by_variable}),
        "service in a URI": (("postgresql://?service=shop",), {"PGSERVICEFILE": str(folder / "service.conf"), **by_file}),
        "variables": (("postgresql://",), {**parts, **by_variable}),
    }


WAYS = ("URI and file of passwords", "other scheme", "database beside it", "several hosts", "keywords", "keywords and type", "passfile",
        "service", "service in a URI", "variables")


@pytest.mark.parametrize("way", WAYS)
def test_each_way_that_libpq_has(stored, server, folder, way):
    words, variables = ways(server, folder)[way]
    found = stored.json("backup", "--uri", *words, env=programs_of(server, **variables))
    assert found["type"] == "postgres" and found["source"] == "postgres-shop" and found["rows"] == 100, found


def test_a_restore_takes_keywords_too(stored, server):
    stored.json("backup", "--uri", server.uri("shop"), env=server.environment())
    place = f"host=127.0.0.1 port={server.port} user=admin dbname=by_keywords"
    assert stored.json("restore", "latest", "--to", place, "--verify", env=server.environment())["verified"]
    server.psql("DROP DATABASE by_keywords")


@pytest.mark.parametrize("text", ("host=127.0.0.1 prt=1", "host='127.0.0.1", "host = 127.0.0.1 password"))
def test_what_libpq_does_not_understand(stored, text):
    refused = stored.run("backup", "--uri", text, "--json", code=2)
    assert refused.error["code"] == "bad_source_uri", refused


# --- TLS ------------------------------------------------------------------------------------------


def other_authority(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                    "/CN=another CA", "-keyout", folder / "other.key", "-out", folder / "other.crt"], check=True, capture_output=True)
    return folder / "other.crt"


def test_the_certificate_is_checked(stored, server, folder):
    def back_up(code=0, host="127.0.0.1", **parameters):
        place = "".join(f" {name}={value}" for name, value in parameters.items())
        text = f"host={host} hostaddr=127.0.0.1 port={server.port} dbname=shop user=reader{place}"
        return stored.run("backup", "--uri", text, "--json", code=code, env=server.environment())

    authority = server.folder / "ca.crt"
    assert back_up(sslmode="verify-full", sslrootcert=authority).json["rows"] == 100
    assert back_up(host="localhost", sslmode="verify-full", sslrootcert=authority).json["rows"] == 100
    count = len(stored.list())
    for words in ({"sslrootcert": other_authority(folder)}, {"sslrootcert": authority, "host": "db1.example"}, {"sslrootcert": folder / "none.crt"}):
        error = back_up(20, sslmode="verify-full", **words).error
        assert error["code"] == "source_unreachable" and "certificate" in error["message"], error
    assert back_up(20, sslmode="disable").error["code"] == "source_unreachable"
    assert len(stored.list()) == count


# --- passwords ------------------------------------------------------------------------------------


def configuration(folder, server, way):
    (folder / "word").write_text(SECRET + "\n")
    (folder / "word").chmod(0o600)
    line = {"file": f"password_file: {folder}/word", "env": "password_env: SHOP_WORD", "command": f"password_command: cat {folder}/word"}[way]
    path = folder / "c.yaml"
    path.write_text(f"version: 1\nsources:\n  shop:\n    type: postgres\n    uri: postgresql://shopper@127.0.0.1:{server.port}/shop\n    {line}\n")
    return ("--config", path, "--source", "shop")


def test_a_wrong_password_is_refused_and_not_shown(stored, server, folder):
    for variables in ({"PGPASSWORD": "falsch+wort"}, {}):
        result = stored.run("backup", "--uri", f"postgresql://shopper@127.0.0.1:{server.port}/shop", "--json", code=20,
                            env=programs_of(server, **variables))
        assert result.error["code"] == "source_unreachable", result
        assert ("password authentication failed" if variables else "password") in result.error["message"]
        assert "falsch+wort" not in result.text
        assert variables or ".pgpass" in result.error["hint"], result
    text = stored.run("backup", "--uri", f"postgresql://shopper:falsch+wort@127.0.0.1:{server.port}/shop", "-v", code=20, env=programs_of(server)).text
    assert "falsch+wort" not in text and "password authentication failed" in text


def family_of(process):
    """Of a process and all below it: what others can see of them, as soon as they run another program."""
    found = {}
    waiting = [process]
    while waiting:
        pid = waiting.pop()
        place = pathlib.Path(f"/proc/{pid}")
        try:
            found[pid] = (place / "cmdline").read_bytes(), (place / "environ").read_bytes()
            for task in (place / "task").iterdir():
                waiting.extend(int(child) for child in (task / "children").read_text().split())
        except OSError:
            continue  # It has just ended.
    return found


def held_programs(server, folder):
    """In the place of PostgreSQL's programs: the same ones, which wait for a sign once they work for somebody."""
    place = folder / "held"
    place.mkdir()
    for name in ("pg_dump", "pg_dumpall", "pg_restore", "psql"):
        (place / name).write_text(f"#!/bin/sh\ncase $1 in --version | --help) exec {server.bin}/{name} \"$@\" ;; esac\n"
                                  f"touch {folder}/holds\nuntil [ -e {folder}/go ]; do sleep 0.05; done\nexec {server.bin}/{name} \"$@\"\n")
        (place / name).chmod(0o755)
    return f"{place}:{os.environ['PATH']}"


@pytest.mark.parametrize("way", ("file", "env", "command"))
def test_no_program_has_the_password_in_its_words_or_variables(stored, server, folder, way):
    log = folder / "log.txt"
    words = ("backup", *configuration(folder, server, way), "--json", "--verbose", "--log-file", log, "--log-level", "debug")
    variables = {"SHOP_WORD": SECRET} if way == "env" else {}
    process = stored.start(*words, env={**programs_of(server, **variables), "PATH": held_programs(server, folder)})
    deadline = time.monotonic() + WAIT_S
    while not (folder / "holds").exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    family = family_of(process.pid)
    (folder / "go").touch()
    result = stored.program.finish(process, words)
    assert result.code in (0, 3), result
    assert any(b"--no-password" in words for words, _ in family.values()), family
    for pid, (arguments, environment) in family.items():
        assert SECRET.encode() not in arguments, arguments
        # What the user himself set is in the environment that the program was started with.
        assert SECRET.encode() not in environment or (pid == process.pid and way == "env"), (arguments, environment)
    assert SECRET not in result.text and SECRET not in log.read_text()
    for name in stored.objects():
        assert SECRET.encode() not in (stored.path / name).read_bytes()
