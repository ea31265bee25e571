"""HTTP: everything that administrators do. One module, and one blueprint, per kind of operation."""

from admin_function import apprentice, configuration, evaluations, health, local_inference, loops, model, openapi

blueprints = (
    *(configuration.bp, apprentice.bp, model.bp, evaluations.bp, local_inference.bp, loops.bp),
    *(health.bp, openapi.bp),
)
