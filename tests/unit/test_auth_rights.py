"""Roles, rights and scopes, as a table written a second time."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.auth.accounts import NewAccount
from dashboard.auth.demo import DEMO_ACCOUNTS
from dashboard.auth.rights import (
    RIGHTS,
    ROLE_RIGHTS,
    ROLES,
    Identity,
    Right,
    Role,
    can,
    check,
    read_role,
    scope_of,
)
from dashboard.auth.scope import check_area
from dashboard.errors import NotPermitted, OutOfScope, TianfuError

# role: view export unmask assign draft approve publish emergency audit administer
SPEC = """
viewer          x . . . . . . . . .
city_official   x x . x . . . . . .
county_official x x . x . . . . . .
policy_editor   x x . . x . . . . .
commander       x x x x . x x x . .
auditor         x x . . . . . . x .
administrator   x . . . . . . . . x
"""
CELLS = [
    (line.split()[0], right, mark == "x")
    for line in SPEC.strip().splitlines()
    for right, mark in zip(RIGHTS, line.split()[1:], strict=True)
]


def someone(role: Role, *roots: str) -> Identity:
    return Identity(
        account_id=1,
        login="li",
        name_zh="李",
        name_en="Li",
        role=role,
        roots=roots or ("510000",),
        session_id=1,
    )


@pytest.mark.parametrize(("role", "right", "holds"), CELLS)
def test_rights_of_roles(role: Role, right: Right, holds: bool) -> None:
    assert can(someone(role), right) is holds
    if holds:
        check(someone(role), right)
    else:
        with pytest.raises(NotPermitted, match=right):
            check(someone(role), right)


def test_every_role_is_in_the_table() -> None:
    assert {role for role, _, _ in CELLS} == set(ROLES) == set(ROLE_RIGHTS)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("draft", "approve"),
        ("draft", "publish"),
        ("draft", "emergency"),
        ("approve", "audit"),
        ("administer", "approve"),
        ("unmask", "audit"),
    ],
)
def test_no_role_holds_both(one: Right, other: Right) -> None:
    assert [role for role in ROLES if {one, other} <= ROLE_RIGHTS[role]] == []


def test_an_unknown_role_is_an_error_not_a_default() -> None:
    with pytest.raises(TianfuError, match="superuser"):
        read_role("superuser")


@pytest.mark.parametrize(
    ("login", "sees", "hidden"),
    [
        ("viewer", ("510000", "510100", "510107", "513401"), ()),
        ("chengdu", ("510100", "510107", "5101F1"), ("510000", "510300", "510302")),
        ("wuhou", ("510107",), ("510000", "510100", "510104")),
    ],
)
def test_scope_of_demo_accounts(login: str, sees: tuple[str, ...], hidden: tuple[str, ...]) -> None:
    account: NewAccount = next(a for a in DEMO_ACCOUNTS if a.login == login)
    scope = scope_of(someone(account.role, *account.areas))
    for code in sees:
        assert check_area(scope, code) == code
    for code in hidden:
        with pytest.raises(OutOfScope):
            check_area(scope, code)


def test_no_grant_sees_nothing() -> None:
    nobody = Identity(
        account_id=1, login="x", name_zh="x", name_en="x", role="commander", roots=(), session_id=1
    )
    assert scope_of(nobody).codes == frozenset()


def test_demo_accounts_cover_every_role_and_two_commanders() -> None:
    assert {a.role for a in DEMO_ACCOUNTS} == set(ROLES)
    assert sum(a.role == "commander" for a in DEMO_ACCOUNTS) == 2
    assert all(a.demo for a in DEMO_ACCOUNTS)


def test_the_manual_shows_the_same_table() -> None:
    manual = Path(__file__).resolve().parents[2] / "docs" / "signing-in.md"
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in manual.read_text(encoding="utf-8").splitlines()
        if line.startswith("|")
    ]
    head = next(row for row in rows if row[0] == "role")
    shown = {
        "_".join(word for word in row[0].split() if word.isascii()): {
            right for right, cell in zip(head[1:], row[1:], strict=True) if cell == "yes"
        }
        for row in rows[rows.index(head) + 2 : rows.index(head) + 2 + len(ROLES)]
    }
    assert shown == {role: set(rights) for role, rights in ROLE_RIGHTS.items()}
