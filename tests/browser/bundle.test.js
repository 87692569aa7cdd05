// The bundled page and worker start under the policy that they are served with.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, openPage, screenshots } from "./lib/browser.js";
import { WALLET } from "./lib/paths.js";
import { serve } from "./lib/static-server.js";

let server;
let browser;

before(async () => {
  server = await serve(WALLET);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.close();
});

test("page and worker start", async () => {
  const { page, faults } = await openPage(browser.context);
  const worker = page.waitForEvent("worker");
  const module = page.waitForResponse((response) => response.url().endsWith("/worker_bg.wasm"));
  await page.goto(server.address);
  assert.equal((await worker).url(), `${server.address}/worker.js`);
  assert.equal((await module).status(), 200);
  await page.getByRole("main").waitFor({ timeout: 10_000 });
  await screenshots(page, "start");
  assert.deepEqual(faults, []);
});

test("the policy stops an inline script", async () => {
  const { page, faults } = await openPage(browser.context);
  await page.goto(server.address);
  const ran = await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "window.ran = true";
    document.head.append(script);
    return window.ran === true;
  });
  assert.equal(ran, false);
  assert.match(faults.join("\n"), /Content Security Policy/);
});
