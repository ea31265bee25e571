"""The contract's errors: one declared table of code, HTTP status and default message."""

import msgspec

ERRORS: dict[str, tuple[int, str]] = {
    "BadRequest": (400, "Request could not be understood by the server."),
    "InvalidRankRequest": (400, "Invalid request."),
    "InvalidRewardRequest": (400, "Invalid reward request."),
    "InvalidEventIdToActivate": (400, "Invalid activate event request."),
    "InvalidServiceConfiguration": (400, "Invalid service configuration."),
    "InvalidRewardWaitTime": (400, "Invalid reward wait time."),
    "InvalidLogRetentionDays": (400, "Invalid log retention days."),
    "InvalidPolicyConfiguration": (400, "Invalid policy configuration."),
    "InvalidPolicyContract": (400, "Invalid policy contract."),
    "Unauthorized": (401, "Access denied: send a valid key in the header Ocp-Apim-Subscription-Key."),
    "InvalidApiAccess": (403, "This key may not use this operation: it needs an admin key."),
    "PayloadSizeExceeded": (413, "Exceeds maximum allowed payload size."),
    "ResourceNotFound": (404, "Requested resource does not exist on the server."),
    "ModelRankingError": (409, "The model could not rank the actions; check the learning policy and the features."),
    "InternalServerError": (500, "A generic error has occurred on the server."),
    "UpdateConfigurationFailed": (503, "The configuration could not be stored; try again."),
    "OperationNotAllowed": (503, "This operation is not allowed at this time."),
}


class ApiError(Exception):
    """An answer other than success. `message` says what to change; `retry_after` is in seconds."""

    def __init__(
        self, code: str, message: str = "", *, target: str | None = None, retry_after: int | None = None
    ) -> None:
        self.code, self.target, self.retry_after = code, target, retry_after
        self.status, default = ERRORS[code]
        self.message = message or default
        super().__init__(self.message)

    def body(self) -> bytes:
        """The contract's ErrorResponse as JSON."""
        error: dict[str, object] = {"code": self.code, "message": self.message, "details": []}
        if self.target:
            error["target"] = self.target
        return msgspec.json.encode({"error": error})
