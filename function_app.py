"""The function app: a function for each operation that is called often, one for all others, trainer and evaluator."""

import logging
import os

from shared.imports import lasting

with lasting():
    import azure.functions as func

    from admin_function import routes as admin
    from dashboard_function import bp as dashboard
    from evaluator_function import bp as evaluator
    from rank_function import routes as rank
    from reward_function import routes as reward
    from shared import settings
    from shared.serving import dispatch
    from shared.serving.routes import functions
    from trainer_function import bp as trainer

# The worker makes every line of the app's loggers one of the app, and the SDKs have a line for each request.
logging.getLogger("azure").setLevel(logging.WARNING)

# Under a Functions host, a deployment that is set up wrongly ends here, with the setting's name.
if "FUNCTIONS_WORKER_RUNTIME" in os.environ:
    settings.load(os.environ)

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
for blueprint in (
    functions([*rank, *reward]),
    dispatch.function([*rank, *reward, *admin]),
    dashboard,
    trainer,
    evaluator,
):
    app.register_functions(blueprint)
