"""wechatpy, for WeCom."""

from calls import on_each_line

from pathlib import Path

from wechatpy.enterprise import WeChatClient


class MountedClient(WeChatClient):
    @property
    def access_token(self):
        return Path("/token/access_token").read_text()

    def fetch_access_token(self):
        raise RuntimeError("only the operator fetches tokens")


client = MountedClient("ww0123456789abcdef", secret="", auto_retry=False)

on_each_line(client.misc.get_wechat_ips)
