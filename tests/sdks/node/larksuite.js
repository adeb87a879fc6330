// Lark's SDK for Node.
"use strict";

const { onEachLine } = require("./calls");

const lark = require("@larksuiteoapi/node-sdk");
const { readFile } = require("node:fs/promises");

const mountedToken = {
  get: async (key) =>
    key === lark.CTenantAccessToken ? readFile("/token/access_token", "utf8") : undefined,
  set: async () => true,
};
const client = new lark.Client({
  appId: "cli_0123456789abcdef",
  appSecret: "not-here",
  cache: mountedToken,
});

onEachLine(() => client.contact.v3.user.get({ path: { user_id: "u1" } }));
