"""A PagerDuty on loopback that behaves as its documents say, and judges every request by them.

Acknowledging a resolved incident by REST reopens it and assigns it to whoever asked; the same as an event changes
nothing. A trigger under an open key adds to its alert. Its clock counts whole seconds.
"""

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import parse_qs, urlsplit

from console.settings.outside import HttpSource, PagerDuty, SecretRef
from tests.fakes.openapi import Judge
from tests.integrations.fault_server import Behaviour, Connection, FaultServer, answer

TOKEN, EVENTS_KEY, TEST_KEY = "canary-rest-token-4711", "canary-events-key-4712", "canary-test-key-4713"
CANARIES = (TOKEN, EVENTS_KEY, TEST_KEY)
ANN, BEN, CAT = ("PANN", "Ann Able"), ("PBEN", "Ben Bold"), ("PCAT", "Cat Calm")
SERVICE, TEST_SERVICE, POLICY = ("PSVC1", "Lighthouse"), ("PSVC9", "Tests"), ("PPOL1", "Lighthouse policy")


def email(user):
    return f"{user[1].split()[0].lower()}@example.com"


def ref(pair, kind):
    return {"id": pair[0], "type": f"{kind}_reference", "summary": pair[1]}


@dataclass
class Rule:
    """Something special for the next requests that match."""

    method: str
    path: str
    before: Callable[[], object] | None
    instead: Behaviour | None
    after: Behaviour | None
    times: int


@dataclass
class Incident:
    id: str
    number: int
    title: str
    key: str
    service: tuple[str, str]
    at: datetime
    status: str = "triggered"
    level: int = 1
    via: str = "escalation_policy"
    assigned: list = field(default_factory=lambda: [ANN])
    acks: list = field(default_factory=list)
    changed: tuple | None = None
    alerts: dict = field(default_factory=dict)
    log: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    responders: list = field(default_factory=list)
    updated: int = 0


class FakePagerDuty:
    """Runs until the `with` ends, which fails when a request was not to the documents."""

    def __init__(self, judge: Judge) -> None:
        self.judge, self.server = judge, FaultServer()
        self.server.behave = self._behave
        self.url, self.requests = self.server.url, self.server.requests
        self.violations: list[str] = []
        self.users = {user[0]: user for user in (ANN, BEN, CAT)}
        self.on_call = [(1, ANN), (2, BEN), (3, CAT)]
        self.incidents: dict[str, Incident] = {}
        self.updates: list[tuple[str, str]] = []
        self.changes: list[dict] = []
        self.ahead = timedelta(0)
        self.overlap = 0
        self.policy: tuple[str, str] | None = POLICY
        self.shift_ends = stamp(self.now() + timedelta(hours=8))
        self.lock = threading.RLock()
        self._rules: list[Rule] = []
        self._count = 0

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.server.close()
        if kind is None:
            assert not self.violations, "\n".join(self.violations)

    # --- how a console reaches it ---

    def settings(self, who=ANN, **changes) -> PagerDuty:
        """The configuration of a console whose sender is `who`."""
        source = HttpSource("pagerduty", self.url, timeout=timedelta(seconds=20), token=SecretRef("env", "REST"))
        found = PagerDuty(
            source, email(who), (SERVICE[0],), self.url, SecretRef("env", "EVENTS"), SecretRef("env", "TESTS")
        )
        return replace(found, **changes)

    def secret(self, found: SecretRef) -> str:
        return {"REST": TOKEN, "EVENTS": EVENTS_KEY, "TESTS": TEST_KEY}[found.name]

    # --- what tests do to it ---

    def rule(self, method, path, *, before=None, instead=None, after=None, times=1):
        """For the next `times` requests: call `before`, or answer with `instead`, or do it and answer with `after`."""
        self._rules.append(Rule(method, path, before, instead, after, times))

    def open(self, title="Lighthouse is slow", key="key-1", service=SERVICE):
        with self.lock:
            found = next((i for i in self.incidents.values() if key in i.alerts and i.status != "resolved"), None)
            if found is None:
                self._count += 1
                found = Incident(f"P{self._count:06d}", self._count, title, key, service, self.now())
                self.incidents[found.id] = found
            found.alerts[key] = "triggered"
            self.write(found, "trigger", service, "service")
            return found

    def resolve(self, incident, who=BEN, kind="user"):
        with self.lock:
            incident.status, incident.assigned, incident.acks = "resolved", [], []
            incident.alerts = dict.fromkeys(incident.alerts, "resolved")
            self.write(incident, "resolve", who, kind)

    def acknowledge(self, incident, who=BEN, kind="user"):
        """As the documents say, from whichever state."""
        with self.lock:
            reopened = incident.status == "resolved"
            incident.status = "acknowledged"
            incident.acks = [*(ack for ack in incident.acks if ack[0] != who), (who, self.now(), kind)]
            if reopened:
                incident.assigned, incident.via = [who], "direct_assignment"
            self.write(incident, "acknowledge", who, kind)

    def escalate(self, incident, level, who=BEN):
        with self.lock:
            incident.level, incident.via = level, "escalation_policy"
            incident.assigned = [user for at, user in self.on_call if at == level]
            self.write(incident, "escalate", who)

    def write(self, incident, kind, who, agent="user", **more):
        """A line of the log."""
        with self.lock:
            self._count += 1
            line = {"id": f"R{self._count:06d}", "type": f"{kind}_log_entry", "created_at": stamp(self.now())}
            incident.log.append(line | {"summary": kind, "agent": ref(who, agent), "channel": {"type": "api"}} | more)
            incident.updated += 1
            if kind in ("trigger", "acknowledge", "resolve"):
                incident.changed = (who, self.now(), agent)

    def now(self):
        return datetime.now(UTC) + self.ahead

    def sent(self, method, path=".*"):
        """The requests that came in."""
        return [one for one in self.requests if one.method == method and re.fullmatch(path, one.path)]

    # --- how it answers ---

    def _behave(self, connection: Connection) -> None:
        request = connection.request
        with self.lock:
            found = [
                r for r in self._rules if r.times and r.method == request.method and re.fullmatch(r.path, request.path)
            ]
            rule = found[0] if found else None
            if rule:
                rule.times -= 1
        try:
            wrong = self.judge.violation(request.method, request.target, request.headers, request.body)
        except Exception as error:
            wrong = f"the judge itself failed: {error!r}"
        if wrong:
            self.violations.append(wrong)
        if rule and rule.before:
            rule.before()
        if rule and rule.instead:
            return rule.instead(connection)
        with self.lock:
            status, body = self._answer(request)
        if rule and rule.after:
            return rule.after(connection)
        return answer(status, body, Date=format_datetime(self.now(), usegmt=True))(connection)

    def _answer(self, request):
        body = json.loads(request.body) if request.body else {}
        query = parse_qs(urlsplit(request.target).query)
        if request.path.startswith("/v2/"):
            return self._event(request.path, body)
        if request.headers.get("authorization") != f"Token token={TOKEN}":
            return 401, {"error": {"message": "Unauthorized", "code": 2006}}
        sender = next((u for u in self.users.values() if email(u) == request.headers.get("from")), None)
        if request.method != "GET" and sender is None:
            return 400, {
                "error": {"message": "Invalid Input Provided", "errors": ["Requester User Not Found", "From header"]}
            }
        for method, pattern, handle in (
            ("GET", "/incidents", self._list),
            ("GET", "/incidents/(.+)/log_entries", self._log),
            ("GET", "/incidents/(.+)/alerts", self._alerts),
            ("GET", "/incidents/(.+)/notes", lambda q, b, s, i: (200, {"notes": i.notes})),
            ("POST", "/incidents/(.+)/notes", self._note),
            ("POST", "/incidents/(.+)/status_updates", self._status_update),
            ("POST", "/incidents/(.+)/responder_requests", self._responders),
            ("GET", "/incidents/(.+)", lambda q, b, s, i: (200, {"incident": self.shown(i)})),
            ("PUT", "/incidents/(.+)", self._put),
            ("GET", "/oncalls", self._on_calls),
            ("GET", "/users", self._users),
            ("GET", "/users/.+", lambda q, b, s: (200, {"user": self._user(request.path.rsplit("/", 1)[1])})),
            (
                "GET",
                "/services/.+",
                lambda q, b, s: (
                    200,
                    {"service": {**ref(SERVICE, "service"), "escalation_policy": ref(POLICY, "escalation_policy")}},
                ),
            ),
            (
                "GET",
                "/escalation_policies",
                lambda q, b, s: self._page(q, "escalation_policies", [ref(POLICY, "escalation_policy")]),
            ),
            ("GET", "/schedules", lambda q, b, s: self._page(q, "schedules", [ref(("PSCH1", "Primary"), "schedule")])),
        ):
            if request.method == method and (found := re.fullmatch(pattern, request.path)):
                if not found.groups():
                    return handle(query, body, sender)
                if found[1] not in self.incidents:
                    return 404, {"error": {"message": "Not Found", "code": 2100}}
                return handle(query, body, sender, self.incidents[found[1]])
        return 404, {"error": {"message": "Not Found", "code": 2100}}

    def _page(self, query, name, items):
        limit = min(int(query.get("limit", ["25"])[0]), 100)
        offset = int(query.get("offset", ["0"])[0])
        start = max(0, offset - self.overlap) if offset else 0
        page = items[start : start + limit]
        return 200, {name: page, "limit": limit, "offset": offset, "more": start + limit < len(items), "total": None}

    def shown(self, i):
        who = i.changed
        return {
            "id": i.id,
            "type": "incident",
            "incident_number": i.number,
            "title": i.title,
            "status": i.status,
            "incident_key": i.key,
            "created_at": stamp(i.at),
            "updated_at": f"{stamp(i.at)[:-1]}.{i.updated:03d}Z",
            "last_status_change_at": stamp(who[1]),
            "last_status_change_by": ref(who[0], who[2]),
            "urgency": "high",
            "service": ref(i.service, "service"),
            "escalation_policy": self.policy and ref(self.policy, "escalation_policy"),
            "assigned_via": i.via,
            "assignments": [{"at": stamp(i.at), "assignee": ref(user, "user")} for user in i.assigned],
            "acknowledgements": [{"at": stamp(at), "acknowledger": ref(user, kind)} for user, at, kind in i.acks],
            "alert_counts": {"all": len(i.alerts)},
            "incidents_responders": [{"state": "pending", "user": ref(user, "user")} for user in i.responders],
            "priority": None,
            "html_url": f"https://example.pagerduty.com/incidents/{i.id}",
        }

    def _list(self, query, _body, _sender):
        found = [i for i in self.incidents.values() if i.status in query.get("statuses[]", [i.status])]
        found = [i for i in found if i.service[0] in query.get("service_ids[]", [i.service[0]])]
        found = [i for i in found if i.key in query.get("incident_key", [i.key])]
        return self._page(query, "incidents", [self.shown(i) for i in reversed(found)])

    def _log(self, query, _body, _sender, i):
        since = query.get("since", ["0000"])[0][:19]
        return self._page(query, "log_entries", [line for line in reversed(i.log) if line["created_at"][:19] >= since])

    def _alerts(self, query, _body, _sender, i):
        found = [
            {"id": f"A{n}", "type": "alert", "alert_key": key, "status": s}
            for n, (key, s) in enumerate(i.alerts.items())
        ]
        return self._page(query, "alerts", found)

    def _put(self, _query, body, sender, i):
        asked = body["incident"]
        if asked.get("status") == "acknowledged":
            self.acknowledge(i, sender)
        elif asked.get("status") == "resolved":
            self.resolve(i, sender)
        if level := asked.get("escalation_level"):
            if level > max(at for at, _ in self.on_call):
                return 400, {"error": {"message": "Invalid Input Provided", "errors": ["Escalation level is invalid"]}}
            self.escalate(i, level, sender)
        if people := asked.get("assignments"):
            i.assigned, i.via = [self.users[one["assignee"]["id"]] for one in people], "direct_assignment"
            self.write(i, "assign", sender)
        return 200, {"incident": self.shown(i)}

    def _note(self, _query, body, sender, i):
        self._count += 1
        i.notes.append(
            {
                "id": f"N{self._count}",
                "user": ref(sender, "user"),
                "content": body["note"]["content"],
                "created_at": stamp(self.now()),
            }
        )
        self.write(i, "annotate", sender)
        return 200, {"note": i.notes[-1]}

    def _status_update(self, _query, body, sender, i):
        self.updates.append((i.id, body["message"]))
        return 200, {
            "status_update": {
                "id": "S1",
                "message": body["message"],
                "created_at": stamp(self.now()),
                "sender": ref(sender, "user"),
            }
        }

    def _responders(self, _query, body, sender, i):
        i.responders += [self.users[one["responder_request_target"]["id"]] for one in body["responder_request_targets"]]
        return 200, {"responder_request": {"requester": ref(sender, "user"), "requested_at": stamp(self.now())}}

    def _on_calls(self, query, _body, _sender):
        items = [
            {
                "escalation_policy": ref(POLICY, "escalation_policy"),
                "escalation_level": level,
                "user": ref(user, "user"),
                "schedule": ref(("PSCH1", "Primary"), "schedule"),
                "end": self.shift_ends,
            }
            for level, user in self.on_call
        ]
        return self._page(query, "oncalls", items)

    def _users(self, query, _body, _sender):
        wanted = query.get("query", [""])[0]
        return self._page(
            query, "users", [self._user(name) for name, user in self.users.items() if wanted in email(user)]
        )

    def _user(self, name):
        user = self.users[name]
        ways = [
            {"id": "C1", "type": "email_contact_method", "address": email(user)},
            {"id": "C2", "type": "phone_contact_method", "address": "555 0100", "country_code": 1},
            {"id": "C3", "type": "push_notification_contact_method", "address": "device-secret"},
        ]
        return {
            "id": user[0],
            "type": "user",
            "name": user[1],
            "summary": user[1],
            "email": email(user),
            "contact_methods": ways,
        }

    def _event(self, path, body):
        service = {EVENTS_KEY: SERVICE, TEST_KEY: TEST_SERVICE}.get(body.get("routing_key"))
        if service is None:
            return 400, {
                "status": "invalid event",
                "message": "Event object is invalid",
                "errors": ["Invalid routing key"],
            }
        if path == "/v2/change/enqueue":
            self.changes.append(body)
            return 202, {"status": "success", "message": "Change event processed"}
        key, action = body.get("dedup_key"), body["event_action"]
        found = next((i for i in reversed(self.incidents.values()) if key in i.alerts), None)
        if action == "trigger":
            self.open(body["payload"]["summary"], key, service).payload = body
        elif found and found.status != "resolved":
            (self.resolve if action == "resolve" else self.acknowledge)(found, service, "service")
        return 202, {"status": "success", "message": "Event processed", "dedup_key": key}


def stamp(when):
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")
