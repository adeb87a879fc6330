"""QQ's SDK for bots, for Python."""

from calls import on_each_line

from pathlib import Path

from botpy.api import BotAPI
from botpy.http import BotHttp
from botpy.robot import Token


async def read_token(self):
    self.access_token = Path("/token/access_token").read_text()


Token.check_token = read_token
api = BotAPI(BotHttp(timeout=5, app_id="102000000", secret=""))

import asyncio

loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
on_each_line(lambda: loop.run_until_complete(api.me()))
