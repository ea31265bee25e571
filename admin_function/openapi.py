"""HTTP: the description of what this service answers, for programs and for readers."""

import azure.functions as func

from shared import http
from shared.service import Service

bp = func.Blueprint()


@bp.route("openapi.json", methods=["GET"])
@http.endpoint(None)
async def get_openapi(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /openapi.json`. Needs no key, tells no names."""
    from shared import openapi  # made of every schema there is: whoever only ranks does without

    return http.answer(openapi.encoded())


@bp.route("docs", methods=["GET"])
@http.endpoint(None)
async def get_docs(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /docs`: the same as a page."""
    from shared import openapi_page

    headers = {"Content-Security-Policy": openapi_page.POLICY, "X-Content-Type-Options": "nosniff"}
    return func.HttpResponse(openapi_page.page(), mimetype="text/html", charset="utf-8", headers=headers)
