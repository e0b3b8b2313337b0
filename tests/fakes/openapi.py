"""Judges requests by a published OpenAPI document."""

import importlib.util
import json
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from werkzeug.datastructures import Headers, ImmutableMultiDict


class _Request:
    """What openapi-core wants to know of a request."""

    def __init__(self, method, target, headers, body):
        parts = urlsplit(target)
        self.host_url, self.path, self.method = "http://fake", parts.path, method.lower()
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(parse_qsl(parts.query, keep_blank_values=True)), header=Headers(headers.items())
        )
        self.content_type, self.body = headers.get("content-type", ""), body or None


class Judge:
    """PagerDuty's two documents, made readable by ../shared/tools, otherwise as published."""

    def __init__(self, shared: Path) -> None:
        spec = importlib.util.spec_from_file_location("for_prism", shared / "tools" / "pagerduty_for_prism.py")
        tool = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(tool)
        self._documents = []
        for name, base in (("pagerduty-rest-v2.json", ""), ("pagerduty-events-v2.json", "/v2")):
            document = tool.prepare(json.loads((shared / "contracts" / name).read_text()), base)
            document["servers"] = [{"url": "/"}]
            if not base:
                # A reference requires its id and type, and calls them read-only: its own examples send both.
                reference = document["components"]["schemas"]["Tag"]["allOf"][0]["properties"]
                for field in ("id", "type"):
                    del reference[field]["readOnly"]
            self._documents.append((document, OpenAPI.from_dict(document, config=Config(spec_validator_cls=None))))

    def violation(self, method: str, target: str, headers: dict[str, str], body: bytes) -> str:
        """What is wrong with a request; empty when nothing is."""
        rest, events = self._documents
        raw, document = events if target.startswith("/v2/") else rest
        try:
            document.validate_request(_Request(method, target, headers, body))
        except OpenAPIError as error:
            causes = [str(part) for part in (error, error.__cause__, *getattr(error.__cause__, "schema_errors", ()))]
            return f"{method} {target}: {' | '.join(causes)}"
        # Query parameters that the document does not know: openapi-core passes them, a typing error would too.
        known = _query(raw, method, urlsplit(target).path)
        odd = {name for name, _ in parse_qsl(urlsplit(target).query)} - known
        return f"{method} {target}: unknown query parameters {sorted(odd)}" if odd else ""


def _query(raw: dict, method: str, path: str) -> set[str]:
    wanted = path.strip("/").split("/")
    for pattern, item in raw["paths"].items():
        parts = pattern.strip("/").split("/")
        if len(parts) == len(wanted) and all(a == b or a[0] == "{" for a, b in zip(parts, wanted, strict=True)):
            found = [*item.get("parameters", ()), *item.get(method.lower(), {}).get("parameters", ())]
            resolved = (
                raw["components"]["parameters"][one["$ref"].rsplit("/", 1)[1]] if "$ref" in one else one
                for one in found
            )
            return {one["name"] for one in resolved if one["in"] == "query"}
    return set()
