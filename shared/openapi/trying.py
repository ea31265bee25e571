"""Trying a call on the page of the document: a form for each operation, and the script that sends it."""

import base64
import hashlib
import json
import re
from html import escape
from typing import Any

# The key stays in the page: it is in no address and in no storage.
SCRIPT = """
for (const form of document.querySelectorAll("form[data-path]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const shown = form.querySelector("output"), query = new URLSearchParams();
    let path = form.dataset.path;
    for (const field of form.querySelectorAll("input")) {
      if (field.dataset.in === "path") path = path.replace(`{${field.name}}`, encodeURIComponent(field.value));
      else if (field.value) query.set(field.name, field.value);
    }
    const headers = {}, key = document.querySelector("#key").value, body = form.querySelector("textarea")?.value;
    if (key) headers["Ocp-Apim-Subscription-Key"] = key;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    try {
      const url = path + (query.size ? `?${query}` : ""), method = form.dataset.method;
      const answer = await fetch(url, { method, headers, body });
      const text = await answer.text(), limit = 20000;
      shown.textContent = `${answer.status}\\n${text.slice(0, limit)}${text.length > limit ? "\\n..." : ""}`;
    } catch (error) {
      shown.textContent = `The service did not answer: ${error.message}`;
    }
  });
}
"""
HASH = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
KEY = (
    "<p><label>To try calls here, paste a key: <input id=key type=password autocomplete=off spellcheck=false></label> "
    "It goes with each call you send, and is forgotten with the page.</p>"
)


def form(document: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> str:
    """The form of an operation; empty for one whose body is no JSON."""
    content = operation.get("requestBody", {}).get("content", {})
    if content and "application/json" not in content:
        return ""
    known = document["components"]["parameters"]
    names = re.findall(r"{(\w+)}", path)
    names += [name for one in operation["parameters"] if (name := one["$ref"].rpartition("/")[2]) not in names]
    fields = [_field(known[name]) for name in names]
    if content:
        example = json.dumps(content["application/json"].get("example", {}), indent=2)
        fields.append(f"<label>Body<br><textarea rows=8 spellcheck=false>{escape(example)}</textarea></label><br>")
    sends = "<button>Send it</button> <output></output></form>"
    return f"<form data-method={method.upper()} data-path='{escape(path)}'>{''.join(fields)}{sends}"


def _field(parameter: dict[str, Any]) -> str:
    is_asked_for = parameter["in"] == "path" or parameter["required"]
    value = escape(str(parameter.get("example", ""))) if is_asked_for else ""
    name, place = escape(parameter["name"]), parameter["in"]
    required = " required" if is_asked_for else ""
    return f"<label>{name} <input name='{name}' data-in={place} value='{value}'{required}></label><br>"
