#!/usr/bin/env bash
# Software: @larksuiteoapi/node-sdk 1.74.0, `withTenantToken` and `Client`.
# Guess: a token that is passed with a request is the token of that request.
# Behaviour: unless the client was made with `disableTokenCache: true`, the SDK fetches a token by
# the app secret and sends that one; the one that was passed is dropped without a word. The option's
# name says that it is about a cache.
# Seen: with `withTenantToken('passed')` alone, one call of the token endpoint, and `Bearer
# fetched`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --ignore-scripts @larksuiteoapi/node-sdk@1.74.0 > /dev/null
cat > call.js << 'EOT'
const http = require('node:http');
const lark = require('@larksuiteoapi/node-sdk');

const server = http.createServer((request, response) => {
  const fetches = request.url.includes('/auth/v3/tenant_access_token/');
  const { authorization } = request.headers;
  console.log(fetches ? 'the SDK fetches a token' : `the call has ${authorization}`);
  response.setHeader('Content-Type', 'application/json');
  const answer = { code: 0, msg: 'ok', data: {}, tenant_access_token: 'fetched', expire: 7200 };
  response.end(JSON.stringify(answer));
});
server.listen(0, '127.0.0.1', async () => {
  const domain = `http://127.0.0.1:${server.address().port}`;
  for (const disableTokenCache of [false, true]) {
    console.log(`disableTokenCache: ${disableTokenCache}`);
    const loggerLevel = lark.LoggerLevel.error;
    const app = { appId: 'cli_1', appSecret: 's', domain };
    const client = new lark.Client({ ...app, disableTokenCache, loggerLevel });
    const request = { path: { user_id: 'u1' } };
    await client.contact.v3.user.get(request, lark.withTenantToken('passed'));
  }
  server.closeAllConnections();
  server.close();
});
EOT
seen=$(node call.js)
printf '%s\n' "$seen"
expected='disableTokenCache: false
the SDK fetches a token
the call has Bearer fetched
disableTokenCache: true
the call has Bearer passed'
[[ $seen == "$expected" ]] ||
    { echo 'the SDK uses a token of a request otherwise now' >&2; exit 1; }
