"""Damaged, cut, swapped, missing and foreign objects are found and named, and never restored wrongly.

Method: a repository of a few KB with every kind of object. One thing at a time is broken; then
`verify --data` must exit 13 and name the object, and `restore` must fail or give the right file.
(Every byte of every object is flipped by tests/crash; through the program it is a seeded sample.)
"""

import os
import random
import secrets
import shutil

import pytest

import databases
from program import Repository

STRIDE = 37 if os.environ.get("DB_BACKUP_LONG") == "1" else 111
HEAD_BYTES = 24
SEED = 20261122


class Victim:
    """A small repository with two snapshots, and a copy of it to heal from."""

    def __init__(self, program, folder, encryption):
        self.folder = folder
        self.repository = Repository(program, folder / "repository", encryption).init()
        database = databases.make(folder / "tiny.db", rows=8, page_size=512)
        self.hashes = {}
        for seed in (1, 2):
            databases.change(database, seed, updates=2, inserts=1)
            self.hashes[self.repository.backup(database)["snapshot"]] = databases.digest(database)
        self.objects = {name: (self.repository.path / name).read_bytes() for name in self.repository.objects()}

    def write(self, name, content):
        path = self.repository.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_bytes(content)

    def heal(self):
        for name in self.repository.objects():
            if name not in self.objects:
                (self.repository.path / name).unlink()
        for name, content in self.objects.items():
            path = self.repository.path / name
            if not path.exists() or path.read_bytes() != content:
                self.write(name, content)

    def assert_found(self, *names, what=""):
        """`verify --data` fails and names one of the objects."""
        result = self.repository.run("verify", "--data", "--json", code=None)
        assert result.code == 13, f"{what}: not found\n{result}"
        assert any(name in result.text for name in names), f"{what}: {names} not named\n{result}"
        return result

    def assert_never_wrong(self, what=""):
        """Each snapshot restores right or not at all; returns how many restored."""
        good = 0
        for snapshot, expected in self.hashes.items():
            target = self.folder / "restored.db"
            result = self.repository.run("restore", snapshot, "--to", target, "--json", code=None)
            if result.code == 0:
                assert databases.digest(target) == expected, f"{what}: a wrong file was restored\n{result}"
                target.unlink()
                good += 1
            else:
                assert result.code in (2, 10, 12, 13, 14), f"{what}\n{result}"
                assert not target.exists(), f"{what}: a failed restore left its target"
                assert not [name for name in os.listdir(self.folder) if "restored" in name], f"{what}: leftovers"
        return good


@pytest.fixture(params=("none", "keyfile"))
def victim(request, program, folder):
    return Victim(program, folder, request.param)


def kinds(victim):
    return sorted({name.split("/")[0] for name in victim.objects})


def test_the_victim_has_every_kind_of_object(victim):
    expected = {"config", "manifests", "runs"} | ({"keys"} if victim.repository.encryption != "none" else set())
    assert expected <= set(kinds(victim)), f"found only {kinds(victim)}"
    assert victim.repository.verify("--data")["ok"]
    assert victim.assert_never_wrong() == 2


def test_flipped_bytes(victim, report):
    rng = random.Random(SEED)
    print(f"seed {SEED}")
    flips = 0
    for name, content in victim.objects.items():
        places = set(range(min(HEAD_BYTES, len(content))))
        places |= set(range(rng.randrange(STRIDE), len(content), STRIDE)) | {len(content) - 1}
        for place in sorted(places):
            what = f"byte {place} of {len(content)} in {name} flipped"
            broken = bytearray(content)
            broken[place] ^= 1 << rng.randrange(8)
            victim.write(name, bytes(broken))
            victim.assert_found(name, what=what)
            if flips % 4 == 0:
                victim.assert_never_wrong(what)
            flips += 1
        victim.write(name, content)
    report("flips", flips)
    assert victim.repository.verify("--data")["ok"]


@pytest.mark.parametrize("size", ("empty", "half", "one less", "one more"))
def test_cut_and_extended_objects(victim, size):
    for name, content in victim.objects.items():
        broken = {"empty": b"", "half": content[: len(content) // 2], "one less": content[:-1], "one more": content + b"\0"}
        victim.write(name, broken[size])
        victim.assert_found(name, what=f"{name}: {size}")
        victim.assert_never_wrong(f"{name}: {size}")
        victim.write(name, content)


def test_swapped_objects(victim):
    """Each object under the name of another one of its kind, and of another kind."""
    names = list(victim.objects)
    pairs = list(zip(names, names[1:] + names[:1]))
    pairs += [(a, b) for a in names for b in names if a < b and a.split("/")[0] == b.split("/")[0]]
    for first, second in pairs:
        if victim.objects[first] == victim.objects[second]:
            continue
        victim.write(first, victim.objects[second])
        victim.write(second, victim.objects[first])
        victim.assert_found(first, second, what=f"{first} and {second} swapped")
        victim.assert_never_wrong(f"{first} and {second} swapped")
        victim.heal()
    assert victim.repository.verify("--data")["ok"]


def test_removed_packs_are_missed(victim):
    packs = [name for name in victim.objects if name.startswith("packs/")]
    for name in packs:
        (victim.repository.path / name).unlink()
        victim.assert_found(name, what=f"{name} removed")
        result = victim.repository.run("verify", "--json", code=13)
        assert name in result.text, f"the structure alone tells too\n{result}"
        victim.assert_never_wrong(f"{name} removed")
        victim.write(name, victim.objects[name])
    assert victim.assert_never_wrong() == 2


def test_removed_other_objects_never_mislead(victim):
    """A list of snapshots may become shorter, but what shows restores or fails cleanly."""
    for name in victim.objects:
        if name.startswith("packs/"):
            continue
        (victim.repository.path / name).unlink()
        victim.assert_never_wrong(f"{name} removed")
        result = victim.repository.run("verify", "--data", "--json", code=None)
        if name == "config":
            assert result.code in (10, 14), str(result)
        elif name.startswith("keys/"):
            assert result.code == 14, str(result)
        else:
            assert result.code in (0, 13), str(result)
        victim.write(name, victim.objects[name])


def test_a_removed_manifest_in_the_middle_is_missed(program, folder):
    victim = Victim(program, folder, "none")
    first = next(iter(victim.hashes))
    manifest = next(name for name in victim.objects if name.startswith("manifests/") and name.endswith(first))
    (victim.repository.path / manifest).unlink()
    result = victim.repository.run("verify", "--json", code=None)
    assert first in result.text or first[:8] in result.text, f"nobody misses the predecessor\n{result}"


def test_foreign_objects(victim, program):
    """Objects of another repository, and files that nobody of us made."""
    other_folder = victim.folder / "other"
    other_folder.mkdir()
    shutil.copy(victim.folder / "tiny.db", other_folder / "tiny.db")
    other = Repository(program, other_folder / "repository", victim.repository.encryption).init()
    databases.change(other_folder / "tiny.db", 99)
    other.backup(other_folder / "tiny.db")
    for name in other.objects():
        if name in victim.objects or name.split("/")[0] not in ("packs", "indexes", "manifests"):
            continue
        victim.write(name, (other.path / name).read_bytes())
        result = victim.repository.run("verify", "--data", "--json", code=None)
        assert name in result.text and result.code in (0, 13), f"{name}: not named\n{result}"
        assert victim.assert_never_wrong(f"foreign {name}") == 2
        listed = victim.repository.run("list", "--json", code=None).json
        assert {each["snapshot"] for each in listed} <= set(victim.hashes), "a foreign snapshot shows"
        victim.heal()


def test_a_foreign_manifest_in_the_own_folder(victim, program):
    """A manifest of another repository, and rubbish, beside our own manifests."""
    mine = next(name for name in victim.objects if name.startswith("manifests/"))
    for content in (b"rubbish", secrets.token_bytes(500), b""):
        name = f"{mine.rsplit('/', 1)[0]}/{secrets.token_hex(16)}"
        victim.write(name, content)
        victim.assert_found(name, what="rubbish among the manifests")
        assert victim.assert_never_wrong() == 2
        listed = victim.repository.run("list", "--json", code=None)
        assert {each["snapshot"] for each in listed.json} == set(victim.hashes)
        assert listed.code in (0, 13)
        victim.heal()


def test_a_damaged_newest_manifest_is_not_passed_over(victim):
    """`latest` must not quietly be an older snapshot."""
    older, newest = victim.hashes
    name = next(name for name in victim.objects if name.startswith("manifests/") and name.endswith(newest))
    for place in (20, 60):  # In the salt and in the summary.
        broken = bytearray(victim.objects[name])
        broken[place] ^= 1
        victim.write(name, bytes(broken))
        target = victim.folder / "restored.db"
        for text in ("latest", "latest~1", "2100-01-01"):
            for words in (("restore", text, "--to", target), ("restore", text, "--to", target, "--source", "sqlite-tiny"),
                          ("show", text), ("verify", text)):
                result = victim.repository.run(*words, "--json", code=13)
                assert name in result.text, f"{words}: {name} is not named\n{result}"
                assert not target.exists(), str(result)
        victim.repository.restore(older, target)
        assert databases.digest(target) == victim.hashes[older]
        target.unlink()
    victim.heal()
    assert victim.repository.json("show", "latest")["snapshot"] == newest


def test_files_of_other_programs_do_no_harm(victim):
    for name in (".DS_Store", "Thumbs.db", "lost+found/x", "packs/.nfs0001", "packs/aa/.tmp-partial", "notes.txt"):
        victim.write(name, b"not ours")
        result = victim.repository.run("verify", "--data", "--json", code=None)
        assert result.code in (0, 13), str(result)
        assert not [each for each in result.json["findings"] if not each["harmless"]], f"{name}\n{result}"
        assert victim.assert_never_wrong() == 2
        victim.heal()


def test_the_config_of_another_repository(victim, program):
    other = Repository(program, victim.folder / "other", victim.repository.encryption).init()
    victim.write("config", (other.path / "config").read_bytes())
    for words in (("list",), ("verify", "--data")):
        result = victim.repository.run(*words, "--json", code=None)
        assert result.code in (12, 13, 14) or (words == ("list",) and result.json == []), str(result)
    assert victim.assert_never_wrong() == 0


def test_after_damage_a_backup_heals(program, folder):
    """A damaged pack is found; the same database backed up in full restores; old snapshots too."""
    victim = Victim(program, folder, "keyfile")
    pack = next((name for name in victim.objects if name.startswith("packs/")), None)
    name = pack or next(name for name in victim.objects if name.startswith("manifests/"))
    broken = bytearray(victim.objects[name])
    broken[len(broken) // 2] ^= 255
    victim.write(name, bytes(broken))
    victim.assert_found(name)
    taken = victim.repository.backup(victim.folder / "tiny.db", "--mode", "full", code=(0, 13))
    if "snapshot" in taken:
        target = victim.folder / "healed.db"
        result = victim.repository.run("restore", taken["snapshot"], "--to", target, "--verify", "--json", code=(0, 13))
        if result.code == 0:
            assert databases.digest(target) == databases.digest(victim.folder / "tiny.db")


@pytest.mark.parametrize("way", ("removed", "cut", "emptied"))
@pytest.mark.parametrize("mode", ("full", "incremental", "differential"))
@pytest.mark.parametrize("source", ("unchanged", "changed"))
def test_a_backup_never_refers_to_packs_that_are_gone(plain_repository, folder, way, mode, source):
    """It reads and stores again what they held, says so, and restores; only the earlier snapshot is lost."""
    database = databases.make(folder / "shop.db", rows=30_000)
    plain_repository.backup(database)
    for name in [each for each in plain_repository.objects() if each.startswith("packs/")]:
        pack = plain_repository.path / name
        if way == "removed":
            pack.unlink()
        else:
            pack.chmod(0o600)
            os.truncate(pack, 0 if way == "emptied" else pack.stat().st_size // 2)
    if source == "changed":
        databases.change(database, updates=3, inserts=3)
    taken = plain_repository.backup(database, "--mode", mode)
    is_apart = mode == "full" and source == "changed"  # Then nothing may lie in the lost packs.
    assert is_apart or any("the repository is damaged" in warning for warning in taken["warnings"]), taken
    plain_repository.restore(taken["snapshot"], folder / "restored.db", "--verify")
    databases.assert_equal(databases.content(database), folder / "restored.db")
    again = plain_repository.backup(database)
    plain_repository.restore(again["snapshot"], folder / "again.db", "--verify")


def test_a_newest_snapshot_that_somebody_took_away_is_missed(plain_repository, folder):
    """Where it was seen before, a listing that lacks it is told to scripts too."""
    database = databases.make(folder / "shop.db")
    older = plain_repository.backup(database)["snapshot"]
    databases.change(database, updates=3)
    newest = plain_repository.backup(database)["snapshot"]
    name = next(each for each in plain_repository.objects() if each.endswith(newest) and each.startswith("manifests/"))
    assert len(plain_repository.list()) == 2  # Now this machine has seen it.
    (plain_repository.path / name).unlink()
    restored = plain_repository.restore("latest", folder / "restored.db")
    assert restored["snapshot"] == older and any(newest in warning for warning in restored["warnings"]), restored
    result = plain_repository.run("verify", "--json", code=13)
    assert name in [each["object"] for each in result.json["findings"]]
    quiet = plain_repository.run("restore", "latest", "--to", folder / "again.db", "--quiet")
    assert newest in quiet.stderr
