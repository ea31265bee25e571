"""The OpenAPI document as one page of HTML that needs no other file, and on which calls can be tried."""

import base64
import functools
import hashlib
import html
import json
import re
from typing import Any

from shared.openapi import document as openapi_document
from shared.openapi import trying

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
details { border: 1px solid #8886; border-radius: 6px; margin: .4rem 0; padding: 0 .8rem; }
summary { cursor: pointer; padding: .5rem 0; overflow-wrap: anywhere; }
summary b { display: inline-block; min-width: 4.5rem; }
code, pre { font: 14px/1.45 ui-monospace, monospace; }
pre { background: #8882; border-radius: 6px; overflow-x: auto; padding: .6rem .8rem; }
table { border-collapse: collapse; }
textarea { width: 100%; font: 14px/1.45 ui-monospace, monospace; box-sizing: border-box; }
form { margin: .6rem 0; }
output { display: block; white-space: pre-wrap; overflow-wrap: anywhere; font: 14px/1.45 monospace; }
td, th { border-top: 1px solid #8884; padding: .2rem 1rem .2rem 0; text-align: left; vertical-align: top; }
td { overflow-wrap: anywhere; }
:root { color-scheme: light dark; }
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; script-src 'sha256-{trying.HASH}'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_ENDPOINT = "http://127.0.0.1:7071"


@functools.cache
def page() -> bytes:
    """The page, UTF-8; it is to be sent with POLICY as its Content-Security-Policy."""
    document = openapi_document.document()
    info = document["info"]
    parts = [f"<h1>{_text(info['title'])}</h1><p>{_marked(info['description'])}</p>", _keys(document), trying.KEY]
    for tag in document["tags"]:
        parts.append(f"<h2>{_text(tag['name'])}</h2>")
        parts += [_operation(document, *one) for one in _short(document) if tag["name"] in one[2]["tags"]]
    parts.append("<h2>Bodies</h2>")
    parts += [_schema(name, schema) for name, schema in document["components"]["schemas"].items()]
    head = f"<meta charset=utf-8><meta name=viewport content='width=device-width'><title>{_text(info['title'])}</title>"
    parts.append(f"<script>{trying.SCRIPT}</script>")
    return f"<!DOCTYPE html>\n<html lang=en>{head}<style>{_STYLE}</style>\n{''.join(parts)}\n".encode()


def curl(document: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> str:
    """A command that does the operation, with the document's examples."""
    known = document["components"]["parameters"]
    for name in re.findall(r"{(\w+)}", path):
        path = path.replace(f"{{{name}}}", known[name]["example"])
    query = [known[one["$ref"].rpartition("/")[2]] for one in operation["parameters"]]
    path += "?" * any(map(_is_asked_for, query))
    path += "&".join(f"{one['name']}={one['example']}" for one in query if _is_asked_for(one))
    lines = [f"curl -X {method.upper()} '{_ENDPOINT}{path}'" if method != "head" else f"curl -I '{_ENDPOINT}{path}'"]
    if operation["security"]:
        lines.append("-H 'Ocp-Apim-Subscription-Key: KEY'")
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        lines.append(f"-H 'Content-Type: {media}'")
        body = f"-d '{json.dumps(content['example'], indent=2)}'" if "example" in content else "--data-binary @FILE"
        lines.append(body)
    return " \\\n  ".join(lines)


def _is_asked_for(parameter: dict[str, Any]) -> bool:
    return bool(parameter["in"] == "query" and parameter["required"])


def _short(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Every operation once: path, method, operation. Those of any loop are those of the loop default."""
    return [
        (path, method, operation)
        for path, item in document["paths"].items()
        if not path.startswith("/loops/{loop}/personalizer/")
        for method, operation in item.items()
    ]


def _operation(document: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> str:
    head = f"<b>{method.upper()}</b> <code>{_text(path)}</code><br>{_text(operation['summary'])}"
    parts = [f"<p>Needs: {next(iter(operation['security'][0]))}</p>" if operation["security"] else "<p>No key</p>"]
    if path.startswith("/personalizer/"):
        parts.append(f"<p>Any loop: <code>/loops/{{loop}}{_text(path)}</code></p>")
    names = [one["$ref"].rpartition("/")[2] for one in operation["parameters"]]
    if names:
        rows = [(name, document["components"]["parameters"][name]) for name in names]
        parts.append(_table((name, one["in"], _limits(one["schema"])) for name, one in rows))
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        parts.append(f"<p>Body: {_limits(content['schema'])}, {media}</p>")
    parts.append(
        _table((status, _body(one), _text(one["description"])) for status, one in operation["responses"].items())
    )
    parts.append(f"<pre>{_text(curl(document, path, method, operation))}</pre>")
    parts.append(trying.form(document, path, method, operation))
    return f"<details><summary>{head}</summary>{''.join(parts)}</details>\n"


def _body(response: dict[str, Any]) -> str:
    return ", ".join(_limits(one["schema"]) or media for media, one in response.get("content", {}).items())


def _schema(name: str, schema: dict[str, Any]) -> str:
    required = schema.get("required", [])
    rows = [
        (member + ("" if member in required else "?"), _limits(one), _text(one.get("description", "")))
        for member, one in schema.get("properties", {}).items()
    ]
    parts = [f"<p>{_marked(schema.get('description', ''))}</p>", _table(rows)]
    return f"<details id={name}><summary><code>{name}</code></summary>{''.join(parts)}</details>\n"


def _limits(schema: dict[str, Any]) -> str:
    """A schema in words, for instance `array of RankedAction` or `number, minimum 0, maximum 1`."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"<a href='#{name}'>{name}</a>"
    if "anyOf" in schema:
        return " or ".join(_limits(one) for one in schema["anyOf"])
    kind = _text(" | ".join(map(str, schema["enum"])) if "enum" in schema else schema.get("type", ""))
    if "items" in schema:
        kind += f" of {_limits(schema['items'])}"
    shown = ("format", "pattern", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems")
    return ", ".join([kind, *(f"{word} {_text(str(schema[word]))}" for word in shown if word in schema)])


def _keys(document: dict[str, Any]) -> str:
    schemes = document["components"]["securitySchemes"].items()
    rows = [(name, f"<code>{one['name']}</code>", _text(one["description"])) for name, one in schemes]
    return _table(rows) + "<p>As JSON: <a href='openapi.json'>openapi.json</a></p>"


def _table(rows: Any) -> str:
    return f"<table>{''.join('<tr>' + ''.join(f'<td>{cell}' for cell in row) for row in rows)}</table>"


def _text(text: str) -> str:
    return html.escape(text)


def _marked(text: str) -> str:
    """Text with its `code`."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", _text(text))
