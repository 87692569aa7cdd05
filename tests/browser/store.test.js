// The browser's database passes the suite that every store must pass, with the wallet's own code: `cargo run -p web-bundle -- --product store-conformance`
// builds it into a worker.

import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { launch, openPage } from "./lib/browser.js";
import { ROOT } from "./lib/paths.js";
import { serve } from "./lib/static-server.js";

test("IndexedDB conforms", async (t) => {
  const browser = await launch();
  t.after(() => browser.close());
  const server = await serve(path.join(ROOT, "target/store-conformance"), { "/": '<link rel="icon" href="data:,">' });
  t.after(() => server.close());
  const { page, faults } = await openPage(browser.context);
  await page.goto(server.address);
  const wrong = await page.evaluate(
    () =>
      new Promise((resolve, reject) => {
        const worker = new Worker("/worker.js", { type: "module" });
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = ({ message }) => reject(new Error(message ?? "its script did not load"));
      }),
  );
  assert.equal(wrong, "");
  assert.deepEqual(faults, []);
});
