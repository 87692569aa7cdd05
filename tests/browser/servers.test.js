// A wallet that knows two servers: each address is told to one of them, and to the other only when that one is gone.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, openPage } from "./lib/browser.js";
import { startNode } from "./lib/node.js";
import { startProxy } from "./lib/proxy.js";
import { give } from "./lib/recorder.js";
import { createWallet, ownAddress, waitForBalance } from "./lib/wallet.js";

let node;

before(async () => {
  node = await startNode({ name: "servers-node" });
});

after(async () => {
  await node?.stop();
});

test("an address is told to one server, and to the other only when that one is gone", async (t) => {
  const [one, other] = await Promise.all([startProxy(node.address), startProxy(node.address)]);
  const browser = await launch();
  t.after(() => Promise.all([one.close(), other.close(), browser.close()]));
  one.servers = [other.address];
  const { page, faults } = await openPage(browser.context);
  await page.goto(one.address);
  await createWallet(page, { later: true });
  const address = await ownAddress(page);
  await give(node.address, address);
  await waitForBalance(page, "1,000.00");
  await page.locator(".pill:visible").filter({ hasText: "2 servers agree" }).waitFor({ timeout: 30_000 });
  const heardOf = () => [one, other].filter((proxy) => proxy.asked.some((path) => path.includes(`/accounts/${address}/`)));
  const [home, ...more] = heardOf();
  assert.ok(home && more.length === 0, `${more.length + 1} servers were told the address`);
  const rest = home === one ? other : one;
  assert.ok(rest.asked.some((path) => path.startsWith("/v1/beacon")), "the other one is heard too");

  home.dead = true;
  await give(node.address, address);
  await waitForBalance(page, "2,000.00", 60_000);
  await page.locator(".balance .seal").filter({ hasText: "Proven at" }).waitFor({ timeout: 30_000 });
  assert.equal(heardOf().length, 2);
  assert.deepEqual(faults, []);
});
