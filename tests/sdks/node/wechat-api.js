// wechat-api, for official accounts.
"use strict";

const { onEachLine } = require("./calls");

const WechatAPI = require("wechat-api");
const { readFile } = require("node:fs");

// The operator sees to the expiry.
const mountedToken = (callback) =>
  readFile("/token/access_token", "utf8", (error, accessToken) =>
    callback(error, { accessToken, expireTime: Infinity }),
  );
const api = new WechatAPI("wx0123456789abcdef", "", mountedToken);
api.getAccessToken = (callback) => callback(new Error("only the operator fetches tokens"));

const { promisify } = require("node:util");

onEachLine(() => promisify(api.getIp.bind(api))());
