"""Every operation that the service answers; `shared.openapi` makes the document of them."""

from shared.openapi_contract import CONFIGURE, DECIDE, MODEL, NOT_PART
from shared.openapi_deployment import LOOPS, SERVICE

OPERATIONS = [*DECIDE, *CONFIGURE, *MODEL, *LOOPS, *SERVICE, *NOT_PART]
