"""The smallest function app: what the Functions host costs without us."""

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route("hello", methods=["GET"])
async def hello(req: func.HttpRequest) -> func.HttpResponse:
    """`GET /api/hello`."""
    return func.HttpResponse(b'{"hello":"world"}', status_code=200, mimetype="application/json")
