"""HTTP: everything that administrators do. One module per kind of operation."""

from admin_function import (
    alarms,
    apprentice,
    configuration,
    erasures,
    evaluations,
    feature_importances,
    health,
    holdback,
    local_inference,
    logs,
    loops,
    metrics,
    model,
    openapi,
    trace,
    undo,
)

routes = [
    *configuration.routes,
    *apprentice.routes,
    *undo.routes,
    *holdback.routes,
    *model.routes,
    *logs.routes,
    *local_inference.routes,
    *evaluations.routes,
    *feature_importances.routes,
    *loops.routes,
    *erasures.routes,
    *trace.routes,
    *alarms.routes,
    *metrics.routes,
    *health.routes,
    *openapi.routes,
]
