"""A Grafana that keeps annotations and judges every request by Grafana's published interface."""

import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.integrations.fault_server import FaultServer, answer

CONTRACT = Path(__file__).parents[3] / "shared" / "contracts" / "grafana.json"
WHY_NOT = "needs ../shared/contracts/grafana.json"
TOKEN = "canary-4711-do-not-print"


def openapi3(swagger):
    """The annotations' part of a Swagger 2 document as OpenAPI 3: the same words in other places."""

    def moved(part):
        if isinstance(part, list):
            return [moved(item) for item in part]
        if not isinstance(part, dict):
            return part
        return {
            name: value.replace("#/definitions/", "#/components/schemas/") if name == "$ref" else moved(value)
            for name, value in part.items()
        }

    def operation(old):
        new = {"responses": {"200": {"description": "ok"}}, "parameters": []}
        for parameter in old.get("parameters", ()):
            if parameter["in"] == "body":
                content = {"application/json": {"schema": moved(parameter["schema"])}}
                new["requestBody"] = {"required": True, "content": content}
                continue
            kept = {name: parameter[name] for name in ("name", "in", "required") if name in parameter}
            schema = {name: parameter[name] for name in ("type", "format", "enum", "items") if name in parameter}
            new["parameters"].append(kept | {"schema": schema})
        return new

    paths = {
        path: {method: operation(old) for method, old in methods.items()}
        for path, methods in swagger["paths"].items()
        if path.startswith(("/api/annotations", "/api/health", "/api/dashboards/uid"))
    }
    info = {"title": "Grafana", "version": "1"}
    schemas = moved(swagger["definitions"])
    return {"openapi": "3.0.3", "info": info, "paths": paths, "components": {"schemas": schemas}}


class Judge:
    """Says what is wrong with a request, by openapi-core."""

    def __init__(self):
        from openapi_core import Config, OpenAPI

        self._document = openapi3(json.loads(CONTRACT.read_text()))
        self._openapi = OpenAPI.from_dict(self._document, config=Config(spec_validator_cls=None))

    def __call__(self, request):
        from openapi_core.testing import MockRequest

        parts = urlsplit(request.target)
        if parts.path == "/api/annotations":  # openapi-core lets parameters pass that there are none of
            known = {one["name"] for one in self._document["paths"][parts.path][request.method.lower()]["parameters"]}
            assert set(parse_qs(parts.query)) <= known, parts.query
        self._openapi.validate_request(
            MockRequest(
                "http://localhost",
                request.method.lower(),
                parts.path,
                args=parse_qs(parts.query),
                data=request.body or None,
                content_type=request.headers.get("content-type", ""),
            )
        )


class FakeGrafana:
    """`faults` maps (method, path prefix) to a behaviour that comes instead of the answer, `after` to one that comes
    when the request has been carried out; `objections` keeps what the judge did not like."""

    def __init__(self, judge=None):
        self.server = FaultServer()
        self.server.behave = self._behave
        self.url = self.server.url
        self.annotations = {}
        self.faults, self.after, self.objections = {}, {}, []
        self._judge, self._next = judge, 41

    def close(self):
        self.server.close()

    def _behave(self, connection):
        request = connection.request
        if self._judge is not None:
            try:
                self._judge(request)
            except Exception as error:
                self.objections.append(f"{request.method} {request.target}: {error!r} {error.__cause__!r}")
        key = (request.method, request.path)
        if key in self.faults:
            self.faults[key](connection)
            return
        status, body = self._carry_out(request)
        self.after.get(key, answer(status, body))(connection)

    def _carry_out(self, request):
        if request.path == "/api/health":
            return 200, {"database": "ok", "version": "12.0.0", "commit": "x"}
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return 401, {"message": "Unauthorized"}
        if request.path.startswith("/api/dashboards/uid/"):
            known = request.path.endswith("/known")
            return (200, {"dashboard": {}, "meta": {}}) if known else (404, {"message": "Dashboard not found"})
        number = request.path.removeprefix("/api/annotations").strip("/")
        if number and int(number) not in self.annotations:
            return 404, {"message": "Annotation not found"}
        match request.method:
            case "POST":
                self._next += 1
                body = {"id": self._next, **json.loads(request.body)}
                self.annotations[self._next] = body | {"timeEnd": body.get("timeEnd", body["time"])}
                return 200, {"id": self._next, "message": "Annotation added"}
            case "PATCH":
                self.annotations[int(number)] |= json.loads(request.body)
                return 200, {"message": "Annotation patched"}
            case "DELETE":
                del self.annotations[int(number)]
                return 200, {"message": "Annotation deleted"}
            case "GET" if number:
                return 200, self.annotations[int(number)]
        return 200, self._found(parse_qs(urlsplit(request.target).query))

    def _found(self, query):
        begin, end = int(query.get("from", ["0"])[0]), int(query.get("to", ["99999999999999"])[0])
        return [
            one
            for one in self.annotations.values()
            if one["time"] <= end and one["timeEnd"] >= begin and set(query.get("tags", ())) <= set(one["tags"])
        ]
