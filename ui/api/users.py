"""`/v1/users`: an admin lists, adds and removes the users of this server."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from rag import Role, User, Users
from ui.api.http import documented
from ui.api.service import NotFoundError
from ui.server.problems import Json


class UserForm(BaseModel):
    """A new user."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "anna", "password": "a long password", "role": "editor"}]},
    )
    name: str = Field(max_length=64, description="Letters, digits and . _ - + @; small and capital ones are the same.")
    password: str = Field(max_length=1000, description="At least 10 characters.")
    role: Role = Role.READER


class UserInfo(BaseModel):
    """A user, without their password."""

    name: str
    role: Role
    added: str


class UserList(BaseModel):
    """The users by name."""

    users: list[UserInfo]


def routes() -> APIRouter:
    """Return the routes. They find the users in what the guard says of the sender."""
    router = APIRouter(tags=["users"])

    @router.get("/v1/users", response_model=UserList, responses=documented(404))
    def listed(request: Request) -> Response:
        """List the users."""
        return Json({"users": [_info(user) for user in _users(request).all()]})

    @router.post("/v1/users", response_model=UserInfo, responses=documented(404, 408, 411, 413))
    async def add(form: UserForm, request: Request) -> Response:
        """Add a user."""
        users = _users(request)
        user = await asyncio.to_thread(users.add, form.name, form.password, form.role)
        request.state.sender.note("user added", about=user.name, role=user.role.value)
        return Json(_info(user))

    @router.delete("/v1/users/{name}", status_code=204, responses=documented(404))
    def remove(name: str, request: Request) -> Response:
        """Remove a user with their keys; their sessions end."""
        users = _users(request)
        if not any(user.name == users.same(name) for user in users.all()):
            raise NotFoundError("there is no user of this name; list the users to see the names")
        user = users.remove(name)
        request.state.sender.note("user removed", about=user.name)
        return Response(status_code=204)

    return router


def _users(request: Request) -> Users:
    """Return the users.

    Raises:
        NotFoundError: This server has none, so nobody can be checked to be an admin.
    """
    users: Users | None = request.state.sender.users
    if users is None:
        raise NotFoundError("this server has no users; its operator adds the first one: rag users add")
    return users


def _info(user: User) -> dict[str, Any]:
    return {"name": user.name, "role": user.role.value, "added": user.added}
