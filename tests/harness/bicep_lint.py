"""What the Bicep compiler and its linter would refuse, as far as names tell: a problem is a line of text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tree_sitter import Node

from harness.bicep import Declaration, File, calls, read, references, text_of, walk

# Types at the version whose properties were looked up in the published type definitions.
TYPES = {
    "Microsoft.Authorization/roleAssignments@2022-04-01",
    "Microsoft.EventHub/namespaces@2026-01-01",
    "Microsoft.EventHub/namespaces/eventhubs@2026-01-01",
    "Microsoft.EventHub/namespaces/eventhubs/consumergroups@2026-01-01",
    "Microsoft.Insights/actionGroups@2023-01-01",
    "Microsoft.Insights/components@2020-02-02",
    "Microsoft.Insights/scheduledQueryRules@2026-03-01",
    "Microsoft.Insights/workbooks@2023-06-01",
    "Microsoft.KeyVault/vaults@2026-02-01",
    "Microsoft.KeyVault/vaults/secrets@2026-02-01",
    "Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30",
    "Microsoft.Network/privateDnsZones@2024-06-01",
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01",
    "Microsoft.Network/privateEndpoints@2025-05-01",
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-05-01",
    "Microsoft.Network/virtualNetworks@2025-05-01",
    "Microsoft.OperationalInsights/workspaces@2025-07-01",
    "Microsoft.Resources/resourceGroups@2025-04-01",
    "Microsoft.Storage/storageAccounts@2025-08-01",
    "Microsoft.Storage/storageAccounts/blobServices@2025-08-01",
    "Microsoft.Storage/storageAccounts/blobServices/containers@2025-08-01",
    "Microsoft.Storage/storageAccounts/managementPolicies@2025-08-01",
    "Microsoft.Web/serverfarms@2025-03-01",
    "Microsoft.Web/sites@2025-03-01",
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01",
    "Microsoft.Web/sites/config@2025-03-01",
}
# Children of a resource they are nested in, which have their version from it.
NESTED = {"blobServices", "containers", "eventhubs"}
FUNCTIONS = {
    "allowed", "description", "empty", "environment", "guid", "indexOf", "loadJsonContent",
    "loadTextContent", "maxLength", "maxValue", "metadata", "min", "minLength", "minValue", "newGuid", "replace",
    "resourceGroup", "resourceId", "secure", "split", "string", "subscription", "subscriptionResourceId", "tenant",
    "toLower", "union", "uniqueString",
}  # fmt: skip
# The formatter breaks lines that are longer.
WIDTH = 120
# What a parameter is called that takes a name, or an id that has names in it.
NAMES = re.compile(r"name|id|(.*)(Name|Names|Id|Hub|Group|Container)|container")
# Hosts that the linter's rule no-hardcoded-env-urls knows; environment() has them.
HOSTS = re.compile(
    r"(core|database|trafficmanager)\.windows\.net|vault\.azure\.net|management\.azure\.com|login\.microsoftonline\.com"
)


def problems(files: dict[Path, str]) -> list[str]:
    """The problems of files, given as path and source."""
    parsed = {path: read(path, source) for path, source in files.items()}
    return [f"{path.name}: {problem}" for path, file in parsed.items() for problem in _problems(file, parsed)]


def _problems(file: File, files: dict[Path, File]) -> Iterator[str]:
    if file.broken:
        yield "does not parse"
        return
    for check in (_names, _types, _resources, _text, _format):
        yield from check(file)
    yield from _order(file, files)
    for module in file.of("module").values():
        yield from _module(file, module, files)


def _names(file: File) -> Iterator[str]:
    declared, used = [one.symbol for one in file.declarations if one.kind != "output"], set[str]()
    for one in file.declarations:
        used |= set(references(one.node))
        yield from (f"calls {name}, which is not on the list" for name in set(calls(one.node)) - FUNCTIONS)
    yield from (f"{name} is not declared" for name in used - set(declared))
    yield from (f"{name} is declared twice" for name in set(declared) if declared.count(name) > 1)
    nested = set(re.findall(r"::(\w+)", file.source))
    for one in file.declarations:
        needed = one.kind in ("type", "parameter", "variable") or one.existing
        if needed and one.symbol not in used | nested:
            yield f"{one.symbol} is not used"
        if one.conditional and re.search(rf"\b{one.symbol}\.(outputs|properties|\w+\()", file.source):
            yield f"{one.symbol} may not be there where it is used"


def _types(file: File) -> Iterator[str]:
    for one in file.of("parameter").values():
        if re.search(rf"param {one.symbol} (object|array)\b", one.text):
            yield f"{one.symbol} has no type that says what is in it"


def _resources(file: File) -> Iterator[str]:
    for one in file.of("resource").values():
        if one.target not in TYPES | NESTED:
            yield f"{one.symbol} is of {one.target}, which is not on the list"
        given = one.properties()
        if one.target.count("/") > 1 and "parent" not in given:
            yield f"{one.symbol} has no parent"
        if "location" in given and text_of(given["location"]) not in ("location", "'global'"):
            yield f"{one.symbol} has a fixed location"
    for one in (*file.of("resource").values(), *file.of("module").values()):
        given = one.properties()
        others = {name for key, value in given.items() if key != "dependsOn" for name in references(value)}
        waits = set(references(given["dependsOn"])) if "dependsOn" in given else set()
        yield from (f"{one.symbol} depends on {name} anyway" for name in waits & others)


def _text(file: File) -> Iterator[str]:
    if HOSTS.search(file.source):
        yield "names a host that environment() knows"
    for one in file.of("parameter").values():
        if "secure" in one.decorators and one.value not in ("", "''", "newGuid()"):
            yield f"{one.symbol} is secure and has a default"
    for one in (*file.of("variable").values(), *file.of("output").values()):
        loops = [node for node in walk(one.node) if node.type == "for_statement"]
        if any(node.parent != one.node and text_of(node.parent or node) != one.value for node in loops):
            yield f"{one.symbol} has a loop inside its value"
    for node in (inner for one in file.declarations for inner in walk(one.node)):
        parts = [child.type for child in node.named_children] if node.type == "string" else []
        key = (
            node.parent is not None and node.parent.type == "object_property" and node == node.parent.named_children[0]
        )
        if parts == ["interpolation"] and not key:
            yield f"{text_of(node)} needs no quotes"
        if key and re.fullmatch(r"'[A-Za-z_]\w*'", text_of(node)):
            yield f"the property {text_of(node)} needs no quotes"


def _format(file: File) -> Iterator[str]:
    for node in (inner for one in file.declarations for inner in walk(one.node)):
        if node.type == "for_statement" and not re.fullmatch(r"\[\n *for .*\n *\}\n *\]", text_of(node), re.DOTALL):
            yield f"a loop does not stand on a line of its own: {text_of(node).splitlines()[0]}"
    for line in file.source.splitlines():
        if len(line) > WIDTH and not line.startswith(("//", "@description(")):
            yield f"a line is longer than {WIDTH}: {line.strip()}"


def _order(file: File, files: dict[Path, File]) -> Iterator[str]:
    """Names are not outputs, so that nothing else says which module waits for which."""
    modules, variables = file.of("module"), set(file.of("variable"))
    waits = {name: set(_used(one)) & set(modules) - {name} for name, one in modules.items()}
    for _ in modules:
        waits = {name: direct.union(*(waits[other] for other in direct)) for name, direct in waits.items()}
    makers: dict[str, set[str]] = {}
    for name, one in modules.items():
        path = file.path.parent / one.target
        made = set(_made(files[path])) if path in files else set[str]()
        for parameter, value in one.properties("params").items():
            if parameter in made and value.type == "identifier":
                makers.setdefault(text_of(value), set()).add(name)
    for name, one in modules.items():
        for symbol in variables.intersection(_used(one)) & set(makers):
            for maker in makers[symbol] - {name} - waits[name]:
                yield f"{name} names what {maker} makes and does not wait for it"


def _used(module: Declaration) -> Iterator[str]:
    for value in module.properties().values():
        yield from references(value)


def _made(file: File) -> Iterator[str]:
    """The parameters that are names of resources which the file makes."""
    for one in file.of("resource").values():
        name = one.properties().get("name")
        if not one.existing and name is not None and name.type == "identifier":
            yield from _origins(file, one, {text_of(name)})


def _naming(file: File) -> Iterator[str]:
    """The parameters that decide how resources are named, which there are, and how many."""
    for one in file.of("resource").values():
        parts = [node for key, node in one.properties().items() if key in ("name", "scope")]
        for node in one.node.children:
            if node.type in ("if_statement", "for_statement"):
                parts += [child for child in node.named_children if child.type != "object"]
        yield from _origins(file, one, {symbol for part in parts for symbol in references(part)})


def _origins(file: File, resource: Declaration, symbols: set[str]) -> set[str]:
    """The parameters that symbols are made of, by way of variables and of a resource's loop."""
    variables: dict[str, Node] = {name: one.node for name, one in file.of("variable").items()}
    for node in resource.node.children:
        if node.type == "for_statement":
            over = [child for child in node.named_children if child.type != "object"]
            variables |= {text_of(leaf): over[1] for leaf in walk(over[0]) if not leaf.children}
    found, seen = set[str](), set[str]()
    while symbols:
        symbol = symbols.pop()
        if symbol in variables and symbol not in seen:
            symbols |= set(references(variables[symbol])) - {symbol}
        elif symbol in file.of("parameter"):
            found.add(symbol)
        seen.add(symbol)
    return found


def _from_outputs(file: File) -> set[str]:
    """The variables that hold outputs of modules."""
    variables = file.of("variable").items()
    found = {name for name, one in variables if ".outputs." in one.text}
    for _ in variables:
        found |= {name for name, one in variables if found & (set(references(one.node)) - {name})}
    return found


def _module(file: File, module: Declaration, files: dict[Path, File]) -> Iterator[str]:
    path = file.path.parent / module.target
    if path not in files:
        yield f"{module.symbol} is {module.target}, which is not there"
        return
    parameters, given = files[path].of("parameter"), module.properties("params")
    required = {name for name, one in parameters.items() if not one.value}
    yield from (f"{module.symbol} has no parameter {name}" for name in set(given) - set(parameters))
    yield from (f"{module.symbol} is not given {name}" for name in required - set(given))
    if "name" in module.properties():
        yield f"{module.symbol} has a name, which the compiler would give it"
    naming = set(_naming(files[path]))
    for name, value in given.items():
        late = ".outputs." in text_of(value) or not _from_outputs(file).isdisjoint(references(value))
        if late and (name in naming or NAMES.fullmatch(name)):
            yield f"{module.symbol} gets {name} from an output, and a preview has to know it"
    for name in re.findall(rf"\b{module.symbol}\.outputs\.(\w+)", file.source):
        if name not in files[path].of("output"):
            yield f"{module.symbol} has no output {name}"
