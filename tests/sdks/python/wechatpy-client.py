"""wechatpy, for official accounts and mini programs."""

from calls import on_each_line

from pathlib import Path

from wechatpy import WeChatClient


class MountedClient(WeChatClient):
    @property
    def access_token(self):
        return Path("/token/access_token").read_text()

    def fetch_access_token(self):
        raise RuntimeError("only the operator fetches tokens")


client = MountedClient("wx0123456789abcdef", secret=None, auto_retry=False)

on_each_line(client.misc.get_wechat_ips)
