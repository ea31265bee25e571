"""The operations of the deployment beside those of the contract, declared for the OpenAPI document."""

from functools import partial
from typing import Any

from shared.admin.erasures import ErasureInfo
from shared.admin.loop_bodies import LoopInfo, LoopList, NewKey
from shared.admin.selection_body import SearchBody, SelectionBody
from shared.admin.undo import Undone
from shared.auth import Permission
from shared.evaluation.optimization_answers import Optimizations
from shared.loops.apprentice import Report
from shared.monitoring.alarms.answer import AlarmList
from shared.monitoring.holdback_report import HoldbackReport
from shared.openapi import examples, schemas
from shared.openapi.operation import Operation
from shared.trace.traced_event import Trace

_loops = partial(Operation, tag="Loops", apis=())
_service = partial(Operation, tag="Service", method="GET", needs=None, apis=())

LOOPS = [
    _loops(method="GET", path="loops", summary="Lists the loops.", needs=Permission.READ_ALL, answer=LoopList),
    _loops(
        method="PUT",
        path="loops/{loop}",
        summary="Makes a loop; its keys are told only here.",
        needs=Permission.OWN,
        status=201,
        answer=LoopInfo,
        errors=("InvalidLoopName", "LoopAlreadyExists"),
    ),
    _loops(method="GET", path="loops/{loop}", summary="Describes a loop.", needs=Permission.READ, answer=LoopInfo),
    _loops(
        method="DELETE",
        path="loops/{loop}",
        summary="Deletes a loop with its configuration, model and log.",
        needs=Permission.OWN,
        status=204,
        errors=("InvalidLoopName",),
    ),
    _loops(
        method="POST",
        path="loops/{loop}/keys/{role}/{number}",
        summary="Replaces one of a loop's keys; the other key of its role goes on working.",
        answer=NewKey,
        errors=("LoopKeysFixed",),
    ),
    _loops(
        method="GET",
        path="loops/{loop}/events/{eventId}",
        summary="What became of an event: its decision, its observations, and the model that learned it. A reward that "
        "comes when the event is logged already is told after the trainer's next run.",
        answer=Trace,
        errors=("InvalidRequest", "EventNotFound"),
    ),
    _loops(
        method="POST",
        path="loops/{loop}/events/search",
        summary="The stored lines of events that match any of the conditions, as JSON Lines: at most 5 MB or 60 s of "
        "reading; the header x-continuation-token has what goes on from there.",
        body=SearchBody,
        answer=schemas.Lines,
        example=examples.SEARCH,
        errors=("BadRequest", "InvalidSelection"),
    ),
    _loops(
        method="PUT",
        path="loops/{loop}/erasures/{erasureId}",
        summary="Has the trainer erase the events that match any of the conditions, or only count them.",
        body=SelectionBody,
        answer=ErasureInfo,
        status=202,
        query=("dryRun",),
        example=examples.SEARCH,
        errors=("BadRequest", "InvalidRequest", "InvalidSelection", "ErasureAlreadyExists"),
    ),
    _loops(
        method="GET",
        path="loops/{loop}/erasures/{erasureId}",
        summary="How far an erasure is, what it meant, and what is left where.",
        answer=ErasureInfo,
        errors=("ErasureNotFound",),
    ),
    _loops(
        method="GET",
        path="loops/{loop}/apprentice",
        needs=Permission.READ,
        summary="How an apprentice is doing: how often it matched the baseline, and both rewards.",
        answer=Report,
        errors=("ApprenticeModeNeverTurnedOn",),
    ),
    _loops(
        method="GET",
        path="loops/{loop}/holdback",
        needs=Permission.READ,
        summary="What a holdback has measured: the average rewards of both arms and the lift. And how many decisions "
        "one takes, before it is switched on.",
        answer=HoldbackReport,
        query=("percentage", "difference"),
        errors=("InvalidRequest",),
    ),
    _loops(
        method="GET",
        path="loops/{loop}/alarms",
        needs=Permission.READ,
        summary="The alarms of a loop: how they stand, why, what to do, and how they have stood.",
        answer=AlarmList,
    ),
    _loops(
        method="POST",
        path="loops/{loop}/undo",
        summary="Puts back the policy and the model that the last change of either replaced; the model then learns "
        "what was logged meanwhile.",
        answer=Undone,
        errors=(
            "NothingToUndo",
            "ErasureInProgress",
            "ProblemTypeIncompatibleWithAutoOptimization",
            "UpdateConfigurationFailed",
            "ModelPublishFailed",
        ),
    ),
    _loops(
        method="GET",
        path="loops/{loop}/optimizations",
        summary="What the automatic optimisation of a loop has done lately, and when it is due.",
        needs=Permission.READ,
        answer=Optimizations,
    ),
    _loops(
        method="GET",
        path="loops/{loop}/metrics",
        needs=Permission.READ,
        summary="The metrics of a loop, counted from the store, for Prometheus.",
        answer=schemas.Metrics,
    ),
]
SERVICE = [
    _service(
        path="metrics",
        summary="The metrics of all loops, counted from the store, for Prometheus.",
        needs=Permission.READ_ALL,
        answer=schemas.Metrics,
    ),
    _service(path="health", summary="Whether this process is well.", answer=schemas.Health),
    _service(path="openapi.json", summary="This document.", answer=dict[str, Any]),
    _service(path="docs", summary="This document, to be read.", answer=schemas.Page),
]
