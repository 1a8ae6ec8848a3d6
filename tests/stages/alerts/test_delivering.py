"""Alerts reach Slack, PagerDuty, Teams, a mailbox and a web address, one after another, once."""

from __future__ import annotations

import asyncio
import re
from importlib import import_module
from typing import Any

import pytest
from apprise.plugins import pagerduty, slack

from pipeline.alerts import Alert, Severity
from pipeline.store import alert_deliveries, alerts
from stages.alerts.delivering import deliver_due
from stages.alerts.raising import acknowledge_alerts, close_alert, raise_alert
from tests.alert_receivers import WebReceiver, mail_receiver, web_receiver
from tests.stages.alerts.conftest import Making, Parts

# Apprise loads all its channels at first use, and one of them an old module of Python's.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

OUTAGE = Alert("circuit-open", "openai", Severity.CRITICAL, "openai is not asked at the moment.",
               {"open_seconds": 40}, "The service answers 503.")  # fmt: skip
DRIFT = Alert("drift-found", "local", Severity.WARNING, "1 difference.")
LATE = Alert("run-late", "nightly", Severity.WARNING, "nightly does not start.")


def steps(*targets: str, minutes: int = 15) -> dict[str, Any]:
    """One route for everything; each target after the one before it."""
    told = [{"to": [each], "after_minutes": n * minutes} for n, each in enumerate(targets)]
    return {"routes": [{"steps": told}], "group_seconds": 0}


async def outcomes(parts: Parts, alert: Any) -> list[tuple[str, str]]:
    """Target and outcome of each message of an alert."""
    async with parts.database.service() as connection:
        found = await alert_deliveries.of_alerts(connection, [alert.id])
    return [(each.target, each.outcome) for each in found]


async def test_who_does_not_acknowledge_is_followed_by_the_next(
    parts: Making, channels: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack, after 15 minutes PagerDuty, then mail, then Teams: each in its form, each once."""
    here = parts(**steps("slack", "pager", "mail", "teams"))
    async with web_receiver() as web, mail_receiver() as mail:
        monkeypatch.setattr(slack.NotifySlack, "webhook_url", f"{web.url}/services")
        monkeypatch.setitem(pagerduty.PAGERDUTY_API_LOOKUP, "us", f"{web.url}/v2/enqueue")
        channels["slack"] = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#ops"
        channels["pager"] = "pagerduty://" + "a" * 32 + "@" + "b" * 20 + "/navigator/stack"
        channels["mail"] = f"mailto://127.0.0.1:{mail.port}?from=n@e.example&to=ops@e.example"
        channels["teams"] = f"json://127.0.0.1:{web.port}/teams"
        raised = await raise_alert(here, OUTAGE)
        assert await deliver_due(here) == []
        assert [path for path, _ in web.requests] == [
            "/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
        ]
        assert "A service does not answer" in str(web.requests[0][1]["attachments"])
        assert web.requests[0][1]["channel"] == "#ops"
        await deliver_due(here)
        assert len(web.requests) == 1, "nothing twice, and no step before its time"
        await here.passes(15)
        await asyncio.gather(*(deliver_due(here) for _ in range(4)))
        [_, (path, event)] = web.requests
        assert (path, event["event_action"]) == ("/v2/enqueue", "trigger")
        assert event["payload"]["severity"] == "critical"
        assert "Not acknowledged" in str(event["payload"])
        assert event["dedup_key"] == str(raised.id)
        await here.passes(15)
        await deliver_due(here)
        [sent] = mail.mails
        assert "Not acknowledged: A service does not answer" in str(sent["Subject"])
        assert "ops@e.example" in str(sent["To"])
        text = str(sent.get_payload(0)) if sent.is_multipart() else str(sent)
        assert "docs/runbook.md#circuit-open" in text
        await acknowledge_alerts(here.database, [raised.id], "ada", "I am on it")
        await here.passes(60)
        await deliver_due(here)
        assert len(web.requests) == 2, "nobody else is told of what somebody looks after"
        await close_alert(here, OUTAGE.kind, OUTAGE.key, "It answers again.")
        for _ in range(2):
            await deliver_due(here)
        [(path, event)] = web.requests[2:]
        assert (path, event["event_action"]) == ("/v2/enqueue", "resolve"), "the pager alone, once"
        assert event["dedup_key"] == str(raised.id)
    assert await outcomes(here, raised) == [
        ("slack", "sent"), ("pager", "sent"), ("mail", "sent"), ("teams", "cancelled")
    ]  # fmt: skip


async def test_teams_gets_its_form(
    parts: Making, channels: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A card by the workflow's webhook."""
    here = parts(**steps("teams"))
    channels["teams"] = "workflows://127.0.0.1:1/" + "a" * 32 + "/" + "b" * 43
    async with web_receiver() as web:
        requests = import_module("requests")  # what Apprise sends by
        post = requests.post
        monkeypatch.setattr(
            requests, "post",
            lambda url, **kept: post(re.sub(r"https://[^/]+", web.url, url), **kept),
        )  # fmt: skip
        await raise_alert(here, OUTAGE)
        assert await deliver_due(here) == []
        [(_, card)] = web.requests
    assert card["attachments"][0]["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert "A service does not answer" in str(card)


async def receivers_of(web: WebReceiver, channels: dict[str, str], *names: str) -> dict[str, str]:
    """Have every name lead to one web address, at a path of its own."""
    channels |= {name: f"json://127.0.0.1:{web.port}/{name}" for name in names}
    return channels


async def test_a_channel_that_fails_is_tried_again_then_left_for_the_next(
    parts: Making, channels: dict[str, str]
) -> None:
    """Three attempts, said each time; then the next step is taken without its waiting time."""
    here = parts(**steps("broken", "pager", minutes=600))
    async with web_receiver() as web:
        await receivers_of(web, channels, "pager")
        channels["broken"] = "json://127.0.0.1:9/x"
        raised = await raise_alert(here, OUTAGE)
        for attempt in range(3):
            [refusal] = await deliver_due(here)
            assert "was not sent: its channel refused it" in str(refusal)
            if attempt < 2:
                assert await deliver_due(here) == [], "not before its pause is over"
                assert web.requests == []
                await here.passes(2)
        assert [path for path, _ in web.requests] == ["/pager"]
    assert await outcomes(here, raised) == [("broken", "failed"), ("pager", "sent")]


async def test_what_comes_again_is_counted_and_told_nobody_until_it_is_renewed(
    parts: Making, channels: dict[str, str]
) -> None:
    """One open alert of a kind and key; four hours later somebody is told again."""
    here = parts(**steps("ops"))
    async with web_receiver() as web:
        await receivers_of(web, channels, "ops")
        for _ in range(5):
            await raise_alert(here, DRIFT)
            await deliver_due(here)
        assert len(web.requests) == 1
        await here.passes(241)
        again = await raise_alert(here, DRIFT)
        assert (again.round, again.is_new) == (2, False)
        await deliver_due(here)
        assert "It came 6 times" in web.requests[1][1]["message"]
        assert await close_alert(here, DRIFT.kind, DRIFT.key, "It was set back.")
        assert (await raise_alert(here, DRIFT)).is_new
        await deliver_due(here)
        assert len(web.requests) == 3


async def test_a_run_is_one_alert_whether_it_or_prefect_tells_first(
    parts: Making, channels: dict[str, str]
) -> None:
    """It counts once and is told once, with the first one's title and the evidence of both."""
    here = parts(**steps("ops"))
    by_flow = Alert("documents-failed", "run-1", Severity.WARNING, "1 failed.", {"run": "ours"})
    by_prefect = Alert("documents-failed", "run-1", Severity.WARNING, "Documents: 1 failed.", {})
    async with web_receiver() as web:
        await receivers_of(web, channels, "ops")
        for first, second in ((by_flow, by_prefect), (by_prefect, by_flow)):
            raised = await raise_alert(here, first)
            await deliver_due(here)
            again = await raise_alert(here, second)
            await deliver_due(here)
            assert (raised.is_new, again.is_new, again.id) == (True, False, raised.id)
            async with here.database.service() as connection:
                (kept,) = await alerts.open_alerts(connection, 5)
            assert (kept.count, kept.title) == (1, first.title)
            assert kept.evidence == by_flow.evidence
            assert await close_alert(here, first.kind, first.key, "Seen.")
        assert len(web.requests) == 2


async def test_what_becomes_critical_is_told_at_once(
    parts: Making, channels: dict[str, str]
) -> None:
    """A warning that was told does not hide that it got worse."""
    here = parts(**steps("ops"))
    async with web_receiver() as web:
        await receivers_of(web, channels, "ops")
        await raise_alert(here, DRIFT)
        await deliver_due(here)
        worse = Alert(DRIFT.kind, DRIFT.key, Severity.CRITICAL, "9 differences.")
        assert (await raise_alert(here, worse)).is_told
        await deliver_due(here)
        assert [each["type"] for _, each in web.requests] == ["warning", "failure"]


async def test_several_within_a_minute_are_one_message(
    parts: Making, channels: dict[str, str]
) -> None:
    """They wait for each other; a critical one does not, and takes them along."""
    here = parts(**(steps("ops") | {"group_seconds": 60}))
    async with web_receiver() as web:
        await receivers_of(web, channels, "ops")
        await raise_alert(here, DRIFT)
        await raise_alert(here, LATE)
        await deliver_due(here)
        assert web.requests == []
        await raise_alert(here, OUTAGE)
        await deliver_due(here)
        [(_, message)] = web.requests
        assert message["title"] == "3 alerts"
        assert message["message"].index("openai") < message["message"].index("1 difference")
        await here.passes(5)
        await deliver_due(here)
        assert len(web.requests) == 1


async def test_who_dies_while_it_sends_is_followed_by_another(
    parts: Making, channels: dict[str, str]
) -> None:
    """A claim that nobody settles ends; the message is sent by whoever comes next."""
    here = parts(**steps("ops"))
    async with web_receiver() as web:
        await receivers_of(web, channels, "ops")
        await raise_alert(here, OUTAGE)
        async with here.database.service() as connection:
            [claimed] = await alert_deliveries.claim(connection, 0)
        assert claimed.target == "ops"
        await deliver_due(here)
        assert web.requests == []
        await here.passes(2)
        await deliver_due(here)
        assert len(web.requests) == 1


async def test_without_a_target_the_ledger_and_the_log_have_it(parts: Making) -> None:
    """Nothing is to be sent, and nothing fails."""
    here = parts()
    raised = await raise_alert(here, OUTAGE)
    assert await deliver_due(here) == []
    assert await outcomes(here, raised) == []
