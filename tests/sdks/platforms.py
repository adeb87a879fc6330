"""The platforms that the SDKs call, over HTTPS. Records each request and the token in it.

WeChat's tokens are the simulator's: each of its requests is passed on, and the simulator says
whether the token is live. It has no other platform, so the tokens of those are made up here.
"""

import json
import secrets
import ssl
import threading
import urllib.request
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

APP = "wx0123456789abcdef"
SIMULATOR = "http://127.0.0.1:8088"


@dataclass(frozen=True)
class Request:
    """What an SDK sent. At a token endpoint, `token` is None."""

    what: str
    token: str | None


class Platform:
    """Hosts, where requests carry their token, and what is answered to a token that has ended."""

    def __init__(self, name, hosts, token_endpoints, header, scheme, accepted, refusal):
        self.name = name
        self.hosts = hosts
        self.header, self.scheme = header, scheme
        self.accepted = accepted
        self.status, self.code, self.refusal = refusal
        self._token_endpoints = token_endpoints
        self._live = set()

    def issue(self):
        token = secrets.token_urlsafe(32)
        self._live.add(token)
        return token

    def end_tokens(self):
        self._live.clear()

    def is_live(self, token):
        return token in self._live

    def token_calls(self):
        """Calls of token endpoints as the platform counts them; None where nobody else counts."""
        return None

    def issues_tokens(self, path):
        return path.startswith(self._token_endpoints)

    def answer(self, method, target, headers, body):
        """The request to record, and the answer: a status and a JSON value."""
        address = urlsplit(target)
        what = f"{method} {address.path}"
        if self.issues_tokens(address.path):
            return Request(what, None), (200, self.grant(method, target, headers, body))
        if self.header:
            token = headers.get(self.header, "").removeprefix(self.scheme)
        else:
            token = parse_qs(address.query).get("access_token", [""])[0]
        answer = (200, self.accepted) if self.is_live(token) else (self.status, self.refusal)
        return Request(what, token), answer

    def grant(self, _method, _target, _headers, _body):
        """Any secret is right: an SDK that fetches a token must get one, to be found out."""
        token = self.issue()
        names = ("access_token", "accessToken", "tenant_access_token", "app_access_token")
        return {"code": 0, "errcode": 0, "expires_in": "7200", "expire": 7200} | dict.fromkeys(
            names, token
        )


class WeChat(Platform):
    def issue(self):
        query = f"grant_type=client_credential&appid={APP}&secret=secret-of-{APP}"
        return simulator("GET", f"/cgi-bin/token?{query}")["access_token"]

    def end_tokens(self):
        simulator("DELETE", f"/sim/apps/{APP}/tokens")

    def is_live(self, token):
        answer = simulator("GET", f"/cgi-bin/get_api_domain_ip?access_token={token}")
        return answer["errcode"] == 0

    def token_calls(self):
        total = simulator("GET", "/sim/calls")["total"]
        return total["legacy"] + total["stable"]

    def grant(self, method, target, headers, body):
        return simulator(method, target, body, headers.get("Content-Type"))


def simulator(method, target, body=None, content_type=None):
    headers = {"Content-Type": content_type} if content_type else {}
    request = urllib.request.Request(SIMULATOR + target, body, headers, method=method)
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)


def refused(code, message):
    return {"errcode": code, "errmsg": message}


ADDRESSES = {"errcode": 0, "errmsg": "ok", "ip_list": ["127.0.0.1"]}
PLATFORMS = [
    WeChat(
        name="WeChat",
        hosts=["api.weixin.qq.com"],
        token_endpoints=("/cgi-bin/token", "/cgi-bin/stable_token"),
        header=None,
        scheme="",
        accepted=ADDRESSES,
        refusal=(200, "40001", refused(40001, "invalid credential")),
    ),
    Platform(
        name="WeCom",
        hosts=["qyapi.weixin.qq.com"],
        token_endpoints=("/cgi-bin/gettoken",),
        header=None,
        scheme="",
        accepted=ADDRESSES,
        refusal=(200, "40014", refused(40014, "invalid access_token")),
    ),
    Platform(
        name="Lark",
        hosts=["open.feishu.cn"],
        token_endpoints=("/open-apis/auth/",),
        header="Authorization",
        scheme="Bearer ",
        accepted={"code": 0, "msg": "success", "data": {}},
        refusal=(400, "99991663", {"code": 99991663, "msg": "Invalid access token"}),
    ),
    Platform(
        name="DingTalk",
        hosts=["api.dingtalk.com"],
        token_endpoints=("/v1.0/oauth2/",),
        header="x-acs-dingtalk-access-token",
        scheme="",
        accepted={"unionId": "u1"},
        refusal=(
            400,
            "InvalidAuthentication",
            {"code": "InvalidAuthentication", "message": "invalid token", "requestid": "r1"},
        ),
    ),
    Platform(
        name="QQ",
        hosts=["api.sgroup.qq.com", "bots.qq.com"],
        token_endpoints=("/app/getAppAccessToken",),
        header="Authorization",
        scheme="QQBot ",
        accepted={"id": "1", "username": "bot"},
        refusal=(401, "11244", {"code": 11244, "message": "token not exist or expire 11244"}),
    ),
]


class Recorder:
    """Serves all platforms. `take` gives what was sent since it was last asked."""

    def __init__(self, certificate, key):
        by_host = {host: platform for platform in PLATFORMS for host in platform.hosts}
        self._requests = []
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def serve(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))) or None
                platform = by_host[self.headers["Host"].removesuffix(":443")]
                request, (status, value) = platform.answer(
                    self.command, self.path, self.headers, body
                )
                recorder._requests.append(request)
                content = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = serve

            def log_message(self, *_):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server = ThreadingHTTPServer(("127.0.0.1", 443), Handler)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def take(self):
        taken, self._requests = self._requests, []
        return taken


if __name__ == "__main__":
    print(*(host for platform in PLATFORMS for host in platform.hosts), sep="\n")
