"""HTTP: everything that administrators do. One module, and one blueprint, per kind of operation."""

from admin_function import apprentice, configuration, evaluations, health, logs, loops, model, trace

blueprints = (
    configuration.bp,
    apprentice.bp,
    model.bp,
    logs.bp,
    evaluations.bp,
    loops.bp,
    trace.bp,
    health.bp,
)
