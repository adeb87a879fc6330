"""Lark's SDK for Python."""

from calls import on_each_line

from pathlib import Path

import lark_oapi
from lark_oapi.core.cache import ICache
from lark_oapi.core.token import TokenManager


class MountedToken(ICache):
    def get(self, key):
        if key.startswith("self_tenant_token:"):
            return Path("/token/access_token").read_text()

    def set(self, key, value, expire):
        pass


TokenManager.cache = MountedToken()
client = lark_oapi.Client.builder().app_id("cli_0123456789abcdef").app_secret("not-here").build()

from lark_oapi.api.contact.v3 import GetUserRequest


def call():
    response = client.contact.v3.user.get(GetUserRequest.builder().user_id("u1").build())
    if not response.success():
        raise RuntimeError(response.code)


on_each_line(call)
