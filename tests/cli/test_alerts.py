"""The alert rules and the dashboard of configs/ are good, and ask for nothing that is not told."""

import json
import pathlib
import re

import pytest
import yaml

import scheduled
from exposition import JOB, promtool, read, with_textfile

CONFIGS = pathlib.Path(__file__).resolve().parents[2] / "configs"
RULES = CONFIGS / "prometheus" / "db-backup.rules.yml"
DASHBOARD = CONFIGS / "grafana" / "db-backup.json"


@pytest.fixture
def shop(program, folder, database):
    shop = scheduled.Shop(program, folder, database)
    yield shop
    shop.end()


def names_in(expression):
    return set(re.findall(r"\bdb_backup_[a-z_]+", expression))


def expressions():
    """Of the rules and of the dashboard."""
    rules = [rule["expr"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    dashboard = json.loads(DASHBOARD.read_text())
    panels = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    variables = [variable["query"]["query"] for variable in dashboard["templating"]["list"]
                 if variable["type"] == "query"]
    assert rules and panels and variables
    return rules + panels + variables


def test_rules_and_dashboard_ask_for_what_there_is(shop):
    file = with_textfile(shop, web={"listen": "127.0.0.1:0"},
                         schedules={**JOB, "hourly": {"source": "shop", "rpo": "1h"}})
    shop.run("schedule", "run", "nightly")
    shop.run("schedule", "run", "hourly")
    shop.run("stats")
    shop.run("verify")
    process = shop.start()
    scheduled.wait_until("all is written", lambda: "scheduler_last_tick" in file.read_text())
    shop.stop(process)
    there = {name for name, _ in read(file).samples}
    asked = set().union(*(names_in(each) for each in expressions()))
    assert asked <= there, asked - there
    described = set(re.findall(r"^\| `(db_backup_[a-z_]+)", (CONFIGS.parent / "docs" / "monitoring.md").read_text(),
                               re.MULTILINE))
    assert described == there


def test_rules_are_good_and_fire_when_they_shall():
    promtool("check", "rules", RULES)
    promtool("test", "rules", pathlib.Path(__file__).with_name("prometheus_rules_test.yml"))


def test_the_dashboard_has_a_place_for_everything():
    dashboard = json.loads(DASHBOARD.read_text())
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = set()
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                 for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells
