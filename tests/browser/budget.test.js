// What a visitor downloads stays small. The sizes are those of the .gz files that the node sends.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { LIGHT, WALLET } from "./lib/paths.js";

const BUDGET_GZ_BYTES = 400_000;
const LIGHT_BUDGETS_GZ_BYTES = { "light_wasm_bg.wasm": 150_000, "light_wasm.js": 6_000 };

/** Compressed bytes of a built folder's files by path, as they are on disk; the folder's report must say the same. */
async function weigh(folder) {
  const { files, total_gz_bytes } = JSON.parse(await readFile(path.join(folder, "build.json"), "utf8"));
  const sizes = new Map();
  for (const { path: name, bytes, gz_bytes } of files) {
    const compressed = await readFile(path.join(folder, `${name}.gz`));
    assert.equal(compressed.length, gz_bytes, name);
    assert.equal(gunzipSync(compressed).length, bytes, name);
    sizes.set(name, gz_bytes);
  }
  assert.equal(sum(sizes.values()), total_gz_bytes);
  return sizes;
}

const sum = (numbers) => [...numbers].reduce((total, number) => total + number, 0);

test("the whole wallet is at most 400 kB", async () => {
  const sizes = await weigh(WALLET);
  assert.ok(sizes.has("main_bg.wasm") && sizes.has("worker_bg.wasm"));
  const total = sum(sizes.values());
  assert.ok(total <= BUDGET_GZ_BYTES, `${total} bytes, ${total - BUDGET_GZ_BYTES} too many`);
});

test("the light client alone is at most 150 kB, and its script 6", async () => {
  const sizes = await weigh(LIGHT);
  for (const [file, budget] of Object.entries(LIGHT_BUDGETS_GZ_BYTES)) {
    const bytes = sizes.get(file);
    assert.ok(bytes > 0 && bytes <= budget, `${file}: ${bytes} bytes, ${bytes - budget} too many`);
  }
});
