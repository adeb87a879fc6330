// co-wechat-api, for official accounts.
"use strict";

const { onEachLine } = require("./calls");

const WechatAPI = require("co-wechat-api");
const { readFile } = require("node:fs/promises");

// The operator sees to the expiry.
const mountedToken = async () => ({
  accessToken: await readFile("/token/access_token", "utf8"),
  expireTime: Infinity,
});
const keepNothing = async () => {};
const tokenFromCustom = true;
const api = new WechatAPI("wx0123456789abcdef", "", mountedToken, keepNothing, tokenFromCustom);

onEachLine(() => api.getIp());
