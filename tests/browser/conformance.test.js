// The checks that every target must pass, in a worker of a page: WebAssembly, where a usize has 32 bits.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { launch, openPage } from "./lib/browser.js";
import { serveModule } from "./lib/light.js";
import { CONFORMANCE, ROOT } from "./lib/paths.js";

/** The names that every target has. */
const NAMES = readFileSync(path.join(ROOT, "light-client/tests/conformance.txt"), "utf8").trim().split("\n");

const WORKER = `
import start, { conformanceNames, conformanceRun } from "./light_wasm.js";
const started = start();
onmessage = async ({ data: name }) => {
  try {
    await started;
    postMessage(name === "" ? { names: conformanceNames() } : { wrong: conformanceRun(name) });
  } catch (error) {
    postMessage({ wrong: String(error), isBroken: true });
  }
};
`;

let server;
let browser;
let page;

before(async () => {
  server = await serveModule(CONFORMANCE, { "/checks.js": WORKER });
  browser = await launch();
  ({ page } = await openPage(browser.context));
  await page.goto(server.address);
});

after(async () => {
  await browser?.close();
  await server?.close();
});

/** Runs in the page: asks its worker. One that panicked, or does not answer, is of no use any more. */
async function ask(name) {
  window.checks ??= new Worker("/checks.js", { type: "module" });
  const answer = await new Promise((resolve) => {
    const broken = (words) => resolve({ wrong: words, isBroken: true });
    const patience = setTimeout(() => broken("no answer within two minutes"), 120_000);
    window.checks.onerror = ({ message }) => broken(`the worker: ${message}`);
    window.checks.onmessage = ({ data }) => resolve(data);
    window.checks.postMessage(name);
    window.forget = () => clearTimeout(patience);
  });
  window.forget();
  if (answer.isBroken) {
    window.checks.terminate();
    window.checks = undefined;
  }
  return answer;
}

test("the module has exactly the listed checks", async () => {
  const { names } = await page.evaluate(ask, "");
  assert.ok(names.length > 0);
  assert.deepEqual(names, NAMES);
});

for (const name of NAMES) {
  test(name, async () => {
    const { wrong } = await page.evaluate(ask, name);
    assert.equal(wrong, undefined);
  });
}

test("a check that is not there fails", async () => {
  const { wrong } = await page.evaluate(ask, "no such check");
  assert.match(wrong, /no check/);
});
