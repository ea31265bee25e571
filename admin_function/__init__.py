"""HTTP: everything that administrators do. One module, and one blueprint, per kind of operation."""

from admin_function import (
    apprentice,
    configuration,
    evaluations,
    health,
    local_inference,
    logs,
    loops,
    metrics,
    model,
    openapi,
    trace,
)

blueprints = (
    configuration.bp,
    apprentice.bp,
    model.bp,
    logs.bp,
    local_inference.bp,
    evaluations.bp,
    loops.bp,
    trace.bp,
    metrics.bp,
    health.bp,
    openapi.bp,
)
