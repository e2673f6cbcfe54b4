"""What replies mean: greylisting, holds, and refusals that are not what their code says; and what operators see of it."""
import datetime

import pytest

from gonets_rig.net import wait_until
from gonets_rig.postfix import PostfixReceiver, Postgrey


def when(text):
    return datetime.datetime.fromisoformat(text)


@pytest.fixture
def greylisting():
    greylist = Postgrey(30)
    receiver = PostfixReceiver(policy=greylist.endpoint)
    yield receiver
    receiver.stop()
    greylist.stop()


def test_postgrey_lets_the_second_attempt_in_which_comes_when_it_may_and_not_by_the_schedule(launch, greylisting):
    daemon = launch(route=[("*", greylisting.route)], stream={"transactional": {"retry": ["2h"]}})
    queue_id = daemon.submit(recipients=["b@postfix.test"])
    deferred = daemon.wait_event(queue_id, "deferred")
    assert deferred["reply"]["code"] == 450 and "greylisted for 30s" in deferred["reason"]
    why = daemon.cli("why", queue_id)
    assert "greylisted for 30s" in why.out and "retry_time" in why.out, why
    ended = wait_until("it is let in", lambda: daemon.ends(queue_id), deadline=60)
    assert ended["b@postfix.test"]["kind"] == "delivered"
    assert len(daemon.events_of(queue_id, kind="deferred")) == 1
    waited = when(ended["b@postfix.test"]["at"]) - when(deferred["at"])
    assert datetime.timedelta(seconds=30) < waited
    wait_until("it is in the mailbox", lambda: greylisting.recipients() == ["b@postfix.test"])


def test_a_refusal_that_is_about_the_rate_is_tried_again_though_its_code_says_never(launch, sink):
    daemon = launch(route=[("*", sink.route)])
    sink.on("RCPT", "550 Sender frequency limited", times=1)
    queue_id = daemon.submit(recipients=["b@qq.com"])
    deferred = daemon.wait_event(queue_id, "deferred")
    assert deferred["reply"]["code"] == 550 and "qq-rate-of-sender" in deferred["reason"]
    assert when(deferred["next_attempt"]) - when(deferred["at"]) >= datetime.timedelta(hours=1)
    # Of somebody else it means what it says.
    sink.on("RCPT", "550 Sender frequency limited", times=1)
    other = daemon.submit(recipients=["b@elsewhere.test"])
    assert daemon.wait_ends(other, "b@elsewhere.test")["b@elsewhere.test"]["kind"] == "bounced"


def test_a_site_that_asks_for_a_pause_gets_it_for_all_its_mail(launch, sink):
    daemon = launch(route=[("*", sink.route)])
    sink.on("RCPT", "550 Ip frequency limited", times=1)
    first = daemon.submit(recipients=["a@qq.com"])
    daemon.wait_event(first, "deferred")
    second = daemon.submit(recipients=["b@qq.com"])
    wait_until("it waits for the site", lambda: "site_held" in daemon.cli("why", second).out, every=0.1)
    why = daemon.cli_json("why", second)["recipients"][0]
    held = next(o for o in why["obstacles"] if o["what"] == "site_held")
    assert "qq-rate-of-egress" in held["detail"] and when(held["until"]) > when(daemon.trace(first)[-1]["at"])
    assert not sink.messages
    summary = daemon.cli_json("queue", "summary")
    assert any(line.get("state") == "held" for line in summary["sites"]), summary


def test_rules_of_ones_own_take_the_place_of_those_that_come_along(launch, sink, tmp_path):
    rules = tmp_path / "rules.toml"
    rules.write_text("""
[[rule]]
name = "ours"
text = ["come back on monday"]
verdict = "defer"
for = "72h"
about = "site"
why = "they rest"
samples = ["450 Come back on Monday"]
""")
    daemon = launch(route=[("*", sink.route)], shaping={"rules_file": str(rules)})
    sink.on("RCPT", "450 4.7.1 Come back on Monday", times=1)
    deferred = daemon.wait_event(daemon.submit(), "deferred")
    assert "they rest" in deferred["reason"]
    assert when(deferred["next_attempt"]) - when(deferred["at"]) >= datetime.timedelta(hours=72)
    rules.write_text("[[rule]]\nname = 1\n")
    checked = daemon.cli("check-config")
    assert checked.code == 1 and "rules.toml" in checked.out + checked.err
