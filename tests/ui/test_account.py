"""The bar that says who is logged in."""

from __future__ import annotations

from parsed import Parsed

from ui.account import signed_in


def test_it_names_the_user_and_logs_out() -> None:
    html = Parsed(signed_in("anna", "editor"))
    assert html.find("span") == ["anna (editor)"]
    assert ("method", "post") in html.attributes and ("action", "logout") in html.attributes


def test_a_name_is_no_markup() -> None:
    assert Parsed(signed_in("<img src=x>", "reader")).tags["img"] == 0
