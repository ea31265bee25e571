"""Timer: evaluations and importances of features."""

import os

import azure.functions as func

from shared.settings import Settings

bp = func.Blueprint()


@bp.timer_trigger(
    arg_name="timer",
    schedule=os.environ.get("EVALUATOR_SCHEDULE", Settings.evaluator_schedule),
    run_on_startup=False,
    use_monitor=False,
)
async def evaluate(timer: func.TimerRequest) -> None:
    """Works the evaluations that wait."""
    from shared.evaluation import evaluator  # here, because HTTP functions, which are waited for, start elsewhere

    await evaluator.run()
