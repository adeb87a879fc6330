// node-easywechat, for WeCom.
"use strict";

const { onEachLine } = require("./calls");

const { Work } = require("node-easywechat");
const { readFile } = require("node:fs/promises");

const mountedToken = {
  getToken: () => readFile("/token/access_token", "utf8"),
  toQuery: async () => ({ access_token: await mountedToken.getToken() }),
};
const app = new Work({ corp_id: "ww0123456789abcdef" });
app.setAccessToken(mountedToken);

onEachLine(async () => {
  const answer = (await app.getClient().get("/cgi-bin/get_api_domain_ip")).toObject();
  if (answer.errcode) throw new Error(answer.errcode);
});
