// What a visitor downloads stays small. The sizes are those of the .gz files that the node sends.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { WALLET } from "./lib/paths.js";

const BUDGET_GZ_BYTES = 400_000;

test("the whole wallet is at most 400 kB", async () => {
  const { files, total_gz_bytes } = JSON.parse(await readFile(path.join(WALLET, "build.json"), "utf8"));
  let total = 0;
  for (const { path: name, bytes, gz_bytes } of files) {
    const compressed = await readFile(path.join(WALLET, `${name}.gz`));
    assert.equal(compressed.length, gz_bytes, name);
    assert.equal(gunzipSync(compressed).length, bytes, name);
    total += compressed.length;
  }
  assert.ok(files.some(({ path: name }) => name === "main_bg.wasm"));
  assert.ok(files.some(({ path: name }) => name === "worker_bg.wasm"));
  assert.equal(total, total_gz_bytes);
  assert.ok(total <= BUDGET_GZ_BYTES, `${total} bytes, ${total - BUDGET_GZ_BYTES} too many`);
});
