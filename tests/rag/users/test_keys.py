from __future__ import annotations

import pytest

from rag import Role, UsageError, Users
from rag.users import keys

PASSWORD = "correct horse"


@pytest.fixture
def users(users: Users) -> Users:
    users.add("anna", PASSWORD, Role.EDITOR)
    return users


def test_a_key_names_its_user(users: Users) -> None:
    key = users.add_key("Anna", "Script", Role.READER, days=30)
    found = users.with_key(key)
    assert found and found.id == users.find("anna").id and found.role is Role.READER
    (listed,) = users.keys("anna")
    assert (listed.name, listed.user, listed.role, listed.expired) == ("script", "anna", Role.READER, False)
    assert key not in repr(listed)


def test_a_key_may_do_what_its_user_may(users: Users) -> None:
    key = users.add_key("anna", "script")
    found = users.with_key(key)
    assert found and found.role is Role.EDITOR
    users.set_role("anna", Role.READER)
    found = users.with_key(key)
    assert found and found.role is Role.READER
    users.set_role("anna", Role.ADMIN)
    found = users.with_key(key)
    assert found and found.role is Role.EDITOR


def test_a_key_may_do_no_more_than_its_user(users: Users) -> None:
    with pytest.raises(UsageError, match="anna is only editor"):
        users.add_key("anna", "script", Role.ADMIN)


@pytest.mark.parametrize("days", [0, -1, keys.MOST_DAYS + 1, 10**12])
def test_every_key_expires(users: Users, days: int) -> None:
    with pytest.raises(UsageError, match="valid for 1 to"):
        users.add_key("anna", "script", days=days)


def test_an_expired_key_does_not_work(users: Users, monkeypatch: pytest.MonkeyPatch) -> None:
    key = users.add_key("anna", "script", days=1)
    assert users.with_key(key)
    tomorrow = keys.moment(1)
    monkeypatch.setattr(keys, "moment", lambda days=0: tomorrow)
    assert users.with_key(key) is None and users.keys()[0].expired


def test_a_removed_key_does_not_work(users: Users) -> None:
    key, other = users.add_key("anna", "one"), users.add_key("anna", "two")
    users.remove_key("anna", "ONE")
    assert users.with_key(key) is None and users.with_key(other)
    with pytest.raises(UsageError, match="has no key 'one'"):
        users.remove_key("anna", "one")
    with pytest.raises(UsageError, match="a key 'two' already"):
        users.add_key("anna", "two")


def test_a_key_that_is_wrong_in_one_place_does_not_work(users: Users) -> None:
    key = users.add_key("anna", "script")
    other = users.add_key("anna", "other")
    for place in range(len(key)):
        changed = key[:place] + ("0" if key[place] != "0" else "1") + key[place + 1 :]
        assert users.with_key(changed) is None, place
    mixed = "_".join([*other.split("_", 2)[:2], key.split("_", 2)[2]])
    for wrong in (mixed, key + "=", key[:-1], f" {key}", key.upper(), "", "dl_", key + "\n", "ü" + key[1:]):
        assert users.with_key(wrong) is None, wrong
