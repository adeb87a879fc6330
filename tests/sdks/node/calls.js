// Makes a call for each line of standard input, and prints how it went.
"use strict";

const { createInterface } = require("node:readline");

exports.onEachLine = async (call) => {
  for await (const _ of createInterface({ input: process.stdin })) {
    try {
      await call();
      console.log("call: ok");
    } catch (error) {
      const answer = JSON.stringify(error.response?.data) ?? "";
      console.log(`call: refused ${error.code} ${error.message} ${answer}`.replaceAll("\n", " "));
    }
  }
};
