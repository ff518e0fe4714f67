"""Messages on their way to receivers that refuse, hang, or go away: none is lost, none is told twice, and none
tells a secret."""

import hashlib
import hmac
import json
import signal

import pytest

import mail_server
import receivers
import scheduled
from test_output import assert_fits

TOKEN = "T0KEN-that-nobody-may-see"


@pytest.fixture
def shop(program, folder, database):
    shop = scheduled.Shop(program, folder, database)
    yield shop
    shop.end()


@pytest.fixture
def receive():
    """Makes receivers that are gone afterwards."""
    made = []

    def make(kind, *arguments, **options):
        made.append(kind(*arguments, **options))
        return made[-1]
    yield make
    for each in made:
        each.stop()


def tell(shop, notification, **sections):
    """One job, due in a year, whose end is told. A failure is: its database is gone."""
    shop.write(notifications={"ops": notification},
               schedules={"nightly": {"source": "shop", "cron": "0 0 1 1 *", "notify": ["ops"]}}, **sections)


def fail(shop):
    if shop.database.exists():
        shop.database.rename(shop.folder / "gone.db")
    return shop.run("schedule", "run", "nightly", code=20)


def hurry(shop):
    """What waits for another try waits no longer."""
    shop.store("UPDATE messages SET next = 0 WHERE next IS NOT NULL")


def assert_secret(shop, *texts, secret=TOKEN):
    texts = list(texts)
    texts += [path.read_bytes().decode(errors="replace") for path in shop.state.glob("schedule*")]
    texts += [process.log.read_text() for process in shop.started]
    assert not [text for text in texts if secret in text]


def waiting(shop):
    return shop.store("SELECT count(*) FROM messages WHERE next IS NOT NULL")[0][0]


@pytest.mark.parametrize("answer", [(429, {"Retry-After": "1"}), 500, 503, "reset"], ids=str)
def test_what_is_refused_for_now_is_told_later_and_once(shop, receive, answer):
    receiver = receive(receivers.HttpReceiver, answer, 200)
    tell(shop, {"type": "webhook", "webhook_url": f"{receiver.url}/{TOKEN}"})
    result = fail(shop)
    assert len(receiver.requests) == 1 and waiting(shop) == 1
    scheduler = shop.start()
    hurry(shop)
    receiver.wait(2)
    scheduled.wait_until("it is told", lambda: waiting(shop) == 0)
    shop.stop(scheduler)
    bodies = [json.loads(body) for _, _, body, _ in receiver.requests]
    assert len(bodies) == 2 and bodies[0] == bodies[1]
    assert bodies[0]["event"] == "failure" and str(shop.database) in bodies[0]["problem"]
    assert_secret(shop, result.text, *[body for _, _, body, _ in receiver.requests])


def test_who_says_when_is_asked_then(shop, receive):
    receiver = receive(receivers.HttpReceiver, (429, {"Retry-After": "1000"}), 200)
    tell(shop, {"type": "webhook", "webhook_url": receiver.url})
    fail(shop)
    made, then = shop.store("SELECT made, next FROM messages")[0]
    assert then - made >= 1000


def test_what_is_refused_for_good_is_given_up(shop, receive):
    receiver = receive(receivers.HttpReceiver, 404)
    tell(shop, {"type": "slack", "webhook_url": f"{receiver.url}/{TOKEN}"})
    result = fail(shop)
    assert waiting(shop) == 0
    assert shop.store("SELECT error FROM messages")[0][0] == "Slack answered 404: the receiver's own words"
    assert_secret(shop, result.text)


def test_a_slow_receiver_is_waited_for(shop, receive):
    receiver = receive(receivers.HttpReceiver, ("slow", 2))
    tell(shop, {"type": "webhook", "webhook_url": receiver.url})
    fail(shop)
    assert len(receiver.taken()) == 1 and waiting(shop) == 0


def test_killed_while_it_tells_nothing_is_lost(shop, receive):
    receiver = receive(receivers.HttpReceiver, 500, "hang", 200)
    tell(shop, {"type": "webhook", "webhook_url": receiver.url})
    fail(shop)
    scheduler = shop.start()
    hurry(shop)
    receiver.wait(2)
    shop.kill(scheduler)
    assert waiting(shop) == 1
    hurry(shop)  # As after the minutes in which nobody else may take it.
    scheduler = shop.start()
    receiver.wait(3)
    scheduled.wait_until("it is told", lambda: waiting(shop) == 0)
    shop.stop(scheduler)
    assert len({json.loads(body)["id"] for _, _, body, _ in receiver.requests}) == 1
    assert len(receiver.requests) == 3


def test_a_receiver_that_hangs_fails_no_backup(shop, receive):
    receiver = receive(receivers.HttpReceiver, "hang")
    tell(shop, {"type": "webhook", "webhook_url": receiver.url, "on": ["success"]})
    process = shop.program.start("schedule", "run", "nightly", "--config", shop.config)
    receiver.wait(1)
    assert shop.statuses("nightly") == ["succeeded"]
    receiver.released.set()
    assert shop.program.finish(process).code == 0
    assert waiting(shop) == 1
    shop.assert_whole()


def test_the_same_is_not_told_again_and_again(shop, receive):
    receiver = receive(receivers.HttpReceiver)
    tell(shop, {"type": "webhook", "webhook_url": receiver.url})
    for _ in range(3):
        fail(shop)
    assert [event["event"] for event in receiver.taken()] == ["failure"]
    shop.store("UPDATE messages SET made = made - 3600")
    fail(shop)
    assert receiver.taken()[-1]["facts"]["Not told since"] == "2 of the same"


def test_a_webhook_is_signed(shop, receive):
    receiver = receive(receivers.HttpReceiver)
    key = shop.folder / "key"
    key.write_text("signing secret\n")
    key.chmod(0o600)
    tell(shop, {"type": "webhook", "webhook_url": receiver.url, "signing_key_file": str(key)})
    document = shop.json("notify", "test", "ops")
    assert_fits(document, "notify-test")
    (_, headers, body, _), = receiver.requests
    assert headers["X-Db-Backup-Id"] == document["id"] == json.loads(body)["id"]
    expected = hmac.new(b"signing secret", f"{headers['X-Db-Backup-Timestamp']}.{body}".encode(), hashlib.sha256)
    assert headers["X-Db-Backup-Signature"] == f"sha256={expected.hexdigest()}"


def test_pings_tell_of_begin_and_end(shop, receive):
    receiver = receive(receivers.HttpReceiver)
    tell(shop, {"type": "ping", "ping_url": f"{receiver.url}/{TOKEN}"})
    shop.run("schedule", "run", "nightly")
    fail(shop)
    paths = [path for path, _, _, _ in receiver.requests]
    assert [path.partition("?")[0] for path in paths] == [
        f"/{TOKEN}/start", f"/{TOKEN}", f"/{TOKEN}/start", f"/{TOKEN}/fail"]
    assert_secret(shop)


def test_a_test_that_fails_says_why(shop, receive):
    receiver = receive(receivers.HttpReceiver, 403)
    tell(shop, {"type": "webhook", "webhook_url": f"{receiver.url}/{TOKEN}"})
    result = shop.run("notify", "test", "ops", "--json", code=1)
    error = result.error
    assert error["code"] == "notification_failed" and error["hint"], error
    assert error["message"] == "the webhook answered 403: the receiver's own words"
    assert TOKEN not in result.text
    assert shop.json("notify", "test", "opps", code=2)["error"]["hint"] == "Did you mean ops?"


# --- mail -----------------------------------------------------------------------------------------


def test_a_mail_arrives(shop, receive):
    server = receive(mail_server.MailServer, shop.folder)
    tell(shop, server.config(shop.folder), storage={"ca_file": str(server.certificate)})
    result = fail(shop)
    (envelope, mail), = server.mails
    assert server.logins == [(mail_server.USER, True)], "the password only within TLS"
    assert envelope.mail_from == "backup@shop.example"
    assert envelope.rcpt_tos == ["ops@shop.example", "boss@shop.example"]
    assert mail["To"] == "ops@shop.example, boss@shop.example" and "shop" in mail["Subject"]
    kinds = [part.get_content_type() for part in mail.walk()]
    assert kinds == ["multipart/alternative", "text/plain", "text/html"], kinds
    for part in mail.iter_parts():
        assert f"db-backup --config {shop.config} schedule run nightly" in part.get_content(), part.get_content()
    assert_secret(shop, result.text, str(mail), secret=mail_server.PASSWORD)


@pytest.mark.parametrize("trouble", ("password", "no STARTTLS", "certificate"))
def test_no_mail_and_no_password_where_something_is_wrong(shop, receive, trouble):
    server = receive(mail_server.MailServer, shop.folder, starttls=trouble != "no STARTTLS")
    password = "wrong " + mail_server.PASSWORD if trouble == "password" else mail_server.PASSWORD
    storage = {} if trouble == "certificate" else {"storage": {"ca_file": str(server.certificate)}}
    tell(shop, server.config(shop.folder, password=password), **storage)
    result = shop.run("notify", "test", "ops", code=1)
    assert server.mails == [] and mail_server.PASSWORD not in result.text
    if trouble == "password":
        assert "refuses user and password: 535" in result.stderr, result
    else:
        assert server.logins == []
        assert ("offers no STARTTLS" if trouble == "no STARTTLS" else "certificate") in result.stderr, result


def test_a_mail_server_that_is_busy_is_asked_again(shop, receive):
    server = receive(mail_server.MailServer, shop.folder, "451 try again later", "250 OK")
    tell(shop, server.config(shop.folder), storage={"ca_file": str(server.certificate)})
    fail(shop)
    assert waiting(shop) == 1
    assert "451" in shop.store("SELECT error FROM messages")[0][0]
    scheduler = shop.start()
    hurry(shop)
    scheduled.wait_until("it is told", lambda: waiting(shop) == 0)
    shop.stop(scheduler)
    assert server.tries == 2 and len(server.mails) == 1


def test_a_mail_that_is_refused_for_good_is_given_up(shop, receive):
    server = receive(mail_server.MailServer, shop.folder, "554 no such thing here")
    tell(shop, server.config(shop.folder), storage={"ca_file": str(server.certificate)})
    fail(shop)
    assert waiting(shop) == 0 and server.tries == 1
    assert "554 no such thing here" in shop.store("SELECT error FROM messages")[0][0]


def test_a_mail_server_that_hangs_can_be_left(shop, receive):
    server = receive(mail_server.SilentServer)
    tell(shop, {"type": "email", "smtp": server.host, "from": "a@b.example", "to": ["c@d.example"]})
    process = shop.program.start("notify", "test", "ops", "--config", shop.config)
    assert server.connected.wait(scheduled.PATIENCE_S)
    process.send_signal(signal.SIGINT)
    assert shop.program.finish(process, timeout=30).code == 130


# --- a backup without a schedule ------------------------------------------------------------------


def tell_of_source(shop, notification):
    shop.write(notifications={"ops": notification})
    shop.source(notify=["ops"])


def test_a_backup_without_a_schedule_is_told(shop, receive):
    receiver = receive(receivers.HttpReceiver)
    tell_of_source(shop, {"type": "webhook", "webhook_url": receiver.url})
    shop.run("backup", "--source", "shop")
    shop.run("backup", "--source", "shop", "--dry-run")
    assert receiver.requests == []
    shop.database.rename(shop.folder / "gone.db")
    failed = shop.json("backup", "--source", "shop", code=20)["error"]
    event, = receiver.taken()
    assert (event["event"], event["source"], event["job"]) == ("failure", "shop", "")
    assert event["problem"] == failed["message"] and event["hint"] == failed["hint"]
    assert event["command"] == f"db-backup --config {shop.config} backup --source shop"
    (shop.folder / "gone.db").rename(shop.database)
    taken = shop.json("backup", "--source", "shop")
    assert [each["event"] for each in receiver.taken()] == ["failure", "recovered"]
    assert receiver.taken()[1]["facts"] == {"Snapshot": taken["snapshot"][:8], "Failures before": "1"}


def test_what_a_backup_could_not_tell_the_next_one_tells(shop, receive):
    receiver = receive(receivers.HttpReceiver, 500, 200)
    tell_of_source(shop, {"type": "webhook", "webhook_url": f"{receiver.url}/{TOKEN}", "on": ["success"]})
    result = shop.run("backup", "--source", "shop", "--json")
    assert result.json["warnings"] == [], "who is told never matters to a backup"
    assert waiting(shop) == 1
    hurry(shop)
    shop.run("backup", "--source", "shop")
    assert waiting(shop) == 0
    first, second = [json.loads(body)["id"] for _, _, body, _ in receiver.requests]
    assert first == second, "the second backup's is not told within the hour of quiet"
    assert_secret(shop, result.text)


def test_a_job_is_told_once(shop, receive):
    """By the scheduler, and not by the backup that it starts, too."""
    receiver = receive(receivers.HttpReceiver)
    tell(shop, {"type": "webhook", "webhook_url": receiver.url})
    shop.source(notify=["ops"])
    fail(shop)
    assert [event["job"] for event in receiver.taken()] == ["nightly"]
