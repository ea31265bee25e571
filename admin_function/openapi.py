"""HTTP: the description of what this service answers, for programs and for readers."""

import azure.functions as func

from shared.serving import http
from shared.serving.routes import Routes
from shared.serving.service import Service

routes = Routes()


@routes.deployment("GET", "openapi.json", None)
async def get_openapi(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /openapi.json`. Needs no key, tells no names."""
    from shared.openapi import document  # made of every schema there is: whoever only ranks does without

    return http.answer(document.encoded())


@routes.deployment("GET", "docs", None)
async def get_docs(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /docs`: the same as a page."""
    from shared.openapi import page

    headers = {"Content-Security-Policy": page.POLICY, "X-Content-Type-Options": "nosniff"}
    return func.HttpResponse(page.page(), mimetype="text/html", charset="utf-8", headers=headers)
