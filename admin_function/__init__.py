"""HTTP: everything that administrators do. One module, and one blueprint, per kind of operation."""

from admin_function import apprentice, configuration, evaluations, health, local_inference, loops, model, openapi, trace

blueprints = (
    *(configuration.bp, apprentice.bp, model.bp, evaluations.bp, local_inference.bp, loops.bp, trace.bp),
    *(health.bp, openapi.bp),
)
