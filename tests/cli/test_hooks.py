"""The commands that the configuration has run around a backup."""

import json
import pathlib
import signal
import time

import pytest

import databases
import scheduled

NAMES = ("EVENT", "SOURCE", "SNAPSHOT", "PLACE", "MODE", "BYTES_SOURCE", "BYTES_READ", "BYTES_ADDED", "DURATION_S", "EXIT_CODE", "WARNINGS",
         "ERROR_CODE", "ERROR")
TELL = "; ".join(f'printf "%s\\n" "$DB_BACKUP_HOOK_{name}"' for name in NAMES)


class Shop:
    """A source with hooks, and a repository for it."""

    def __init__(self, program, folder, database):
        self.program, self.folder, self.database = program, folder, database
        self.config = folder / "c.yaml"
        self.set()
        program.run("init", "--encryption", "none", "--config", self.config)

    def set(self, **hooks):
        self.config.write_text(json.dumps({
            "version": 1,
            "repositories": {"main": {"url": str(self.folder / "repository")}},
            "sources": {"shop": {"type": "sqlite", "database": str(self.database), "hooks": hooks}}}))

    def tell(self, name):
        """A hook that writes what it was told into a file of this name."""
        return f"{{ {TELL}; }} > {self.folder}/{name}"

    def told(self, name):
        return dict(zip(NAMES, (self.folder / name).read_text().split("\n")))

    def backup(self, *words, **options):
        return self.program.run("backup", "--source", "shop", "--config", self.config, *words, **options)

    def snapshots(self):
        return [each["snapshot"] for each in self.program.json("list", "--config", self.config)]


@pytest.fixture
def shop(program, folder, database):
    return Shop(program, folder, database)


def test_before_and_after_are_told_what_happens(shop):
    shop.set(before=shop.tell("before"), after=shop.tell("after"), on_error=shop.tell("on_error"))
    taken = shop.backup("--json").json
    nothing = dict.fromkeys(NAMES, "")
    assert shop.told("before") == nothing | {"EVENT": "before", "SOURCE": "shop"}
    assert shop.told("after") == nothing | {
        "EVENT": "after", "SOURCE": "shop", "SNAPSHOT": taken["snapshot"], "PLACE": taken["repository"], "MODE": "full",
        "BYTES_SOURCE": str(taken["bytes_source"]), "BYTES_READ": str(taken["bytes_read"]), "BYTES_ADDED": str(taken["bytes_added"]),
        "DURATION_S": f"{taken['duration_s']:.3f}", "EXIT_CODE": "0"}
    assert not (shop.folder / "on_error").exists()


def test_before_may_bring_the_repository(shop):
    away = shop.folder / "away"
    (shop.folder / "repository").rename(away)
    shop.set(before=f"mv {away} {shop.folder}/repository", after=f"mv {shop.folder}/repository {away}")
    shop.backup()
    assert (away / "config").exists()


def test_a_before_that_fails_stops_the_backup(shop):
    shop.set(before="echo no disk >&2; exit 7", after=shop.tell("after"), on_error=shop.tell("on_error"))
    error = shop.backup("--json", code=20).error
    assert error["code"] == "hook_failed" and error["hint"], error
    assert error["message"] == "the hook before of source shop failed with exit status 7: no disk"
    assert shop.told("on_error") == dict.fromkeys(NAMES, "") | {
        "EVENT": "on_error", "SOURCE": "shop", "EXIT_CODE": "20", "ERROR_CODE": "hook_failed", "ERROR": error["message"]}
    assert not (shop.folder / "after").exists() and shop.snapshots() == []


def test_an_after_that_fails_is_told(shop):
    shop.set(after="false", on_error=shop.tell("on_error"))
    result = shop.backup("--json", code=3)
    told = "the hook after of source shop failed with exit status 1"
    assert result.json["warnings"] == [told] and not result.json["incomplete"]
    assert f"warning: {told}" in result.stderr
    assert shop.snapshots() == [result.json["snapshot"]] and not (shop.folder / "on_error").exists()


@pytest.mark.parametrize("end", ("true", "exit 5", "kill -9 $$"))
def test_on_error_changes_nothing(shop, end):
    shop.set(on_error=f"{shop.tell('on_error')}; {end}")
    (shop.folder / "repository").rename(shop.folder / "away")
    result = shop.backup("--json", code=10)
    assert result.error["code"] == "repository_gone"
    assert shop.told("on_error")["EXIT_CODE"] == "10"
    assert ("hook on_error of source shop failed" in result.stderr) == (end != "true"), str(result)


def test_a_hook_has_only_so_much_time(shop):
    shop.set(before="sleep 100", timeout="1s")
    begun = time.monotonic()
    assert "longer than 1 s" in shop.backup("--json", code=20).error["message"]
    assert time.monotonic() - begun < 30


def is_gone(process):
    try:
        return pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.parametrize("event", ("before", "after"))
def test_ctrl_c_ends_a_hook(shop, event):
    shop.set(**{event: f"sleep 1000 & echo $! > {shop.folder}/new; mv {shop.folder}/new {shop.folder}/pid; wait",
                "on_error": shop.tell("on_error")})
    process = shop.program.start("backup", "--source", "shop", "--config", shop.config)
    scheduled.wait_until("the hook runs", lambda: (shop.folder / "pid").exists() or process.poll() is not None)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    result = shop.program.finish(process, timeout=20)
    assert result.code == 130, str(result)
    child = (shop.folder / "pid").read_text().strip()
    scheduled.wait_until("what the hook started has ended", lambda: is_gone(child))
    if event == "before":
        assert shop.told("on_error")["EXIT_CODE"] == "130" and shop.snapshots() == []
    else:
        assert "the hook after of source shop was ended" in result.stderr and len(shop.snapshots()) == 1
        assert not (shop.folder / "on_error").exists()


def test_what_a_hook_prints_goes_to_the_log(shop):
    shop.set(before="echo one; printf 'two\\033[2Jlines' >&2", after="yes | head -n 5000")
    result = shop.backup("--json", "--log-file", shop.folder / "log.txt")
    log = (shop.folder / "log.txt").read_text()
    assert " one hook=before source=shop\n" in log and "two\\x1b[2Jlines" in log
    assert log.count(" y hook=after") == 1000 and "left out" in log
    assert "one" not in result.stderr


def test_a_hook_sees_no_secret(shop):
    shop.set(before=f"env > {shop.folder}/seen")
    shop.program.run("backup", "--source", "shop", "--config", shop.config, code=12,
                     env={"DB_BACKUP_PASSPHRASE": "secret-1", "DB_BACKUP_HOOK_EVENT": "forged", "KEPT": "kept-value"})
    seen = (shop.folder / "seen").read_text()
    assert "secret-" not in seen and "kept-value" in seen and "DB_BACKUP_HOOK_EVENT=before" in seen
    assert "forged" not in seen


def test_a_dry_run_runs_none(shop):
    shop.set(before=shop.tell("before"), after=shop.tell("after"))
    shop.backup("--dry-run")
    assert not (shop.folder / "before").exists() and not (shop.folder / "after").exists()


def test_an_empty_hook_is_none(shop):
    shop.set(before="", after="", on_error="")
    shop.backup()
    assert len(shop.snapshots()) == 1


def test_a_hook_may_call_the_program(shop):
    shop.set(after=f"{shop.program.path} restore latest --config {shop.config} --to {shop.folder}/copy.db")
    result = shop.backup()
    assert "warning" not in result.text, str(result)
    databases.assert_equal(databases.content(shop.database), shop.folder / "copy.db")


def test_a_command_is_not_shown(shop):
    shop.set(before="curl -H 'token: abc' https://example.org", after="")
    shown = shop.program.run("config", "show", "--config", shop.config).text
    assert "abc" not in shown and "(command)" in shown
