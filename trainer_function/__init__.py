"""Timer: join, train, publish."""

import os

import azure.functions as func

from shared.settings import Settings

bp = func.Blueprint()


@bp.timer_trigger(
    arg_name="timer",
    schedule=os.environ.get("TRAINER_SCHEDULE", Settings.trainer_schedule),
    run_on_startup=False,
    use_monitor=False,
)
async def train(timer: func.TimerRequest) -> None:
    """Trains every loop whose next model is due."""
    from shared.training import trainer  # here, because HTTP functions, which are waited for, start in other processes

    await trainer.run()
