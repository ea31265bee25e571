"""The contract's errors: one declared table of code, HTTP status and default message."""

from collections.abc import Callable

import msgspec

ERRORS: dict[str, tuple[int, str]] = {
    "BadRequest": (400, "Request could not be understood by the server."),
    "InvalidRankRequest": (400, "Invalid request."),
    "InvalidRewardRequest": (400, "Invalid reward request."),
    "InvalidEventIdToActivate": (400, "Invalid activate event request."),
    "InvalidRequest": (400, "Invalid request."),
    "InvalidServiceConfiguration": (400, "Invalid service configuration."),
    "InvalidLearningModeServiceConfiguration": (
        400,
        "Change learningMode in one call, and defaultReward, rewardWaitTime and rewardAggregation in another.",
    ),
    "ApprenticeModeNeverTurnedOn": (400, "Apprentice mode never turned on."),
    "InvalidContainer": (400, "logMirrorSasUri must be the URI of a storage container: https://host/container?..."),
    "InvalidSasUri": (400, "logMirrorSasUri must be the URI of a storage container: https://host/container?..."),
    "InvalidRewardWaitTime": (400, "Invalid reward wait time."),
    "InvalidLogRetentionDays": (400, "Invalid log retention days."),
    "InvalidModelRetrainDays": (400, "modelRetrainDays must be from 0 to logRetentionDays."),
    "InvalidPolicyConfiguration": (400, "Invalid policy configuration."),
    "InvalidPolicyContract": (400, "Invalid policy contract."),
    "InvalidEvaluationContract": (400, "Invalid evaluation contract."),
    "InvalidContract": (400, "Invalid contract."),
    "NoLogsExistInDateRange": (400, "No logs exist in date range."),
    "EvaluationAlreadyExists": (400, "There is another evaluation of this id."),
    "FeatureImportanceAlreadyExists": (400, "There is another feature importance of this id."),
    "InvalidMultiSlotApiAccess": (400, "This operation does not fit the loop's learning policy."),
    "InvalidModelImportFormat": (400, "Given model file format is invalid."),
    "InvalidModelImportSignature": (400, "Given model file is not signed, or its signature is not valid."),
    "InvalidSelection": (400, "Invalid selection of events."),
    "InvalidLoopName": (
        400,
        "A loop's name is 1 to 63 lower-case letters, digits and hyphens, no hyphen first or last.",
    ),
    "LoopKeysFixed": (400, "The keys of the loop default are the settings APP_KEYS and ADMIN_KEYS; change them there."),
    "Unauthorized": (401, "Access denied: send a valid key in the header Ocp-Apim-Subscription-Key."),
    "InvalidApiAccess": (403, "This key may not use this operation: it needs an admin key."),
    "ProblemTypeIncompatibleWithAutoOptimization": (
        403,
        "Automatic optimization and several slots exclude each other: set isAutoOptimizationEnabled to false first.",
    ),
    "ResourceNotFound": (404, "Requested resource does not exist on the server."),
    "EventNotFound": (404, "There is no event of this id in the log, nor among the recent ones."),
    "EvaluationNotFound": (404, "Offline Evaluation not found."),
    "FeatureImportanceNotFound": (404, "Feature importance not found."),
    "ErasureNotFound": (404, "There is no erasure of this id."),
    "LearningSettingsNotFound": (404, "Learning Settings not found in evaluation."),
    "EvaluationModelNotFound": (404, "Model not found in evaluation: there is no log left to learn it from."),
    "NothingToUndo": (409, "There is no change of policy or model to undo."),
    "ErasureInProgress": (409, "An erasure is in work, and the model from before may know what goes: try again later."),
    "ErasureAlreadyExists": (409, "There is another erasure of this id."),
    "LoopAlreadyExists": (409, "There is a loop of this name."),
    "ModelRankingError": (409, "The model could not rank the actions; check the learning policy and the features."),
    "PayloadSizeExceeded": (413, "Exceeds maximum allowed payload size."),
    "TooManyRequests": (429, "Too many requests; try again after the time in Retry-After."),
    "InternalServerError": (500, "A generic error has occurred on the server."),
    "UpdateConfigurationFailed": (503, "The configuration could not be stored; try again."),
    "ModelResetFailed": (503, "The model could not be reset; try again."),
    "ModelPublishFailed": (503, "The model could not be published; try again."),
    "OperationNotAllowed": (503, "This operation is not allowed at this time."),
}


LONGEST_SHOWN = 256


def shown(text: str) -> str:
    """What was sent, as a message repeats it: no more than LONGEST_SHOWN characters of it."""
    return text[:LONGEST_SHOWN]


class Fault(msgspec.Struct, frozen=True):
    """One thing that is wrong with a body. `message` says what to change.

    target: its path, such as `policies[2].arguments`, None for the body itself. inner: a finer code than the
    contract's, told as `innerError`.
    """

    code: str
    message: str
    target: str | None = None
    inner: str | None = None

    def told(self) -> dict[str, object]:
        """The contract's PersonalizerError, without the members that say nothing."""
        error: dict[str, object] = {"code": self.code, "message": self.message}
        if self.target:
            error["target"] = self.target
        if self.inner:
            error["innerError"] = {"code": self.inner}
        return error


class ApiError(Exception):
    """An answer other than success. `message` says what to change; `retry_after` is in seconds.

    faults: what is wrong with a body, one by one.
    """

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        target: str | None = None,
        inner: str | None = None,
        retry_after: int | None = None,
        faults: tuple[Fault, ...] = (),
    ) -> None:
        self.code, self.target, self.inner, self.retry_after, self.faults = code, target, inner, retry_after, faults
        self.status, default = ERRORS[code]
        self.message = message or default
        super().__init__(self.message)

    @classmethod
    def of(cls, faults: tuple[Fault, ...], code: str) -> "ApiError":
        """The refusal of a body: one fault's own code and message, or `code` and the messages of all faults."""
        if len(faults) == 1:
            (one,) = faults
            return cls(one.code, one.message, target=one.target, inner=one.inner, faults=faults)
        told = " ".join(fault.message for fault in faults)
        return cls(code, f"{ERRORS[code][1]} {len(faults)} faults: {told}", faults=faults)

    def renamed(self, name: Callable[[str], str]) -> "ApiError":
        """The same error, its codes called as `name` calls them."""
        faults = tuple(msgspec.structs.replace(fault, code=name(fault.code)) for fault in self.faults)
        return ApiError(
            name(self.code),
            self.message,
            target=self.target,
            inner=self.inner,
            retry_after=self.retry_after,
            faults=faults,
        )

    def body(self) -> bytes:
        """The contract's ErrorResponse as JSON."""
        error = Fault(self.code, self.message, self.target, self.inner).told()
        return msgspec.json.encode({"error": error | {"details": [fault.told() for fault in self.faults]}})
