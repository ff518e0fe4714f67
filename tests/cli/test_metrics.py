"""Metrics as Prometheus and its node exporter find them: what backups leave, and what a scheduler serves."""

import contextlib
import glob
import os
import pathlib
import re
import signal
import socket
import stat
import time
import urllib.error
import urllib.request

import pytest

import databases
import scheduled
from exposition import JOB, Page, promtool, read, with_textfile


@pytest.fixture
def shop(program, folder, database):
    shop = scheduled.Shop(program, folder, database)
    yield shop
    shop.end()


def get(url, method="GET", timeout=20):
    """(status, headers, text)"""
    request = urllib.request.Request(url, method=method)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return response.status, response.headers, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def served(shop, *words):
    """Starts a scheduler that listens. @return the process and its URL."""
    process = shop.start(*words)
    url = re.search(r"url=\"?(http://[^ \"]+)/metrics", process.log.read_text())
    assert url, process.log.read_text()
    return process, url[1]


def test_a_plain_backup_leaves_its_metrics(shop):
    file = with_textfile(shop)
    before = time.time()
    result = shop.json("backup", "--source", "shop")
    page = read(file)
    promtool("check", "metrics", text=page.text)
    place = {"source": "shop", "repository": "main"}
    assert before - 1 <= page.one("newest_snapshot_timestamp_seconds", **place) <= time.time()
    assert page.one("last_backup_source_bytes", **place) == result["bytes_source"]
    assert page.one("last_backup_read_bytes", **place) == result["bytes_read"]
    assert page.one("last_backup_added_bytes", **place) == result["bytes_added"]
    assert abs(page.one("last_backup_duration_seconds", **place) - result["duration_s"]) < 0.001
    assert page.one("last_backup_success", **place) == 1
    assert page.one("backups_total", result="succeeded", **place) == 1
    assert page.one("backups_total", result="failed", **place) == 0
    assert page.one("build_info") == 1
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert [path.name for path in file.parent.iterdir()] == ["db.prom"]


def test_a_failure_shows_and_the_snapshot_before_stays(shop):
    file = with_textfile(shop)
    shop.run("backup", "--source", "shop")
    newest = read(file).one("newest_snapshot_timestamp_seconds")
    read_total = read(file).one("read_bytes_total")
    shop.database.rename(shop.folder / "gone.db")
    shop.run("backup", "--source", "shop", code=20)
    page = read(file)
    assert page.one("last_backup_success") == 0
    assert page.one("backups_total", result="failed") == 1
    assert page.one("newest_snapshot_timestamp_seconds") == newest
    assert page.one("read_bytes_total") == read_total
    assert page.one("last_backup_timestamp_seconds") >= newest


def test_a_dry_run_is_no_backup(shop):
    file = with_textfile(shop)
    shop.run("backup", "--source", "shop", "--dry-run")
    assert not file.exists()


def test_nothing_is_kept_where_nobody_reads_it(shop):
    shop.run("backup", "--source", "shop")
    assert not (shop.state / "schedule.db").exists()


def test_each_repository_has_its_own(shop):
    file = with_textfile(shop, repositories={
        "main": {"url": str(shop.folder / "repository"), "encryption": "none", "mirror_to": ["other"]},
        "other": {"url": str(shop.folder / "other"), "encryption": "none"}})
    shop.run("backup", "--source", "shop", code=3)  # There is no other yet.
    page = read(file)
    assert page.one("last_backup_success", repository="main") == 1
    assert page.one("backups_total", result="succeeded", repository="main") == 1
    assert page.one("last_backup_success", repository="other") == 0
    assert not page.all("newest_snapshot_timestamp_seconds", repository="other")
    shop.run("init", "--repository", "other")
    shop.run("backup", "--source", "shop")
    page = read(file)
    assert page.one("last_backup_success", repository="other") == 1
    assert page.one("read_bytes_total", repository="other") == 0
    assert page.one("added_bytes_total", repository="other") > 0


def test_a_place_without_a_name_shows_no_more_than_where_it_is(program, folder, database):
    file = folder / "db.prom"
    words = ("backup", "--type", "sqlite", "--database", database, "--source-name", "shop")
    environment = {"DB_BACKUP__METRICS__TEXTFILE": str(file), "AWS_EC2_METADATA_DISABLED": "true"}
    program.run(*words, "--repository", "s3://bucket/prefix?endpoint=http://127.0.0.1:9&region=T0KEN", code=2,
                env=environment)
    quoted = folder / 'a "b" \\c'
    program.run("init", "--repository", quoted, "--encryption", "none")
    program.run(*words, "--repository", quoted, env=environment)
    page = read(file)
    promtool("check", "metrics", text=page.text)
    assert "T0KEN" not in page.text
    assert page.one("last_backup_success", source="shop", repository="s3://bucket/prefix") == 0
    assert page.one("last_backup_success", repository=str(quoted).replace("\\", "\\\\").replace('"', '\\"')) == 1


def test_size_and_problems_are_told_when_they_are_known(shop):
    file = with_textfile(shop)
    shop.run("backup", "--source", "shop")
    assert not read(file).all("repository_size_bytes")
    size = shop.json("stats")["pack_bytes"]
    page = read(file)
    assert page.one("repository_size_bytes", repository="main") == size
    with databases.opened(shop.database) as database:
        database.execute("CREATE TABLE more AS SELECT randomblob(100000) AS data")
    added = shop.json("backup", "--source", "shop")["bytes_added"]
    assert read(file).one("repository_size_bytes") == size + added
    shop.run("prune")
    assert read(file).one("repository_size_bytes") == shop.json("stats")["pack_bytes"]
    shop.run("verify")
    assert read(file).one("repository_problems") == 0
    for pack in (shop.folder / "repository" / "packs").rglob("*"):
        if pack.is_file():
            pack.chmod(0o600)
            pack.write_bytes(b"")
    shop.run("verify", code=13)
    page = read(file)
    assert page.one("repository_problems") > 0
    assert abs(page.one("repository_verified_timestamp_seconds") - time.time()) < 60
    promtool("check", "metrics", text=page.text)


def test_what_the_configuration_forgot_is_not_told(shop):
    file = with_textfile(shop)
    shop.run("backup", "--source", "shop")
    sources = dict(shop.settings["sources"])
    shop.write(sources={**sources, "other": sources["shop"]})
    shop.run("backup", "--source", "other", "--source-name", "other", code=None)
    assert read(file).all("last_backup_success", source="shop")
    shop.write(sources={"other": sources["shop"]})
    shop.run("stats")
    assert not read(file).all("last_backup_success", source="shop")


def test_a_file_that_cannot_be_written_fails_no_backup(shop):
    shop.write(metrics={"textfile": str(shop.folder / "missing" / "db.prom")})
    result = shop.run("backup", "--source", "shop")
    assert "metrics cannot be written" in result.stderr
    (shop.state / "schedule.db").write_bytes(b"no database at all" * 1000)
    for suffix in ("-wal", "-shm"):
        (shop.state / f"schedule.db{suffix}").unlink(missing_ok=True)
    result = shop.run("backup", "--source", "shop")
    assert "metrics cannot be kept" in result.stderr
    shop.assert_whole()


def test_backups_at_once_leave_the_newest_file(shop):
    file = with_textfile(shop)
    processes = [shop.program.start("backup", "--source", "shop", "--config", shop.config) for _ in range(6)]
    for process in processes:
        assert shop.program.finish(process).code == 0
    assert read(file).one("backups_total", result="succeeded") == 6


def test_a_job_by_hand_is_told_whole(shop):
    file = with_textfile(shop, schedules=JOB)
    shop.run("schedule", "run", "nightly")
    page = read(file)
    promtool("check", "metrics", text=page.text)
    job = {"schedule": "nightly", "source": "shop"}
    assert page.one("job_runs_total", status="succeeded", **job) == 1
    assert page.one("job_runs_total", status="failed", **job) == 0
    assert page.one("job_newest_good_timestamp_seconds", **job) > 0
    assert page.one("job_running", **job) == 0
    shop.database.rename(shop.folder / "gone.db")
    shop.run("schedule", "run", "nightly", code=20)
    page = read(file)
    assert page.one("job_runs_total", status="failed", **job) == 1
    assert page.one("job_consecutive_failures", **job) == 1
    assert page.one("backups_total", result="failed") == 1


def test_exported_units_may_write_the_file(shop):
    file = with_textfile(shop, schedules=JOB)
    units = shop.run("schedule", "export", "--format", "systemd").stdout
    assert re.search(rf"^ReadWritePaths=.*{re.escape(str(file.parent))}\b", units, re.MULTILINE)


def test_a_scheduler_serves_them(shop):
    shop.write(web={"listen": "127.0.0.1:0"}, schedules={**JOB, "hourly": {"source": "shop", "rpo": "1h"}})
    shop.run("schedule", "run", "nightly")
    shop.run("schedule", "run", "hourly")
    process, url = served(shop)
    status, headers, text = get(f"{url}/metrics")
    assert status == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4")
    promtool("check", "metrics", text=text)
    page = Page(text)
    assert page.one("job_next_run_timestamp_seconds", schedule="nightly") > time.time()
    assert page.one("job_goal_seconds", schedule="hourly") == 3600
    assert page.one("newest_snapshot_timestamp_seconds", source="shop", repository="main") > 0
    assert get(f"{url}/healthz")[::2] == (200, "ok\n")
    status, headers, text = get(f"{url}/metrics", method="HEAD")
    assert status == 200 and text == "" and int(headers["Content-Length"]) > 0
    assert get(f"{url}/")[0] == 404
    assert get(f"{url}/metrics", method="POST")[0] == 405
    shop.stop(process)
    with pytest.raises(urllib.error.URLError):
        get(f"{url}/healthz")


def test_a_scheduler_that_hangs_or_is_blind_is_not_healthy(shop):
    shop.write(web={"listen": "127.0.0.1:0"}, schedules=JOB)
    process, url = served(shop)
    assert get(f"{url}/healthz")[0] == 200
    shop.store("UPDATE parts SET version = 99 WHERE name = 'metrics'")
    shop.store("DROP TABLE metrics_backups")
    status = scheduled.wait_until("it says so", lambda: (answer := get(f"{url}/healthz"))[0] == 503 and answer)
    assert status[2] == "the state of the scheduler cannot be read\n"
    assert get(f"{url}/metrics")[0] == 503
    shop.kill(process)


def test_a_scheduler_shows_signs_of_life_in_the_file(shop):
    file = with_textfile(shop, schedules=JOB)
    process = shop.start()
    scheduled.wait_until("the file is there", file.exists)
    assert abs(read(file).one("scheduler_last_tick_timestamp_seconds") - time.time()) < 60
    shop.stop(process)
    promtool("check", "metrics", text=file.read_text())


def test_a_port_that_is_taken_is_said_at_the_start(shop):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        shop.write(web={"listen": f"127.0.0.1:{taken.getsockname()[1]}"}, schedules=JOB)
        error = shop.json("schedule", "start", code=2)["error"]
        assert error["code"] == "listen_failed" and "Address already in use" in error["message"]


def test_another_port_holds_after_a_reload_and_a_bad_one_does_not(shop):
    shop.write(web={"listen": "127.0.0.1:0"}, schedules=JOB)
    process, url = served(shop)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        shop.write(web={"listen": str(taken.getsockname()[1])})
        process.send_signal(signal.SIGHUP)
        scheduled.wait_until("it says so", lambda: "stays in force" in process.log.read_text())
        assert get(f"{url}/healthz")[0] == 200
    shop.write(web={"listen": "[::1]:0"})
    process.send_signal(signal.SIGHUP)
    scheduled.wait_until("it listens there", lambda: "http://[::1]:" in process.log.read_text())
    other = re.findall(r"url=\"?(http://\[::1\]:\d+)/metrics", process.log.read_text())[-1]
    assert get(f"{other}/healthz")[0] == 200
    with pytest.raises(urllib.error.URLError):
        get(f"{url}/healthz")
    port = other.rpartition(":")[2]
    shop.write(web={"listen": f"[::]:{port}"})  # which the one of before would be in the way of
    process.send_signal(signal.SIGHUP)
    scheduled.wait_until("it listens there", lambda: f"http://[::]:{port}" in process.log.read_text())
    assert get(f"{other}/healthz")[0] == 200
    shop.stop(process)


def is_healthy(url):
    try:
        return get(f"{url}/healthz")[0] == 200
    except OSError:  # As many as it takes are there already.
        return False


def connect(url):
    host, port = url.removeprefix("http://").rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=20)


def status_of(url, request):
    """Of the answer; None where the connection is closed in the middle of the request."""
    with connect(url) as client:
        try:
            client.sendall(request)
            answer = client.recv(100).split()
        except ConnectionError:
            return None
        return int(answer[1]) if answer else None


def test_clients_that_say_nothing_or_much_hold_up_nobody(shop):
    shop.write(web={"listen": "127.0.0.1:0"}, schedules=JOB)
    process, url = served(shop)
    silent = [connect(url) for _ in range(10)]
    for each in silent[:5]:
        each.sendall(b"GET /metrics HTTP/1.1\r\nX-Slow: ")
    assert status_of(url, b"GET /metrics HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 200_000 + b"\r\n\r\n") in (431, None)
    assert status_of(url, bytes(range(256)) * 8 + b"\r\n\r\n") in (400, None)
    assert get(f"{url}/healthz")[0] == 200
    shop.run("schedule", "run", "nightly")
    scheduled.wait_until("it is told", lambda: Page(get(f"{url}/metrics")[2]).one("job_runs_total", status="succeeded"))
    # As many as want to come: what is beyond is closed, and the scheduler keeps its descriptors.
    many = []
    for _ in range(200):
        many.append(connect(url))
    assert len(list(pathlib.Path(f"/proc/{process.pid}/fd").iterdir())) < 120
    shop.run("schedule", "run", "nightly")
    for each in silent + many:
        each.close()
    scheduled.wait_until("it answers", lambda: is_healthy(url))
    shop.stop(process)


def sockets_of(process):
    """Numbers of the sockets that a process has open."""
    found = set()
    for entry in glob.glob(f"/proc/{process}/fd/*"):  # None where it has ended.
        with contextlib.suppress(OSError):
            found |= set(re.findall(r"socket:\[(\d+)\]", os.readlink(entry)))
    return found


def test_runs_do_not_inherit_connections(shop):
    shop.source(hooks={"before": f"touch {shop.folder}/begun; sleep 60"})
    shop.write(web={"listen": "127.0.0.1:0"}, schedules=JOB)
    shop.stop(shop.start())
    shop.was_away(24 * 400)  # More than a year: it is due.
    process = shop.start()
    url = re.search(r"url=\"?(http://[^ \"]+)/metrics", process.log.read_text())[1]
    with connect(url) as client:
        scheduled.wait_until("a run is at it", (shop.folder / "begun").exists)
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(100).split()[1] == b"200"
        ours = sockets_of(process.pid)
        others = {other: sockets_of(other) & ours for other in shop.processes() if other != process.pid}
        assert ours and others and not any(others.values()), others
    shop.stop(process)
