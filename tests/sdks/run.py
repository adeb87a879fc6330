"""Takes each recipe of docs/sdks.md through a rotation of the mounted token: see README.md."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import mount
import page
from platforms import APP, PLATFORMS, Recorder, simulator

HERE = Path(__file__).parent
WORK = Path(os.environ["WORK"])
SDKS = Path(os.environ["SDKS"])
PROGRAMS = {
    "python/wechatpy-client.py": "WeChat",
    "python/werobot-client.py": "WeChat",
    "node/co-wechat-api.js": "WeChat",
    "node/wechat-api.js": "WeChat",
    "node/node-easywechat.js": "WeChat",
    "go/silenceper/recipe.go": "WeChat",
    "go/powerwechat/recipe.go": "WeChat",
    "go/chanxuehong/recipe.go": "WeChat",
    "java/mp/MountedConfig.java": "WeChat",
    "java/miniapp/MountedConfig.java": "WeChat",
    "php/easywechat.php": "WeChat",
    "python/lark-oapi.py": "Lark",
    "node/larksuite.js": "Lark",
    "go/larksuite/recipe.go": "Lark",
    "python/qq-botpy.py": "QQ",
    "go/botgo/recipe.go": "QQ",
    "python/alibabacloud-dingtalk.py": "DingTalk",
    "python/wechatpy-enterprise.py": "WeCom",
    "node/node-easywechat-work.js": "WeCom",
    "go/silenceper-work/recipe.go": "WeCom",
    "go/powerwechat-work/recipe.go": "WeCom",
    "go/workwx/recipe.go": "WeCom",
    "java/cp/MountedConfig.java": "WeCom",
    "php/easywechat-work.php": "WeCom",
}
CONTROL = "python/control.py"
SECONDS_FOR_A_PROGRAM = 60


class Broken(Exception):
    """A demand that does not hold."""


class Program:
    """A recipe at work: for each line that it reads, it makes a call and prints how that went."""

    def __init__(self, name):
        ecosystem, program = name.split("/", 1)
        if not (SDKS / ecosystem / "installed").exists():
            raise Broken("its SDK could not be installed: see above")
        self.log = WORK / "program.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [HERE / ecosystem / "run", program],
                cwd=WORK / "home",
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.limit = threading.Timer(SECONDS_FOR_A_PROGRAM, self.process.kill)

    def __enter__(self):
        self.limit.start()
        return self

    def __exit__(self, *_):
        self.limit.cancel()
        self.process.kill()
        self.process.communicate()

    def call(self):
        try:
            print("call", file=self.process.stdin, flush=True)
        except BrokenPipeError:
            pass  # What it said at its end is more than this says.
        for line in self.process.stdout:
            if line.startswith("call: "):
                return line.removeprefix("call: ").rstrip()
        raise Broken(f"it ended, or took too long: {self.log.read_text()[-2000:]}")


def expect(what, seen, expected):
    if seen != expected:
        raise Broken(f"{what}: {seen!r} instead of {expected!r}")


def mounted(platform):
    """A new token of the platform, which is in the file now."""
    token = platform.issue()
    end = int(time.time()) + 7200
    values = {
        "access_token": token,
        "app_id": APP,
        "expires_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(end)),
        "expires_at_unix": str(end),
    }
    mount.write(Path("/token"), values)
    return token


def rotate(name, platform, recorder):
    def sent():
        """A set: a program may call by two clients, and a client may call again when refused."""
        requests = recorder.take()
        for request in requests:
            if request.token is None:
                raise Broken(f"it called a token endpoint: {request.what}")
        return {request.token for request in requests}

    recorder.take()
    calls_before = platform.token_calls()
    old = mounted(platform)
    with Program(name) as program:
        expect("the first call", program.call(), "ok")
        expect("the first call sent", sent(), {old})
        new = mounted(platform)
        expect("the call after the swap", program.call(), "ok")
        expect("the call after the swap sent", sent(), {new})
        platform.end_tokens()
        answer = program.call()
        expect("the refused call sent", sent(), {new})
        if not answer.startswith("refused ") or platform.code not in answer:
            raise Broken(f"a call refused with {platform.code} ends in {answer!r}")
    if calls_before is not None:
        # Those of `mounted`.
        expect("token calls in the simulator's log", platform.token_calls() - calls_before, 2)


def control(platform, recorder):
    try:
        rotate(CONTROL, platform, recorder)
    except Broken as broken:
        expect("it is found out", str(broken), "it called a token endpoint: GET /cgi-bin/token")
    else:
        raise Broken("an SDK that fetches tokens passes")


def page_is_true():
    faults = page.faults(list(PROGRAMS))
    if faults:
        raise Broken("; ".join(faults))


def main():
    simulator("GET", "/sim/healthz")
    recorder = Recorder(WORK / "server.crt", WORK / "server.key")
    platforms = {platform.name: platform for platform in PLATFORMS}
    claims = {
        name: (rotate, name, platforms[PROGRAMS[name]], recorder)
        for name in os.environ.get("ONLY", "").split() or PROGRAMS
    }
    claims["control: an SDK that has the secret"] = (control, platforms["WeChat"], recorder)
    claims["docs/sdks.md"] = (page_is_true,)
    failed = 0
    for name, (claim, *arguments) in claims.items():
        start = time.monotonic()
        try:
            claim(*arguments)
        except Broken as broken:
            failed += 1
            print(f"FAILED  {name}: {broken}", flush=True)
        else:
            print(f"    ok  {name:36} {time.monotonic() - start:5.1f} s", flush=True)
    print(f"\n{len(claims) - failed} passed, {failed} failed")
    sys.exit(failed > 0)


main()
