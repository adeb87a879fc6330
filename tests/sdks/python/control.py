"""wechatpy in a pod that has the app secret, as its own documentation has it: to be found out."""

from calls import on_each_line

from wechatpy import WeChatClient

client = WeChatClient("wx0123456789abcdef", "secret-of-wx0123456789abcdef")

on_each_line(client.misc.get_wechat_ips)
