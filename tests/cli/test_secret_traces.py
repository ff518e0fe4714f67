"""No passphrase, key file or master key in what the program writes, in its arguments, in the environment of what
it starts, in logs, or in a core dump. With the real program, watched from outside."""

import hashlib
import hmac
import json
import os
import pathlib
import re
import resource
import secrets
import shutil
import signal
import subprocess
import time

import pytest

import databases
from program import Repository
from requirements import not_possible_here

# Drawn, so that no example in the program or its files can be mistaken for them.
OLD, NEW = f"old {secrets.token_hex(12)}", f"new {secrets.token_hex(12)}"
# OpenSSL keeps these itself while it works (docs/security.md); none of them gives the master key.
HELD_BY_OPENSSL = {"chunk id key", "source id key", "config key"}
WRITING = "trace=write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,execve"
# The leak check of the address sanitizer stops processes itself, which strace already does.
NO_LEAK_CHECK = ({"ASAN_OPTIONS": os.environ["ASAN_OPTIONS"] + ":detect_leaks=0"} if "ASAN_OPTIONS" in os.environ else {})


def hkdf(key, salt, label):
    """HKDF-SHA-256 of RFC 5869, one block."""
    extracted = hmac.digest(salt or bytes(32), key, "sha256")
    return hmac.digest(extracted, label + b"\x01", "sha256")


def master_key(repository, key):
    """What the slot of a key file wraps, by docs/format.md: AES-256-GCM with nonce 0 is counter mode from 2."""
    for path in (repository / "keys").iterdir():
        slot = json.loads(path.read_text())
        if slot["kind"] != "keyfile":
            continue
        wrapping = hkdf(key, bytes.fromhex(slot["salt"]), b"db-backup key slot")
        openssl = shutil.which("openssl") or not_possible_here("no openssl to unwrap the master key with")
        return subprocess.run(
            [openssl, "enc", "-d", "-aes-256-ctr", "-K", wrapping.hex(), "-iv", f"{2:032x}"],
            input=bytes.fromhex(slot["wrapped_key"])[:32], stdout=subprocess.PIPE, check=True).stdout
    raise AssertionError("no slot of a key file")


class Place:
    """A repository that a passphrase and a key file open, both from files, and every secret there is."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        for name, text in (("old", OLD), ("new", NEW), ("the.key", secrets.token_hex(32))):
            (folder / name).write_text(text)
            (folder / name).chmod(0o600)
        self.env = {"DB_BACKUP_PASSPHRASE_FILE": str(folder / "old")}
        self.words = ("--repository", folder / "repository")
        program.run("init", *self.words, env=self.env)
        program.run("key", "add", *self.words, "--new-key-file", folder / "the.key", env=self.env)
        self.database = databases.make(folder / "shop.db", rows=50)
        key = bytes.fromhex((folder / "the.key").read_text())
        master = master_key(folder / "repository", key)
        self.secrets = {"old passphrase": OLD.encode(), "new passphrase": NEW.encode(), "key file": key,
                        "master key": master}
        for label in ("chunk id", "source id", "config", "fingerprint"):
            self.secrets[f"{label} key"] = hkdf(master, b"", f"db-backup {label}".encode())
        # The derivation here is that of the program, or the search below would prove nothing.
        config = json.loads((folder / "repository/config").read_text())
        mac = config.pop("mac")
        config.pop("sha256")
        text = json.dumps(config, sort_keys=True, separators=(",", ":"))
        assert hmac.new(self.secrets["config key"], text.encode(), hashlib.sha256).hexdigest() == mac

    def found_in(self, content):
        """Names of the secrets that occur, as they are or in hexadecimal."""
        return [name for name, value in self.secrets.items()
                if value in content or value.hex().encode() in content.lower()]


@pytest.fixture
def place(program, folder):
    return Place(program, folder)


def test_nothing_that_is_written_holds_a_secret(place, folder):
    strace = shutil.which("strace") or not_possible_here("no strace")
    log = folder / "log.txt"
    for number, (words, env) in enumerate((
        (("key", "rotate"), {"DB_BACKUP_NEW_PASSPHRASE_FILE": str(folder / "new")}),
        (("backup", "--type", "sqlite", "--database", place.database), {"DB_BACKUP_PASSPHRASE_FILE": str(folder / "new")}),
        (("key", "add", "--new-key-file", folder / "made.key", "--json"), {"DB_BACKUP_PASSPHRASE_FILE": str(folder / "new")}),
        (("key", "list"), {"DB_BACKUP_PASSPHRASE_FILE": str(folder / "old")}),
    )):
        trace = folder / f"trace{number}"
        prefix = (strace, "-f", "-v", "-y", "-xx", "-s", "10000000", "-e", WRITING, "-o", trace)
        result = place.program.run(*words, *place.words, "--log-file", log, "--log-level", "debug", "--verbose",
                                   prefix=prefix, env={**place.env, **env, **NO_LEAK_CHECK}, code=(0, 12))
        assert (result.code == 12) == (number == 3), str(result)
        if (folder / "made.key").exists():
            made = bytes.fromhex((folder / "made.key").read_text())
            place.secrets["made key"] = made
        assert place.found_in(result.text.encode()) == []
        calls, is_made = 0, False
        for line in trace.read_text().splitlines():
            texts = [bytes.fromhex(text.replace("\\x", "")) for text in re.findall(r"((?:\\x[0-9a-f]{2})+)", line)]
            if texts and b"made.key." in texts[0]:
                is_made = True
                continue  # The one place where it belongs.
            calls += 1
            held = b"\0".join(texts)
            assert place.found_in(held) == [], line[:300]
        assert calls > 5, "nothing was watched"
        assert is_made == (number == 2), "the writing of the key file is not seen, so no other would be"
    assert log.read_text().strip() and place.found_in(log.read_bytes()) == []


def test_what_it_starts_sees_no_secret(place, folder):
    """Its environment and its arguments; a variable with a name of its own included."""
    seen = folder / "seen"
    env = {
        "DB_BACKUP_PASSPHRASE": OLD, "DB_BACKUP_PASSPHRASE_FILE": "", "DB_BACKUP_NEW_PASSPHRASE_COMMAND":
            f"env > {seen}; tr '\\0' ' ' < /proc/$PPID/cmdline >> {seen}; cat {folder}/new",
    }
    env.pop("DB_BACKUP_PASSPHRASE_FILE")
    place.program.run("key", "rotate", *place.words, env=env)
    assert "PATH=" in seen.read_text() and "rotate" in seen.read_text()
    assert place.found_in(seen.read_bytes()) == []


def stopped_backup(place, folder, env, words=(), limit=None):
    """A backup that has opened the repository and stands still."""
    runs = folder / "repository/runs"
    before = set(runs.iterdir()) if runs.exists() else set()
    big = databases.make(folder / "big.db", rows=10_000)
    process = place.program.start("backup", "--type", "sqlite", "--database", big, "--compression", "zstd:19", *place.words,
                                  *words, env={**place.env, **env}, preexec_fn=limit)
    for _ in range(3000):
        if runs.exists() and set(runs.iterdir()) - before:
            process.send_signal(signal.SIGSTOP)
            return process
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)
    raise AssertionError("it never began")


def test_it_leaves_no_core(place, folder):
    def unlimited():
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))

    before = set(os.listdir(folder))
    process = stopped_backup(place, folder, {}, limit=unlimited)
    limits = pathlib.Path(f"/proc/{process.pid}/limits").read_text()
    process.send_signal(signal.SIGABRT)
    process.send_signal(signal.SIGCONT)
    status = os.waitpid(process.pid, 0)[1]
    process.returncode = status
    process.stdout.close()
    process.stderr.close()
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGABRT
    assert not os.WCOREDUMP(status), "a core was written"
    assert re.search(r"Max core file size +0 +0 ", limits), limits
    assert set(os.listdir(folder)) - before == {"big.db"}


def dumpable_memory(pid):
    """Every mapping that a core dump would hold."""
    maps, address, is_readable = [], None, False
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        head = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+)", line)
        if head:
            address = (int(head[1], 16), int(head[2], 16))
            is_readable = head[3].startswith("r") and "[v" not in line
        elif line.startswith("VmFlags:") and is_readable and " dd" not in line:
            maps.append(address)
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for begin, end in maps:
            if end - begin < 1 << 30:  # Not the shadow of a sanitizer.
                memory.seek(begin)
                try:
                    yield memory.read(end - begin)
                except OSError:
                    continue


@pytest.mark.parametrize("kind", ("passphrase", "keyfile"))
def test_a_core_would_hold_no_secret(place, folder, kind):
    """Even where cores are allowed, keys and what comes from files are in memory that is left out of them."""
    words = ("--key-file", folder / "the.key") if kind == "keyfile" else ()
    process = stopped_backup(place, folder, {"DB_BACKUP_TEST_ALLOW_CORE": "1"}, words)
    try:
        parts = list(dumpable_memory(process.pid))
    except PermissionError as error:
        not_possible_here(f"the memory of a child is not readable: {error}")
    finally:
        process.kill()
        process.communicate()
    assert sum(map(len, parts)) > 1 << 20
    assert any(bytes(folder / "repository") in part for part in parts), "this is not the program's memory"
    found = {name for part in parts for name in place.found_in(part)}
    assert found <= HELD_BY_OPENSSL, found
