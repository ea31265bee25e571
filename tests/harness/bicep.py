"""Bicep files as declarations and references, read with tree-sitter: enough to check names, not types."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

INFRA = Path(__file__).parents[2] / "infra"
_parser = Parser(Language(tree_sitter_bicep.language()))
_DECLARATIONS = {f"{kind}_declaration" for kind in ("type", "parameter", "variable", "resource", "module")}


@dataclass(frozen=True)
class Declaration:
    """A type, param, var, resource, module or output. `target`: a resource's type@version, a module's path."""

    kind: str
    symbol: str
    node: Node
    decorators: str
    comment: str
    target: str = ""

    @property
    def text(self) -> str:
        return text_of(self.node)

    @property
    def body(self) -> Node | None:
        """The object in braces."""
        return next((one for one in walk(self.node) if one.type == "object"), None)

    @property
    def conditional(self) -> bool:
        return any(child.type == "if_statement" for child in self.node.children)

    @property
    def existing(self) -> bool:
        return any(child.type == "existing" for child in self.node.children)

    @property
    def value(self) -> str:
        """A param's default or an output's value; empty if there is none."""
        after = [child for child in self.node.children if child.type == "="]
        return text_of(self.node)[after[0].end_byte - self.node.start_byte :].strip() if after else ""

    def properties(self, *path: str) -> dict[str, Node]:
        """The properties of the body, or of an object in it, by name."""
        found, node = {}, self.body
        for name in ("", *path):
            node = found.get(name) if name else node
            found = dict(_pairs(node)) if node is not None and node.type == "object" else {}
        return found


@dataclass(frozen=True)
class File:
    """One Bicep file."""

    path: Path
    source: str
    broken: bool
    declarations: list[Declaration] = field(default_factory=list)

    def of(self, kind: str) -> dict[str, Declaration]:
        return {one.symbol: one for one in self.declarations if one.kind == kind}


def read(path: Path, source: str | None = None) -> File:
    """Parses a file, or `source` in its place."""
    text = path.read_text() if source is None else source
    root = _parser.parse(text.encode()).root_node
    return File(path, text, root.has_error, list(_declarations(root)))


def untyped(source: str) -> str:
    """The source without user-defined types, which pycep does not read: `object` and `array` in their place."""
    text = source.encode()
    root = _parser.parse(text).root_node
    for node in sorted(root.children, key=lambda child: -child.start_byte):
        if node.type == "type_declaration":
            text = text[: node.start_byte] + text[node.end_byte :]
        elif node.type == "parameter_declaration":
            [kind] = [child for child in node.children if child.type == "type"]
            if kind.children[0].type != "primitive_type":
                plain = b"array" if kind.children[0].type == "array_type" else b"object"
                text = text[: kind.start_byte] + plain + text[kind.end_byte :]
    return text.decode()


def _declarations(node: Node) -> Iterator[Declaration]:
    decorators = comment = ""
    for child in node.children:
        if child.type == "comment":
            comment = text_of(child)
        elif child.type == "decorators":
            decorators = text_of(child)
        elif child.type in _DECLARATIONS | {"output_declaration"}:
            yield _declaration(child, decorators, comment)
            for nested in walk(child):
                if nested.type == "resource_declaration" and nested != child:
                    yield _declaration(nested, "", "")
            decorators = comment = ""


def _declaration(node: Node, decorators: str, comment: str) -> Declaration:
    symbol = next(child for child in node.children if child.type == "identifier")
    target = next((child for child in node.children if child.type == "string"), None)
    kind = node.type.removesuffix("_declaration")
    aims = text_of(target).strip("'") if target is not None and kind in ("resource", "module") else ""
    return Declaration(kind, text_of(symbol), node, decorators, comment, aims)


def references(node: Node, local: frozenset[str] = frozenset()) -> Iterator[str]:
    """The symbols that an expression uses, but for those that it declares itself in a loop or a lambda."""
    if node.type == "identifier":
        if text_of(node) not in local:
            yield text_of(node)
        return
    children = node.named_children
    if node.type in ("object_property", "call_expression") and children and children[0].type == "identifier":
        children = children[1:]
    elif node.type == "resource_expression":  # `parent::child`: a child has its name from the parent
        children = children[:1]
    elif node.type in _DECLARATIONS | {"output_declaration"}:
        children = [child for child in children if child.type != "identifier"] + [
            child for child in node.named_children[1:] if child.type == "identifier"
        ]
    elif node.type == "for_statement":
        local |= set(leaves(children[0]))  # its variable, or variable and index
        children = children[1:]
    for child in children:
        yield from references(child, local)


def calls(node: Node) -> Iterator[str]:
    """The names of the functions that are called."""
    for one in walk(node):
        if one.type == "call_expression":
            yield text_of(one.children[0])


def walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from walk(child)


def leaves(node: Node) -> list[str]:
    """The texts of the named leaves."""
    return [text_of(one) for one in walk(node) if one.is_named and not one.named_children]


def _pairs(node: Node) -> Iterator[tuple[str, Node]]:
    for child in node.named_children:
        if child.type == "object_property" and len(child.named_children) == 2:
            key, value = child.named_children
            yield text_of(key).strip("'"), value


def text_of(node: Node) -> str:
    return (node.text or b"").decode()
