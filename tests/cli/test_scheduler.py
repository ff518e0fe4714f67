"""`db-backup schedule` in real time: runs that are due, processes that die, files that change."""

import os
import pathlib
import signal
import socket
import time

import pytest

import databases
import receivers
import scheduled
from test_output import assert_fits

# Once an hour, and not now: due only because the tests say that time has passed.
HOURLY = f"{(time.gmtime().tm_min + 30) % 60} * * * *"
SLOW = {"throttle": "64KiB/s"}


@pytest.fixture
def shop(program, folder, database):
    shop = scheduled.Shop(program, folder, database)
    yield shop
    shop.end()


@pytest.fixture
def receiver():
    receiver = receivers.HttpReceiver()
    yield receiver
    receiver.stop()


def schedule(shop, receiver=None, **keys):
    """One job named nightly."""
    if receiver:
        shop.write(notifications={"ops": {"type": "webhook", "webhook_url": receiver.url}})
        keys["notify"] = ["ops"]
    shop.write(schedules={"nightly": {"source": "shop", "cron": HOURLY, "timezone": "UTC", **keys}})


def make_due(shop, hours=1):
    """Lets a scheduler see its jobs, and then time pass without one."""
    shop.stop(shop.start())
    shop.was_away(hours)


def grow(shop, size=2 << 20):
    """So large that a slow backup takes half a minute."""
    with databases.opened(shop.database) as database:
        database.execute("CREATE TABLE filler (data BLOB)")
        database.execute("INSERT INTO filler VALUES (randomblob(?))", (size,))


def wait_for_backup(shop, repository="repository"):
    """Until a backup has announced its run: from then on it reads, slowly."""
    scheduled.wait_until("a backup reads", lambda: any((shop.folder / repository / "runs").glob("*/*")))


def test_a_job_runs_and_is_shown(shop):
    schedule(shop, retention="few")
    shop.write(retention={"few": {"last": 1}})
    shop.json("backup", "--source", "shop")
    make_due(shop)
    databases.change(shop.database)
    scheduler = shop.start()
    shop.wait_for("succeeded")
    shop.stop(scheduler)
    assert shop.processes() == {}
    assert len(shop.snapshots()) == 1, "prune has removed the older one"
    jobs = shop.json("schedule", "list")
    assert_fits(jobs, "schedule-list")
    assert jobs[0]["job"] == "nightly" and jobs[0]["schedule"] == f"{HOURLY} UTC"
    assert jobs[0]["age_s"] >= 0 and jobs[0]["next"] > jobs[0]["newest_good"]
    assert jobs[0]["runs"][0]["snapshot"] == shop.snapshots()[0]
    text = shop.run("schedule", "list").stdout
    assert "nightly" in text and HOURLY in text and "succeeded" in text, text
    shop.assert_whole()


def test_killed_in_the_middle_it_is_caught_up_and_told_once(shop, receiver):
    """kill -9 while a backup reads: no process is left behind, the run is known to be interrupted, the next
    scheduler makes up for it, and one message tells."""
    grow(shop)
    shop.source(**SLOW)
    schedule(shop, receiver)
    make_due(shop)
    scheduler = shop.start()
    wait_for_backup(shop)
    shop.kill(scheduler)
    scheduled.wait_until("nothing is left", lambda: shop.processes() == {})
    assert shop.snapshots() == []
    assert receiver.requests == []

    shop.source()
    scheduler = shop.start()
    shop.wait_for("interrupted", "succeeded")
    receiver.wait(1)
    shop.stop(scheduler)
    events = receiver.taken()
    assert [event["event"] for event in events] == ["recovered"], events
    assert events[0]["job"] == "nightly" and events[0]["source"] == "shop"
    runs = shop.json("schedule", "list", "nightly")[0]["runs"]
    assert [run["attempt"] for run in runs] == [2, 1]
    assert runs[1]["message"] == "the scheduler, or the machine, ended while it ran"
    assert len(shop.snapshots()) == 1
    shop.assert_whole()


def test_a_machine_that_dies_takes_all_along(shop, receiver):
    """All processes at once, as in a power failure."""
    grow(shop)
    shop.source(**SLOW)
    schedule(shop, receiver)
    make_due(shop)
    scheduler = shop.start()
    wait_for_backup(shop)
    shop.kill_all()
    scheduler.communicate()
    shop.source()
    scheduler = shop.start()
    shop.wait_for("interrupted", "succeeded")
    receiver.wait(1)
    shop.stop(scheduler)
    assert [event["event"] for event in receiver.taken()] == ["recovered"]
    shop.assert_whole()


def test_stopped_in_the_middle_nothing_is_left_running(shop, receiver):
    grow(shop)
    shop.source(**SLOW, hooks={"before": f"exec sleep 0.1 # {shop.folder}"})
    schedule(shop, receiver)
    make_due(shop)
    scheduler = shop.start()
    wait_for_backup(shop)
    shop.run("schedule", "stop")
    assert shop.program.finish(scheduler).code == 0
    assert shop.processes() == {}
    assert shop.statuses("nightly") == ["interrupted"]
    assert shop.snapshots() == []
    shop.run("verify", "--data")
    shop.source()
    scheduler = shop.start()  # It is made up for.
    shop.wait_for("interrupted", "succeeded")
    shop.stop(scheduler)
    shop.assert_whole()


def test_a_hook_that_does_not_end_is_killed(shop):
    schedule(shop)
    stubborn = f"trap '' TERM INT; touch {shop.folder}/began; while :; do sleep 0.1; done"
    shop.source(hooks={"before": stubborn})
    make_due(shop)
    scheduler = shop.start("--grace", "2s")
    scheduled.wait_until("the hook runs", (shop.folder / "began").exists)
    shop.stop(scheduler)
    scheduled.wait_until("nothing is left", lambda: shop.processes() == {})
    assert shop.statuses("nightly") == ["interrupted"]


def test_killed_while_a_hook_runs_the_hook_is_ended(shop):
    """The death of each thread of the scheduler may be told: the first is enough, and the others cut nothing off."""
    shop.source(hooks={"before": f"touch {shop.folder}/began; sleep 600; true {shop.folder}"})
    schedule(shop)
    for _ in range(5):
        (shop.folder / "began").unlink(missing_ok=True)
        process = shop.program.start("schedule", "run", "nightly", "--config", shop.config)
        scheduled.wait_until("the hook runs", (shop.folder / "began").exists)
        shop.kill(process)
        scheduled.wait_until("nothing is left", lambda: shop.processes() == {})


def test_a_state_folder_that_cannot_be_used(shop):
    schedule(shop)
    for words in (("list",), ("start",), ("start", "--daemon"), ("run", "nightly")):
        error = shop.json("schedule", *words, code=2, env={"XDG_STATE_HOME": "/proc/none"})["error"]
        assert error["code"] == "state_unusable" and error["hint"], error
    shop.run("schedule", "list")
    for file in shop.state.glob("schedule.db*"):
        file.write_bytes(b"this is no database" * 1000)
    error = shop.json("schedule", "list", code=1)["error"]
    assert error["code"] == "state_unusable" and "Move the file away" in error["hint"], error


def test_missed_runs_are_caught_up_once(shop, receiver):
    schedule(shop, receiver)
    make_due(shop, hours=5)
    scheduler = shop.start()
    shop.wait_for("caught_up", "succeeded")
    receiver.wait(1)
    shop.stop(scheduler)
    runs = shop.json("schedule", "list", "nightly")[0]["runs"]
    assert [(run["status"], run["count"]) for run in runs] == [("succeeded", 1), ("caught_up", 4)]
    assert [event["event"] for event in receiver.taken()] == ["missed"]
    scheduler = shop.start()  # Once.
    shop.stop(scheduler)
    assert shop.statuses("nightly") == ["caught_up", "succeeded"]
    assert len(shop.snapshots()) == 1


def test_missed_runs_can_be_left_out(shop, receiver):
    schedule(shop, receiver, catch_up="skip")
    make_due(shop, hours=5)
    scheduler = shop.start()
    receiver.wait(1)
    shop.stop(scheduler)
    assert shop.statuses("nightly") == ["missed"]
    assert shop.snapshots() == []


def test_no_job_overlaps_itself(shop):
    """By hand and by the scheduler, at once: one at a time, which the hook would notice."""
    mark = shop.folder / "running"
    alone = f"mkdir {mark} || touch {shop.folder}/overlap; until [ -e {shop.folder}/go ]; do sleep 0.05; done"
    shop.source(hooks={"before": alone, "after": f"rmdir {mark}", "on_error": f"rmdir {mark}"})
    schedule(shop)
    make_due(shop)
    by_hand = shop.program.start("schedule", "run", "nightly", "--config", shop.config)
    scheduled.wait_until("it runs", mark.exists)
    scheduler = shop.start()
    assert shop.json("schedule", "run", "nightly", code=2)["error"]["code"] == "job_running"
    shop.wait_for("running", "skipped")
    (shop.folder / "go").touch()
    assert shop.program.finish(by_hand).code == 0
    shop.wait_for("succeeded", "skipped")
    shop.stop(scheduler)
    assert not (shop.folder / "overlap").exists()
    assert len(shop.snapshots()) == 1
    messages = [run["message"] for run in shop.json("schedule", "list", "nightly")[0]["runs"]]
    assert messages == ["the run before was still at it", None]


def test_a_job_by_hand(shop, receiver):
    schedule(shop, receiver)
    document = shop.json("schedule", "run", "nightly")
    assert_fits(document, "schedule-run")
    assert document["status"] == "succeeded" and document["snapshot"] == shop.snapshots()[0]
    shop.database.rename(shop.folder / "gone.db")
    failed = shop.json("schedule", "run", "nightly", code=20)
    assert_fits(failed, "schedule-run")
    assert failed["status"] == "failed" and str(shop.database) in failed["message"]
    event, = receiver.taken()
    assert event["event"] == "failure" and str(shop.database) in event["problem"], event
    assert event["command"] == f"db-backup --config {shop.config} schedule run nightly"
    (shop.folder / "gone.db").rename(shop.database)
    result = shop.run("schedule", "run", "nightly")
    assert result.stdout.startswith("nightly succeeded: snapshot "), result
    assert [each["event"] for each in receiver.taken()] == ["failure", "recovered"]


def test_a_run_that_takes_too_long_is_ended(shop):
    grow(shop)
    shop.source(**SLOW)
    schedule(shop, timeout="1s", retries=0)
    make_due(shop)
    scheduler = shop.start()
    shop.wait_for("timed_out")
    shop.stop(scheduler)
    assert shop.processes() == {}
    shop.run("verify", "--data")


def test_the_configuration_is_read_again(shop):
    schedule(shop)
    scheduler = shop.start()
    good = shop.config.read_text()
    shop.config.write_text(good.replace('"source": "shop"', '"source": "shpo"'))
    scheduler.send_signal(signal.SIGHUP)
    scheduled.wait_until("it says so", lambda: "the old one stays in force" in scheduler.log.read_text())
    assert scheduler.poll() is None
    shop.config.write_text(good)
    shop.write(schedules={**shop.settings["schedules"], "young": {"source": "shop", "rpo": "1h"}})
    scheduler.send_signal(signal.SIGHUP)
    shop.wait_for("succeeded", job="young")
    result = shop.stop(scheduler)
    assert 'there is no "shpo" in sources (did you mean "shop"?)' in result.stderr, result


def test_jobs_are_added_and_removed_while_it_runs(shop):
    schedule(shop)
    scheduler = shop.start()
    added = shop.json("schedule", "add", "young", "--source", "shop", "--rpo", "1h", "--repository", "main",
                      "--retries", "3")
    assert_fits(added, "schedule-add")
    shop.wait_for("succeeded", job="young")
    assert shop.json("schedule", "add", "young", "--source", "shop", "--rpo", "1h", code=2)["error"]["code"] == \
        "job_exists"
    error = shop.json("schedule", "add", "bad", "--source", "shop", "--cron", "61 * * * *", code=2)["error"]
    assert error["code"] == "config_invalid" and "61" in error["message"], error
    assert [path.name for path in (shop.folder / "schedules.d").iterdir()] == ["young.yaml"]
    assert_fits(shop.json("schedule", "remove", "young"), "schedule-remove")
    assert shop.json("schedule", "remove", "young", code=2)["error"]["code"] == "job_unknown"
    assert shop.json("schedule", "remove", "nightly", code=2)["error"]["code"] == "job_elsewhere"
    assert [job["job"] for job in shop.json("schedule", "list")] == ["nightly"]
    scheduled.wait_until("it is read again", lambda: scheduler.log.read_text().count("was read again") == 2)
    shop.stop(scheduler)


def test_in_the_background(shop):
    schedule(shop)
    document = shop.json("schedule", "start", "--daemon")
    assert_fits(document, "schedule-start")
    try:
        assert pathlib.Path(document["pid_file"]).read_text().strip() == str(document["process"])
        assert os.getsid(document["process"]) == document["process"]
        for number in (0, 1, 2):
            assert os.readlink(f"/proc/{document['process']}/fd/{number}") == "/dev/null"
        assert shop.json("schedule", "start", code=2)["error"]["code"] == "scheduler_running"
        assert shop.json("schedule", "start", "--daemon", code=2)["error"]["code"] == "scheduler_running"
        assert shop.run("schedule", "list").stderr == ""
    finally:
        stopped = shop.json("schedule", "stop")
    assert_fits(stopped, "schedule-stop")
    assert stopped["process"] == document["process"]
    assert shop.processes() == {}
    assert "the scheduler was stopped" in (shop.state / "schedule.log").read_text()
    assert shop.json("schedule", "stop") == {"process": None}


def test_what_a_service_manager_is_told(shop):
    """As systemd does it: READY, signs of life, STOPPING, by datagrams."""
    schedule(shop)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(shop.folder / "notify"))
        listener.settimeout(scheduled.PATIENCE_S)
        scheduler = shop.start(env={"NOTIFY_SOCKET": str(shop.folder / "notify"), "WATCHDOG_USEC": "200000"})
        heard = listener.recv(4096).decode()
        assert "READY=1" in heard and f"MAINPID={scheduler.pid}" in heard, heard
        assert [listener.recv(4096) for _ in range(3)] == [b"WATCHDOG=1"] * 3
        shop.stop(scheduler)
        listener.settimeout(0)
        rest = []
        while not rest or rest[-1] != b"STOPPING=1":
            rest.append(listener.recv(4096))


def test_secrets_reach_the_jobs_and_nobody_else(shop):
    secret = "correct horse battery staple"
    shop.write(repositories={"safe": {"url": str(shop.folder / "safe"), "passphrase_env": "SHOP_SECRET"}})
    schedule(shop, repository="safe")
    shop.source(repository="safe")
    env = {"SHOP_SECRET": secret}
    shop.run("init", env=env)
    grow(shop)
    shop.source(repository="safe", **SLOW)
    shop.program.finish(shop.program.start("schedule", "list", "--config", shop.config))
    scheduler = shop.start(env=env)
    shop.stop(scheduler)
    shop.was_away(1)
    scheduler = shop.start(env=env)
    scheduler.send_signal(signal.SIGHUP)
    wait_for_backup(shop, "safe")
    assert not [words for words in shop.processes().values() if secret in words]
    shop.source(repository="safe")
    shop.stop(scheduler)
    scheduler = shop.start(env=env)
    shop.wait_for("interrupted", "succeeded")
    shop.stop(scheduler)
    texts = [process.log.read_text() for process in shop.started]
    texts += [path.read_bytes().decode(errors="replace") for path in shop.state.glob("schedule*")]
    assert not [text for text in texts if secret in text]


def test_many_jobs(shop):
    """1,000 jobs: memory is asserted, times are printed."""
    shop.write(schedules={f"job{number:04}": {"source": "shop", "cron": "H 2 * * *"} for number in range(1000)},
               sources={"shop": {"type": "sqlite", "database": str(shop.database), "repository": "main"}})
    began = time.monotonic()
    scheduler = shop.start()
    ready = time.monotonic() - began
    shop.run("schedule", "list")
    began = time.monotonic()
    jobs = shop.json("schedule", "list")
    listed = time.monotonic() - began
    memory = max(int(line.split()[1]) for line in
                 pathlib.Path(f"/proc/{scheduler.pid}/status").read_text().splitlines()
                 if line.startswith("VmHWM")) // 1024
    shop.stop(scheduler)
    print(f"1,000 jobs: started in {ready:.2f} s, listed in {listed:.2f} s, at most {memory} MiB resident")
    assert len(jobs) == 1000
    assert memory < 100
    minutes = {job["next"][14:16] for job in jobs}
    assert len(minutes) == 60, "H spreads them"


@pytest.mark.parametrize("words", [
    ("schedule",), ("schedule", "run"), ("schedule", "add"), ("schedule", "remove"), ("schedule", "list", "-x"),
    ("schedule", "strat"), ("schedule", "list", "--repository", "x"), ("notify",), ("notify", "test"),
])
def test_wrong_words(program, words):
    error = program.json(*words, code=2)["error"]
    assert error["code"] == "usage" and error["hint"], error


def test_without_jobs(shop):
    for words in (("list",), ("start",), ("start", "--daemon"), ("run", "x")):
        error = shop.json("schedule", *words, code=2)["error"]
        assert error["code"] == "no_schedules" and error["hint"], error
