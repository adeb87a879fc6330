"""DingTalk's SDK for Python."""

from calls import on_each_line

from pathlib import Path

from alibabacloud_dingtalk.contact_1_0.client import Client
from alibabacloud_dingtalk.contact_1_0.models import GetUserHeaders
from alibabacloud_tea_openapi.models import Config
from alibabacloud_tea_util.models import RuntimeOptions

client = Client(Config(protocol="https", region_id="central"))


def get_user(union_id):
    token = Path("/token/access_token").read_text()
    headers = GetUserHeaders(x_acs_dingtalk_access_token=token)
    return client.get_user_with_options(union_id, headers, RuntimeOptions())


on_each_line(lambda: get_user("me"))
