"""HTTP: everything that administrators do. One module, and one blueprint, per kind of operation."""

from admin_function import configuration, evaluations, health, logs, loops, model

blueprints = (configuration.bp, model.bp, logs.bp, evaluations.bp, loops.bp, health.bp)
