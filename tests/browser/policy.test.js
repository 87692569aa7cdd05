// The policy under which pages are tested here is the one that the node sends.

import assert from "node:assert/strict";
import { test } from "node:test";
import { POLICY } from "./lib/csp.js";
import { startNode } from "./lib/node.js";

test("the node serves the wallet under the tested policy", async () => {
  const node = await startNode({ name: "policy-node" });
  try {
    for (const path of ["/", "/main.js", "/worker.js", "/worker_bg.wasm"]) {
      const response = await fetch(node.address + path);
      assert.equal(response.status, 200, path);
      assert.equal(response.headers.get("content-security-policy"), POLICY, path);
      assert.equal(response.headers.get("content-encoding"), "gzip", path);
    }
  } finally {
    await node.stop();
  }
});
