"""Every operation that the service answers; `shared.openapi` makes the document of them."""

from shared.openapi_contract import CONFIGURE, DECIDE, MODEL, NOT_PART
from shared.openapi_deployment import LOOPS, SERVICE

# Declared and not answered yet: an operation is in the document when its line here is gone.
NOT_SERVED = {
    ("PUT", "configurations/policy"),
    ("DELETE", "configurations/policy"),
    ("GET", "model"),
    ("HEAD", "model"),
    ("PUT", "model"),
    ("DELETE", "model"),
    ("GET", "logs/properties"),
    ("DELETE", "logs"),
}
_DECLARED = [*DECIDE, *CONFIGURE, *MODEL, *LOOPS, *SERVICE, *NOT_PART]
OPERATIONS = [one for one in _DECLARED if (one.method, one.path) not in NOT_SERVED]
