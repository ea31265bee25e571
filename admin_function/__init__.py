"""HTTP: everything that administrators do. One module, and one blueprint, per kind of operation."""

from admin_function import configuration, evaluations, health, loops, model, trace

blueprints = (configuration.bp, model.bp, evaluations.bp, loops.bp, trace.bp, health.bp)
