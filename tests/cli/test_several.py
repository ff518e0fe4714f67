"""Several SQLite databases in one snapshot: all of a folder, or a list; restored all or some, into a folder.

Method: real databases in a folder, changed one at a time; what is restored is compared byte by byte.
"""

import os
import shutil
import signal
import socket
import time

import pytest

import databases
from databases import assert_equal, content, digest

# What opening a database reads: its header, and the first page of each table and index.
OPENING = 100 + 3 * 4096
SAMPLE = 16384


@pytest.fixture
def shop(folder):
    """A folder with three databases, and with what is none."""
    place = folder / "shop"
    place.mkdir()
    for number, name in enumerate(("cart.db", "orders.sqlite", "users")):
        databases.make(place / name, rows=100 + 50 * number, seed=number)
    (place / "notes.txt").write_text("SQLite is not what this is")
    (place / "empty.db").write_bytes(b"")
    (place / "deep").mkdir()
    databases.make(place / "deep" / "hidden.db", rows=10)
    for name in ("cart.db", "orders.sqlite", "users"):
        databases.settle(place / name)
    return place


def take(repository, place, *words, **options):
    return repository.json("backup", "--type", "sqlite", "--all", place, *words, **options)


def streams(repository, snapshot="latest"):
    return {stream["name"]: stream for stream in repository.json("show", snapshot)["streams"]}


def test_a_folder_is_one_snapshot_with_a_stream_for_each_database(repository, shop, folder):
    before = {name: digest(shop / name) for name in ("cart.db", "orders.sqlite", "users")}
    taken = take(repository, shop)
    assert taken["source"] == "sqlite-shop" and taken["capture"] == "full" and not taken["incomplete"]
    assert taken["warnings"] == []
    assert taken["bytes_source"] == sum((shop / name).stat().st_size for name in before)
    shown = repository.json("show", "latest")
    assert [stream["name"] for stream in shown["streams"]] == sorted(before)
    assert shown["identity"] == f"{socket.gethostname()}:{os.path.realpath(shop)}/"
    assert "each at a moment of its own" in shown["position"]

    restored = repository.restore("latest", folder / "back", "--verify")
    assert restored["databases"] == sorted(before) and restored["verified"] is True
    assert restored["bytes_written"] == taken["bytes_source"]
    assert {path.name: digest(path) for path in (folder / "back").iterdir()} == before
    assert repository.verify("--data")["ok"]


def test_only_what_changed_is_read_and_the_growth_is_shown(plain_repository, shop, folder):
    take(plain_repository, shop)
    databases.change(shop / "users", inserts=400)
    taken = take(plain_repository, shop)
    size = (shop / "users").stat().st_size
    assert taken["capture"] == "compared" and taken["mode"] == "incremental"
    assert size <= taken["bytes_read"] <= size + 3 * OPENING + SAMPLE, "a database that did not change was read"
    found = streams(plain_repository)
    assert found["users"]["bytes_parent"] < found["users"]["bytes"] == size
    assert found["users"]["chunks_new"] + found["users"]["chunks_delta"] > 0
    assert 0 < found["users"]["bytes_stored"] < size
    assert found["cart.db"]["bytes_stored"] == 0 and found["cart.db"]["chunks_reused"] > 0
    text = plain_repository.run("show", "latest").stdout
    assert "GROWTH" in text and "STORED" in text

    databases.settle(shop / "users")
    take(plain_repository, shop)
    assert take(plain_repository, shop)["capture"] == "unchanged"
    back = folder / "back"
    plain_repository.restore("latest", back)
    for name in ("cart.db", "orders.sqlite", "users"):
        assert digest(back / name) == digest(shop / name)


def test_of_two_hundred_databases_only_the_changed_one_is_read(plain_repository, folder):
    place = folder / "many"
    place.mkdir()
    first = databases.make(place / "000.db", rows=500)
    for number in range(1, 200):
        shutil.copy(first, place / f"{number:03}.db")
    databases.settle(place / "199.db")
    take(plain_repository, place)
    databases.change(place / "077.db")
    taken = take(plain_repository, place)
    size = first.stat().st_size
    assert size <= taken["bytes_read"] <= size + 200 * OPENING + 4 * SAMPLE < 100 * size
    assert len(streams(plain_repository)) == 200
    plain_repository.restore("latest", folder / "one.db", "--include", "077.db")
    assert digest(folder / "one.db") == digest(place / "077.db")


def test_databases_come_and_go(plain_repository, shop, folder):
    first = take(plain_repository, shop)["snapshot"]
    (shop / "users").rename(folder / "users-elsewhere")
    databases.make(shop / "added.db", rows=10)
    taken = take(plain_repository, shop)
    assert not taken["incomplete"], "a database that was removed is normal in a folder"
    [warning] = taken["warnings"]
    assert "no longer in this source: users;" in warning and first in warning
    assert sorted(streams(plain_repository)) == ["added.db", "cart.db", "orders.sqlite"]
    shown = plain_repository.run("show", "latest").stdout
    assert "new" in shown.split("added.db")[1].splitlines()[0]
    databases.settle(shop / "added.db")
    assert take(plain_repository, shop)["warnings"] == []
    plain_repository.restore(first, folder / "back", "--include", "users")
    assert digest(folder / "back") == digest(folder / "users-elsewhere")


def test_patterns_choose_databases_and_never_tables(plain_repository, shop):
    assert take(plain_repository, shop, "--include", "[cu]*", "--exclude", "*.sqlite")["bytes_source"] > 0
    assert sorted(streams(plain_repository)) == ["cart.db", "users"]
    take(plain_repository, shop, "--exclude", "*.tmp")
    assert len(streams(plain_repository)) == 3, "a pattern to exclude may name nothing"

    for words in (("--exclude", "notes"), ("--exclude", "cart.db.t"), ("--include", "users", "--include", "NOTES")):
        error = take(plain_repository, shop, *words, code=2)["error"]
        assert error["code"] == "selection_not_supported", words
        assert "only be backed up whole" in error["message"]
    assert take(plain_repository, shop, "--include", "nothing*", code=2)["error"]["code"] == "selection_empty"
    taken = take(plain_repository, shop, "--include", "users", "--include", "nothing*", code=3)
    assert taken["incomplete"] and "nothing*" in taken["warnings"][0]
    single = plain_repository.run(
        "backup", "--type", "sqlite", "--database", shop / "users", "--include", "t", "--json", code=2
    )
    assert single.error["code"] == "selection_not_supported"


def test_one_broken_database_does_not_keep_the_others_from_being_saved(plain_repository, shop, folder):
    first = take(plain_repository, shop)["snapshot"]
    broken = shop / "cart.db"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:100] + b"\xff" * 4000 + whole[4100:])
    taken = take(plain_repository, shop, code=3)
    assert taken["incomplete"]
    [warning] = taken["warnings"]
    assert warning.startswith("left out cart.db:") and first in warning
    assert sorted(streams(plain_repository)) == ["orders.sqlite", "users"], "an old version was carried over"

    taken = take(plain_repository, shop, "--allow-corrupt", code=3)
    assert any("cart.db: the database is damaged" in text for text in taken["warnings"])
    assert streams(plain_repository)["cart.db"]["consistency"] == "none"
    assert streams(plain_repository)["users"]["consistency"] == "view"
    plain_repository.restore("latest", folder / "cart.db", "--include", "cart.db")
    assert (folder / "cart.db").read_bytes() == broken.read_bytes()


def test_a_locked_database_of_a_folder_is_left_out_and_one_of_a_list_is_an_error(plain_repository, shop):
    with databases.opened(shop / "cart.db") as other:
        other.execute("BEGIN EXCLUSIVE")
        taken = take(plain_repository, shop, "--lock-timeout", "0s", code=3)
        assert "left out cart.db" in taken["warnings"][0]
        words = ["--database", shop / "cart.db", "--database", shop / "users", "--lock-timeout", "0s"]
        words += ["--source-name", "two"]
        result = plain_repository.run("backup", "--type", "sqlite", *words, "--json", code=20)
        assert result.error["code"] == "source_locked"
        other.execute("ROLLBACK")


def test_a_folder_without_databases_is_an_error(plain_repository, folder):
    (folder / "none").mkdir()
    assert take(plain_repository, folder / "none", code=20)["error"]["code"] == "source_missing"
    assert take(plain_repository, folder / "missing", code=20)["error"]["code"] == "source_missing"
    assert plain_repository.list() == []


def test_links_are_told_and_not_followed(plain_repository, shop, folder):
    outside = databases.make(folder / "outside.db", rows=10)
    (shop / "link.db").symlink_to(outside)
    taken = take(plain_repository, shop)
    assert "link.db" not in streams(plain_repository)
    assert "link.db" in taken["warnings"][0] and not taken["incomplete"]


def test_a_list_is_named_after_where_its_files_lie(plain_repository, shop, folder):
    files = [shop / "users", shop / "deep" / "hidden.db"]
    words = [word for file in files for word in ("--database", file)]
    taken = plain_repository.json("backup", "--type", "sqlite", *words)
    assert taken["source"] == "sqlite-shop"
    assert sorted(streams(plain_repository)) == ["deep/hidden.db", "users"]
    plain_repository.restore("latest", folder / "back", "--verify")
    assert digest(folder / "back/deep/hidden.db") == digest(files[1])
    assert digest(folder / "back/users") == digest(files[0])

    twice = plain_repository.run("backup", "--type", "sqlite", *words, "--database", shop / "deep/../users", "--json", code=2)
    assert twice.error["code"] == "database_given_twice"
    missing = plain_repository.run("backup", "--type", "sqlite", *words, "--database", shop / "gone.db", "--json", code=20)
    assert missing.error["code"] == "source_missing"
    other = plain_repository.run("backup", "--type", "sqlite", *words, "--database", shop / "cart.db", "--json", code=2)
    assert other.error["code"] == "source_name_taken"


def test_a_named_source_goes_on_when_a_database_joins_it(plain_repository, shop, folder):
    config = folder / "db-backup.yaml"

    def backup(*names):
        listed = ", ".join(str(shop / name) for name in names)
        value = f"[{listed}]" if len(names) > 1 else listed
        config.write_text(f"version: 1\nsources:\n  shop: {{type: sqlite, database: {value}}}\n")
        return plain_repository.json("backup", "--source", "shop", "--config", config)

    first = backup("users")
    second = backup("users", "cart.db")
    third = backup("users", "cart.db", "orders.sqlite")
    assert [each["source"] for each in (first, second, third)] == ["shop"] * 3
    assert second["parent"] == first["snapshot"] and third["parent"] == second["snapshot"]
    assert third["bytes_read"] <= (shop / "orders.sqlite").stat().st_size + 3 * OPENING + SAMPLE
    assert len({each["source"] for each in plain_repository.list()}) == 1

    config.write_text(f"version: 1\nsources:\n  all: {{type: sqlite, all: {shop}, exclude: [users]}}\n")
    plain_repository.json("backup", "--source", "all", "--config", config)
    found = plain_repository.json("show", "latest", "--source", "all")["streams"]
    assert [each["name"] for each in found] == ["cart.db", "orders.sqlite"]


def test_a_restore_into_a_folder_touches_nothing_else(plain_repository, shop, folder):
    take(plain_repository, shop)
    back = folder / "back"
    back.mkdir()
    (back / "mine.txt").write_text("mine")
    other = databases.make(back / "users", rows=3, seed=9)
    before = digest(other)
    refused = plain_repository.restore("latest", back, code=2)["error"]
    assert refused["code"] == "target_not_empty" and "users" in refused["message"]
    assert sorted(path.name for path in back.iterdir()) == ["mine.txt", "users"], "something was written all the same"
    assert digest(other) == before

    plan = plain_repository.restore("latest", back, "--clean", "--dry-run")["plan"]
    assert plan["overwrites"] and len(plan["steps"]) == 3
    plain_repository.restore("latest", back, "--clean", "--verify")
    assert (back / "mine.txt").read_text() == "mine"
    for name in ("cart.db", "orders.sqlite", "users"):
        assert_equal(content(shop / name), back / name)
    own = plain_repository.restore("latest", shop, code=2)["error"]
    assert own["code"] == "target_is_source"
    assert plain_repository.restore("latest", back / "mine.txt", code=2)["error"]["code"] == "target_not_a_folder"
    inside = plain_repository.restore("latest", plain_repository.path / "x", code=2)["error"]
    assert inside["code"] == "target_in_repository"


def test_one_chosen_database_goes_to_a_file_or_into_a_folder(plain_repository, shop, folder):
    take(plain_repository, shop)
    plain_repository.restore("latest", folder / "alone.db", "--include", "users")
    assert digest(folder / "alone.db") == digest(shop / "users")
    plain_repository.restore("latest", f"{folder}/new/", "--include", "users")
    assert [path.name for path in (folder / "new").iterdir()] == ["users"]
    (folder / "there").mkdir()
    plain_repository.restore("latest", folder / "there", "--exclude", "users", "--exclude", "cart*")
    assert [path.name for path in (folder / "there").iterdir()] == ["orders.sqlite"]
    plain_repository.restore("latest", folder / "two", "--include", "[ou]*")
    assert sorted(path.name for path in (folder / "two").iterdir()) == ["orders.sqlite", "users"]
    unknown = plain_repository.restore("latest", folder / "x", "--include", "user", code=2)["error"]
    assert unknown["code"] == "selection_unknown" and unknown["hint"] == "Did you mean users?"
    assert not (folder / "x").exists()


def test_a_link_in_the_target_leads_nowhere_else(plain_repository, shop, folder):
    words = [word for file in ("users", "deep/hidden.db") for word in ("--database", shop / file)]
    plain_repository.json("backup", "--type", "sqlite", *words)
    outside = folder / "outside"
    outside.mkdir()
    back = folder / "back"
    back.mkdir()
    (back / "deep").symlink_to(outside)
    assert plain_repository.restore("latest", back, "--clean", code=2)["error"]["code"] == "target_not_a_folder"
    (back / "deep").unlink()
    databases.make(outside / "users", rows=3)
    before = digest(outside / "users")
    (back / "users").symlink_to(outside / "users")
    assert plain_repository.restore("latest", back, "--clean", code=2)["error"]["code"] == "target_is_link"
    assert digest(outside / "users") == before and [path.name for path in outside.iterdir()] == ["users"]


def test_what_was_restored_before_a_failure_is_whole_and_named(plain_repository, shop, folder):
    take(plain_repository, shop)
    back = folder / "back"
    back.mkdir()
    with databases.opened(databases.make(back / "users", rows=3)) as other:
        other.execute("BEGIN EXCLUSIVE")
        failed = plain_repository.restore("latest", back, "--clean", "--lock-timeout", "0s", code=20)["error"]
        assert any("cart.db, orders.sqlite" in line for line in failed["context"]), failed
        other.execute("ROLLBACK")
    for name in ("cart.db", "orders.sqlite"):
        assert digest(back / name) == digest(shop / name)
    assert databases.content(back / "users")["check"] == ["ok"]


def test_an_interrupted_restore_names_what_it_restored(program, folder):
    """The second database is large and comes slowly."""
    (folder / "some").mkdir()
    first = databases.make(folder / "some/a.db", rows=10)
    with databases.opened(folder / "some/b.db") as connection:
        connection.execute("CREATE TABLE noise AS SELECT randomblob(4000000) AS bytes")
    config = folder / "c.yaml"
    for limit in ("", ", bandwidth_limit: 256KiB/s"):
        config.write_text(f"version: 1\nrepositories: {{main: {{url: {folder}/r{limit}}}}}\n")
        if not limit:
            program.run("init", "--encryption", "none", "--config", config)
            program.run("backup", "--type", "sqlite", "--all", folder / "some", "--config", config)
    back = folder / "back"
    process = program.start("restore", "latest", "--to", back, "--jobs", 1, "--config", config, "--json")
    deadline = time.monotonic() + 60
    while not (back / "a.db").exists():
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
    time.sleep(0.2)  # It tells after it has named the file.
    process.send_signal(signal.SIGINT)
    result = program.finish(process, timeout=20)
    assert result.code == 130, str(result)
    assert result.error["hint"] == "One database was restored before: a.db; the others are as they were."
    assert digest(back / "a.db") == digest(first) and [each.name for each in back.iterdir()] == ["a.db"]


def test_a_killed_backup_of_a_folder_leaves_no_snapshot_and_the_next_is_whole(plain_repository, shop, folder):
    first = take(plain_repository, shop)["snapshot"]
    for delay in (0.02, 0.05, 0.1):
        databases.change(shop / "users", seed=int(delay * 100))
        process = plain_repository.start("backup", "--type", "sqlite", "--all", shop)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    taken = take(plain_repository, shop)
    plain_repository.restore(taken["snapshot"], folder / "back", "--verify")
    for name in ("cart.db", "orders.sqlite", "users"):
        assert digest(folder / "back" / name) == digest(shop / name)
    plain_repository.restore(first, folder / "first", "--verify")
    assert plain_repository.verify("--data")["ok"]


def test_of_databases_that_did_not_change_little_is_read(plain_repository, shop):
    take(plain_repository, shop)
    for _ in range(3):
        taken = take(plain_repository, shop)
        assert taken["capture"] == "unchanged"
        assert taken["bytes_read"] <= 3 * OPENING + SAMPLE, "more than one sample"


def test_tags_choose_what_latest_means(plain_repository, database, folder):
    first = plain_repository.backup(database, "--tag", "kind=release")["snapshot"]
    databases.change(database)
    plain_repository.backup(database)
    assert plain_repository.json("show", "latest", "--tag", "kind=release")["snapshot"] == first
    assert plain_repository.restore("latest", folder / "x.db", "--tag", "kind=release")["snapshot"] == first
    for words in (("show", "latest"), ("restore", "latest", "--to", folder / "y.db"), ("show", "2026-11-22")):
        none = plain_repository.run(*words, "--tag", "kind=other", "--json", code=2).error
        assert none["code"] == "snapshot_unknown" and none["message"] == "no snapshot has the tag kind=other", none
    of_source = ("show", "latest", "--source", "sqlite-shop", "--tag", "a=b", "--tag", "kind=release", "--json")
    assert "of source 'sqlite-shop' has the tags a=b and kind=release" in plain_repository.run(*of_source, code=2).error["message"]
