import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.host.routes import Route, Router, decode_path


def match(template: str, path: str, method: str = "GET") -> dict[str, str] | None:
    found = Router([Route(template, None, "here")]).match(method, path)
    return found[1] if found else None


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("a/b", "/a/b", {}),
        ("a/b", "/A/B/", {}),
        ("a/b", "/a/b/c", None),
        ("a/b", "/a", None),
        ("", "/", {}),
        ("a/{x}", "/a/One", {"x": "One"}),
        ("a/{x}", "/a/", None),
        ("a/{x}/b", "/a//b", None),
        ("a/{x?}", "/a", {}),
        ("a/{x?}", "/a/1", {"x": "1"}),
        ("a/{x=5}", "/a", {"x": "5"}),
        ("a/{x=5}/{y?}", "/a", {"x": "5"}),
        ("a/{x=5}/b", "/a", None),
        ("a/{x:int}", "/a/12", {"x": "12"}),
        ("a/{x:int}", "/a/-12", {"x": "-12"}),
        ("a/{x:int}", "/a/2147483648", None),
        ("a/{x:long}", "/a/2147483648", {"x": "2147483648"}),
        ("a/{x:long}", "/a/9223372036854775808", None),
        ("a/{x:int?}", "/a", {}),
        ("a/{x:int?}", "/a/b", None),
        ("a/{x:alpha}", "/a/bC", {"x": "bC"}),
        ("a/{x:alpha}", "/a/b1", None),
        ("a/{x:guid}", "/a/8f14e45f-ceea-467f-a3b6-4b1c4d2f1f11", {"x": "8f14e45f-ceea-467f-a3b6-4b1c4d2f1f11"}),
        ("a/{x:guid}", "/a/8f14", None),
        ("a/{x:bool}", "/a/True", {"x": "True"}),
        ("a/{*rest}", "/a/b/c/", {"rest": "b/c/"}),
        ("a/{*rest}", "/a/b//c", {"rest": "b/c"}),
        ("a/{*rest}", "/a//b", {"rest": "b"}),
        ("a/{*rest}", "/a", {}),
        ("{file}.{ext}", "/a.b.c", {"file": "a.b", "ext": "c"}),
        ("v{n:int}/rank", "/v2/rank", {"n": "2"}),
    ],
)
def test_a_template_matches_as_in_asp_net(template: str, path: str, values: dict[str, str] | None) -> None:
    assert match(template, path) == values


@pytest.mark.parametrize("path", ["//a/b", "/a//b", "///a//b//"])
def test_slashes_count_once(path: str) -> None:
    assert match("a/{x}", path) == {"x": "b"}


@pytest.mark.parametrize("template", ["a/{x", "a/{x:colour}", "{x y}"])
def test_a_template_that_cannot_be_read_is_refused(template: str) -> None:
    with pytest.raises(ValueError, match="the route"):
        Route(template, None, "here")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/events/a", "literal"),
        ("/events/5", "number"),
        ("/events/x", "text"),
        ("/events/a/more", "longer"),
        ("/events/b/c/d", "rest"),
    ],
)
def test_the_most_specific_route_wins(path: str, expected: str) -> None:
    templates = {
        "events/{*rest}": "rest",
        "events/{id}": "text",
        "events/{id:int}": "number",
        "events/{id}/more": "longer",
        "events/a": "literal",
    }
    found = Router([Route(template, None, name) for template, name in templates.items()]).match("GET", path)
    assert found is not None
    assert found[0] == expected


def test_a_method_is_part_of_the_match() -> None:
    router = Router([Route("a", ["GET"], "get"), Route("a", ["post"], "post"), Route("{x}", None, "any")])
    assert [router.match(method, "/a")[0] for method in ("GET", "POST", "PUT")] == ["get", "post", "any"]
    assert [router.match(method, "/a")[0] for method in ("GET", "POST", "PUT")] == ["get", "post", "any"]


@pytest.mark.parametrize(
    ("raw", "decoded"),
    [
        ("/a%20b/%C3%A9", "/a b/é"),
        ("/a%2Fb", "/a%2Fb"),
        ("/a%2fb%20", "/a%2fb "),
        ("/%FF", "/%FF"),
        ("/%C3%A9%ED%A0%BD%20%e9", "/é%ED%A0%BD %E9"),
        ("/a/../b", "/b"),
        ("/a/%2e%2E/b/.", "/b/"),
        ("/../..", "/"),
        ("/a+b", "/a+b"),
    ],
)
def test_a_path_is_decoded_as_kestrel_does(raw: str, decoded: str) -> None:
    assert decode_path(raw) == decoded


@given(st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), min_size=1))
def test_any_text_survives_the_way_through_a_path(text: str) -> None:
    from urllib.parse import quote

    if text in {".", ".."}:
        return
    assert match("events/{id}/reward", f"/events/{quote(text, safe='')}/reward") == {"id": text}
