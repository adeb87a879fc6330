// node-easywechat, for official accounts and mini programs.
"use strict";

const { onEachLine } = require("./calls");

const { MiniApp, OfficialAccount } = require("node-easywechat");
const { readFile } = require("node:fs/promises");

const mountedToken = {
  getToken: () => readFile("/token/access_token", "utf8"),
  toQuery: async () => ({ access_token: await mountedToken.getToken() }),
};
const account = new OfficialAccount({ app_id: "wx0123456789abcdef" });
account.setAccessToken(mountedToken);
const miniApp = new MiniApp({ app_id: "wx0123456789abcdef" });
miniApp.setAccessToken(mountedToken);

onEachLine(async () => {
  for (const each of [account, miniApp]) {
    const answer = (await each.getClient().get("/cgi-bin/get_api_domain_ip")).toObject();
    if (answer.errcode) throw new Error(answer.errcode);
  }
});
