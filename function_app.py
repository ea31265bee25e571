"""The function app: one FunctionApp, its blueprints registered."""

import os

import azure.functions as func

from admin_function import blueprints as admin
from rank_function import bp as rank
from reward_function import bp as reward
from shared import settings
from trainer_function import bp as trainer

# Under a Functions host, a deployment that is set up wrongly ends here, with the setting's name.
if "FUNCTIONS_WORKER_RUNTIME" in os.environ:
    settings.load(os.environ)

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
for blueprint in (rank, reward, trainer, *admin):
    app.register_functions(blueprint)
