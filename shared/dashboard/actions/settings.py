"""Changing configuration, policy and learning mode, and starting over."""

from datetime import timedelta
from typing import Any

import msgspec

from shared.admin import configuration, configuration_body, logs, models, policy_body, undo
from shared.dashboard import links
from shared.dashboard.actions import confirming
from shared.dashboard.actions.action import Action
from shared.dashboard.actions.confirming import Changes
from shared.dashboard.markup import Html
from shared.dashboard.page import Call
from shared.errors import ApiError
from shared.hubs import events
from shared.loops.config import LoopConfig

BODY, EXPLAINS = "body", "isInferenceExplainabilityEnabled"
# Days of autoOptimizationFrequency, as a form asks for them.
DAYS = "autoOptimizationDays"
# Only the form of all settings has this field; what is not ticked in it is off.
_WHOLE = "rewardWaitTime"


async def change(call: Call) -> str | Html:
    """The configuration, or the learning mode alone."""
    longest = timedelta(hours=call.service.settings.longest_reward_wait_hours)
    if confirming.is_confirmed(call):
        await configuration.update(call.of, call.given.get(BODY, "").encode(), longest)
        return links.of_loop(call.of.loop, "settings")
    config = await call.of.read_config()
    body = _body(config, call)
    changed = configuration_body.updated(config, body, events.now(), longest)
    hidden = {BODY: body.decode()}
    return await confirming.page(
        call, "settings-change", "Change the settings", changed, _differences(config, changed), hidden
    )


def _body(config: LoopConfig, call: Call) -> bytes:
    """The whole configuration with what the form has; what it does not show is left out, and stays."""
    wire = _wire(config)
    if _WHOLE in call.given:
        wire[EXPLAINS] = "false"
    known = {*wire, EXPLAINS, "modelRetrainDays", "holdbackPercentage", "isAutoOptimizationEnabled"}
    taken = {name: value.strip() for name, value in call.given.items() if name in known}
    if call.given.get(DAYS, "").isdecimal():
        taken["autoOptimizationFrequency"] = f"P{call.given[DAYS]}D"
    return msgspec.json.encode(wire | {name: value for name, value in taken.items() if value})


def _wire(config: LoopConfig) -> dict[str, Any]:
    wire = configuration_body.of(config).wire()
    for name in ("logMirrorSasUri", "lastConfigurationEditDate"):
        wire.pop(name, None)
    return {name: value for name, value in wire.items() if value is not None}


def _differences(before: LoopConfig, after: LoopConfig) -> Changes:
    old, new = _wire(before), _wire(after)
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return [(name, str(old.get(name, "not set")), str(new.get(name, "not set"))) for name in names]


async def change_policy(call: Call) -> str | Html:
    """Another learning policy, checked by VW before it counts."""
    given = {name: call.given.get(name, "") for name in ("name", "arguments")}
    body = msgspec.json.encode({"name": given["name"].strip(), "arguments": " ".join(given["arguments"].split())})
    if confirming.is_confirmed(call):
        await configuration.put_policy(call.of, body)
        return links.of_loop(call.of.loop, "settings")
    config = await call.of.read_config()
    changed = config.with_policy(policy_body.policy(body, config))
    return await confirming.page(call, "policy-change", "Change the policy", changed, _policies(config, changed), given)


async def reset_policy(call: Call) -> str | Html:
    """The default policy of the deployment."""
    if confirming.is_confirmed(call):
        await configuration.reset_policy(call.of)
        return links.of_loop(call.of.loop, "settings")
    config = await call.of.read_config()
    changed = config.with_policy(call.of.initial.policy)
    return await confirming.page(
        call, "policy-reset", "Put the default policy", changed, _policies(config, changed), {}
    )


def _policies(before: LoopConfig, after: LoopConfig) -> Changes:
    found = [
        ("policy", before.policy.name, after.policy.name),
        ("arguments", before.arguments, after.arguments),
        ("exploration", f"{before.exploration:g}", f"{after.exploration:g}"),
    ]
    return [one for one in found if one[1] != one[2]]


async def undo_change(call: Call) -> str:
    """The same as `POST /loops/{loop}/undo`."""
    await undo.undo(call.of)
    return links.of_loop(call.of.loop, "settings")


async def clear(call: Call) -> str:
    """Model, logs and policy, as far as they are ticked."""
    if not {"model", "logs", "policy"} & set(call.given):
        raise ApiError("InvalidRequest", "Tick what is to be cleared: nothing was.")
    if "logs" in call.given:
        await logs.delete(call.of)
    if "policy" in call.given:
        await configuration.reset_policy(call.of)
    if "model" in call.given:
        await models.delete(call.of)
    return links.of_loop(call.of.loop, "settings")


ACTIONS = {
    "settings-change": Action("Settings", change, "settings"),
    "policy-change": Action("Policy", change_policy, "settings"),
    "policy-reset": Action("Policy", reset_policy, "settings"),
    "undo-change": Action("Undo", undo_change, "settings"),
    "clear": Action("Clear data", clear, "settings"),
}
