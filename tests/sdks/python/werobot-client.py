"""WeRoBot's client, for official accounts."""

from calls import on_each_line

from pathlib import Path

from werobot import WeRoBot
from werobot.client import Client


class MountedClient(Client):
    def get_access_token(self):
        return Path("/token/access_token").read_text()


class Robot(WeRoBot):
    @property
    def client(self):
        return MountedClient(self.config)


robot = Robot(token="of-the-message-callback")
robot.config["APP_ID"] = "wx0123456789abcdef"

on_each_line(lambda: robot.client.get_ip_list())
