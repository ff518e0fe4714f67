"""`db-backup schedule export`: what systemd, cron and Kubernetes say to it, and what they would start."""

import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import time

import jsonschema
import pytest
import yaml

import databases
import receivers
import scheduled
from requirements import not_possible_here
from test_output import assert_fits

SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "scripts"
SCHEDULES = {
    "nightly": {"source": "shop", "cron": "30 2 * * MON-FRI", "timezone": "Europe/Berlin", "jitter": "10m"},
    "last": {"source": "shop", "cron": "0 4 L * *", "timezone": "UTC", "catch_up": "skip"},
    "often": {"source": "shop", "rpo": "1h"},
    "six": {"source": "shop", "every": "6h"},
}


@pytest.fixture
def shop(program, folder, database):
    place = folder / "a shop's $1 100%"  # What units, shells and crontabs each read in their own way.
    place.mkdir()
    shop = scheduled.Shop(program, place, database)
    shop.write(schedules=SCHEDULES)
    yield shop
    shop.end()


def exported(shop, *words):
    document = shop.json("schedule", "export", *words)
    assert_fits(document, "schedule-export")
    return {file["name"]: file["text"] for file in document["files"]}


def bare(shop):
    """Almost no environment, as services and cron jobs have it; but not the machine's own state."""
    names = ("XDG_STATE_HOME", "XDG_CACHE_HOME", "ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS")
    return {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent",
            **{name: shop.program.environment[name] for name in names if name in shop.program.environment}}


def snapshots(shop):
    return len(shop.json("list", "--repository", "main"))


def unit_words(line):
    """A command as systemd reads it: systemd.service(5), "Command lines"."""
    return [word.replace("%%", "%").replace("$$", "$") for word in shlex.split(line)]


def analyze(*words):
    if not shutil.which("systemd-analyze"):
        not_possible_here("there is no systemd-analyze")
    done = subprocess.run(["systemd-analyze", *map(str, words)], capture_output=True, text=True, timeout=60,
                          env={"PATH": os.environ["PATH"], "SYSTEMD_LOG_LEVEL": "notice", "TZ": "UTC", "LC_ALL": "C"})
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("user", ("root", "daemon"))
def test_systemd_takes_the_units(shop, folder, user):
    units = folder / "units"
    result = shop.run("schedule", "export", "--output", units, "--user", user)
    assert result.code == 0 and result.stdout == ""
    names = sorted(f"db-backup-{job}.{kind}" for job in SCHEDULES for kind in ("service", "timer"))
    assert sorted(path.name for path in units.iterdir()) == names
    assert analyze("verify", *sorted(units.iterdir())) == (0, "")
    for service in units.glob("*.service"):
        assert f"\nUser={user}\n" in service.read_text()
        code, text = analyze("security", "--offline=true", "--threshold=30", "--no-pager", service)
        assert code == 0, text
    # It would have said so:
    wrong = units / "db-backup-nightly.timer"
    wrong.write_text(wrong.read_text().replace("Berlin", "Bärlin"))
    assert analyze("verify", wrong)[0] != 0


def test_timers_are_due_when_the_jobs_are(shop):
    """Those of cron expressions; intervals begin at other moments, but as often."""
    units = exported(shop)
    next_runs = {job["job"]: job["next"] for job in shop.json("schedule", "list")}
    for job in ("nightly", "last"):
        calendars = re.findall("^OnCalendar=(.*)$", units[f"db-backup-{job}.timer"], re.MULTILINE)
        code, text = analyze("calendar", *calendars)
        found = re.search(r"(?:\(in UTC\)|Next elapse): \w+ (\S+ \S+) UTC", text)
        assert code == 0 and found, text
        assert found[1].replace(" ", "T") + ".000Z" == next_runs[job]
    assert "Persistent=false" in units["db-backup-last.timer"]
    assert "Persistent=true" in units["db-backup-nightly.timer"] and "RandomizedDelaySec=600" in units["db-backup-nightly.timer"]
    assert re.search(r"OnCalendar=\*-\*-\* \*:\d\d,\d\d:00", units["db-backup-often.timer"])
    assert re.search(r"OnCalendar=\*-\*-\* \d\d,\d\d,\d\d,\d\d:\d\d:00", units["db-backup-six.timer"])


def test_a_unit_starts_the_job(shop, database):
    service = exported(shop, "nightly")["db-backup-nightly.service"]
    words = unit_words(re.search("^ExecStart=(.*)$", service, re.MULTILINE)[1])
    done = subprocess.run(words, env=bare(shop), capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert snapshots(shop) == 1
    places = unit_words(re.search("^ReadWritePaths=(.*)$", service, re.MULTILINE)[1])
    assert places == sorted([str(shop.folder / "repository"), str(database.parent)])
    assert not [place for place in places if not pathlib.Path(place).is_dir()]


def test_cron_takes_the_file_and_starts_the_job(shop, folder):
    text = exported(shop, "six", "--format", "cron", "--user", "backup")["db-backup"]
    line = text.splitlines()[-1]
    *times, user, command = line.split(None, 6)
    assert user == "backup" and len(times) == 5
    if not shutil.which("crontab"):
        not_possible_here("there is no crontab")
    plain = folder / "crontab"  # That of a user has no field for it.
    plain.write_text(text.replace(line, " ".join([*times, command])))
    assert subprocess.run(["crontab", "-n", plain], capture_output=True, timeout=60).returncode == 0
    plain.write_text(text.replace(line, " ".join(["61", *times[1:], command])))
    assert subprocess.run(["crontab", "-n", plain], capture_output=True, timeout=60).returncode != 0
    # crontab(5): a percent sign is a line break unless a backslash stands before it, which is taken away.
    assert not re.search(r"(?<!\\)%", command)
    done = subprocess.run(["/bin/sh", "-c", command.replace(r"\%", "%")], env=bare(shop), capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert snapshots(shop) == 1


@pytest.mark.parametrize("job, format, words", (
    ("nightly", "cron", "by the machine's clock"),
    ("last", "cron", "cron has no words for days counted from the end of a month"),
    ("last", "kubernetes", "cron has no words"),
))
def test_what_others_cannot_is_refused(shop, job, format, words):
    result = shop.run("schedule", "export", job, "--format", format, code=2, env={"TZ": "UTC"})
    assert words in result.stderr and result.stdout == ""


def kubernetes(shop, *words):
    documents = list(yaml.safe_load_all(exported(shop, *words, "--format", "kubernetes")["db-backup.yaml"]))
    return [each for each in documents if each]


def check_against_the_api(documents):
    folder = pathlib.Path(subprocess.run([SCRIPTS / "kubernetes_schemas.sh"], capture_output=True, text=True, check=True).stdout.strip())
    definitions = json.loads((folder / "_definitions.json").read_text())
    names = {"CronJob": "cronjob-batch-v1.json", "PersistentVolumeClaim": "persistentvolumeclaim-v1.json"}
    for document in documents:
        path = folder / names[document["kind"]]
        known = {definitions["$id"]: definitions}
        resolver = jsonschema.RefResolver(base_uri="", referrer=None, store=known)
        jsonschema.Draft7Validator(json.loads(path.read_text()), resolver=resolver).validate(document)


def test_kubernetes_takes_the_jobs(shop, database):
    shop.write(schedules={name: SCHEDULES[name] for name in ("nightly", "often", "six")},
               notifications={"ops": {"type": "slack", "webhook_url_env": "SLACK_URL"}})
    shop.write(schedules={**shop.settings["schedules"], "often": {**SCHEDULES["often"], "notify": ["ops"]}})
    documents = kubernetes(shop, "--image", "registry.example/db-backup:1")
    check_against_the_api(documents)
    jobs = {each["metadata"]["name"]: each["spec"] for each in documents if each["kind"] == "CronJob"}
    assert sorted(jobs) == ["db-backup-nightly", "db-backup-often", "db-backup-six"]
    assert jobs["db-backup-nightly"]["schedule"] == "30 2 * * 1,2,3,4,5"
    assert jobs["db-backup-nightly"]["timeZone"] == "Europe/Berlin"
    container = jobs["db-backup-often"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "registry.example/db-backup:1"
    secrets = {each["name"]: each["valueFrom"]["secretKeyRef"] for each in container["env"] if "valueFrom" in each}
    assert secrets == {"SLACK_URL": {"name": "db-backup-environment", "key": "SLACK_URL"}}
    assert {str(shop.config), str(shop.folder / "repository"), str(database.parent)} <= {
        each["mountPath"] for each in container["volumeMounts"]}
    # The words start the job:
    done = subprocess.run([shop.program.path, *container["args"]], env={**bare(shop), "SLACK_URL": "http://127.0.0.1:9/x"},
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert snapshots(shop) == 1
    # It would have said so:
    documents[-1]["spec"]["concurrencyPolizy"] = "Forbid"
    with pytest.raises(jsonschema.ValidationError):
        check_against_the_api(documents)


def test_jobs_that_would_have_one_name_are_refused(shop):
    shop.write(schedules={"a.b": SCHEDULES["six"], "a_b": SCHEDULES["six"]})
    result = shop.run("schedule", "export", "--format", "kubernetes", code=2)
    assert "one name in Kubernetes" in result.stderr


def test_nothing_is_overwritten(shop, folder):
    units = folder / "units"
    units.mkdir()
    (units / "db-backup-six.timer").write_text("mine")
    result = shop.run("schedule", "export", "--output", units, code=2)
    assert "db-backup-six.timer already" in result.stderr
    assert [path.name for path in units.iterdir()] == ["db-backup-six.timer"]
    assert (units / "db-backup-six.timer").read_text() == "mine"


def test_secrets_are_not_written(shop):
    shop.write(repositories={"main": {"url": str(shop.folder / "repository"), "encryption": "passphrase", "passphrase_env": "PHRASE"}})
    for format in ("systemd", "cron", "kubernetes"):
        with_secret = {**shop.program.environment, "PHRASE": "do not print me"}
        done = subprocess.run([shop.program.path, "schedule", "export", "six", "--format", format, "--config", shop.config],
                              env=with_secret, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and "do not print me" not in done.stdout + done.stderr
        assert format == "cron" or "PHRASE" in done.stdout


@pytest.fixture
def receiver():
    opened = receivers.HttpReceiver()
    yield opened
    opened.stop()


def test_a_job_that_fails_is_tried_again_when_asked(shop, database, receiver):
    """Nobody is woken by a failure that another try makes good."""
    shop.write(notifications={"hook": {"type": "webhook", "webhook_url": receiver.url}},
               schedules={"six": {**SCHEDULES["six"], "retries": 1, "notify": ["hook"]}})
    away = database.with_name("away.db")
    database.rename(away)
    process = shop.program.start("schedule", "run", "six", "--retry", "--config", shop.config)
    began = time.monotonic()
    line = process.stderr.readline()
    while "follows in" not in line:
        assert line, "it ended"
        line = process.stderr.readline()
    assert "Try 2 of 2" in line
    away.rename(database)
    result = shop.program.finish(process, ["schedule", "run"])
    assert result.code == 0 and time.monotonic() - began < 120
    assert snapshots(shop) == 1
    assert [each["event"] for each in receiver.taken()] == ["recovered"]


def test_waiting_for_another_try_is_given_up_at_once(shop, database):
    database.unlink()
    process = shop.program.start("schedule", "run", "six", "--retry", "--config", shop.config)
    while "follows in" not in (line := process.stderr.readline()):
        assert line, "it ended"
    began = time.monotonic()
    process.terminate()
    assert shop.program.finish(process, ["schedule", "run"]).code == 130
    assert time.monotonic() - began < 20
