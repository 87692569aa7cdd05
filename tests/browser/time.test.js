// A wallet that was out of sight for an hour, and a device whose clock is wrong: what was proven long ago is never called proven now.

import assert from "node:assert/strict";
import { test } from "node:test";
import { launch, openPage, screenshots } from "./lib/browser.js";
import { programClock, setClock } from "./lib/clock.js";
import { startNode } from "./lib/node.js";
import { startProxy } from "./lib/proxy.js";
import { check, give, record, truth, waitForFinal } from "./lib/recorder.js";
import { createWallet, freezeWorker, ownAddress, seal, setVisible, waitForBalance } from "./lib/wallet.js";

const HOUR = 3_600_000;

test("an hour out of sight and a wrong clock: no old number is called proven now", async (t) => {
  // The chain lives an hour ago, and so do the page and its worker.
  const clock = await programClock(-HOUR / 1_000);
  t.after(() => clock.close());
  const node = await startNode({ name: "time-node", env: clock.env });
  t.after(() => node.stop());
  const proxy = await startProxy(node.address);
  t.after(() => proxy.close());
  const browser = await launch();
  t.after(() => browser.close());
  const shown = await record(browser.context);
  const { page, faults } = await openPage(browser.context);
  await page.goto(proxy.address);
  await page.getByRole("button", { name: "Make a new wallet" }).waitFor();
  await setClock(page, -HOUR);
  await createWallet(page, { later: true });
  const address = await ownAddress(page);
  const gifts = [await give(node.address, address)];
  const proven = async (balance) => {
    await waitForBalance(page, balance, 60_000);
    await seal(page, "Proven at").waitFor({ timeout: 60_000 });
  };
  await proven("1,000.00");

  // Out of sight, and then frozen: nothing runs in it, nor in its worker, which the command leaves out. Meanwhile an hour passes, and coins arrive.
  await setVisible(page, false);
  const devtools = await browser.context.newCDPSession(page);
  await setClock(page, 0, 500);
  const frozen = freezeWorker(page, 30_000);
  await devtools.send("Page.setWebLifecycleState", { state: "frozen" });
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const jumped = Date.now();
  const asked = proxy.asked.length;
  await clock.set(0);
  gifts.push(await give(node.address, address));
  await waitForFinal(node.address, gifts[1]);
  assert.equal(proxy.asked.length, asked, "a frozen page asks nothing");
  const seen = shown.length;
  await devtools.send("Page.setWebLifecycleState", { state: "active" });
  await setVisible(page, true);
  // The worker is still frozen: the page has to find out by itself.
  await seal(page, "Stale since").waitFor();
  await waitForBalance(page, "1,000.00");
  await frozen;
  await proven("2,000.00");
  const old = shown.slice(seen).filter(({ balance }) => balance === "1,000.00");
  assert.ok(old.every(({ seal }) => !seal.startsWith("Proven")), JSON.stringify(old));

  // An hour ahead: everything looks an hour old, and nothing is called proven now.
  await setClock(page, HOUR);
  await seal(page, "Stale since").waitFor();
  await screenshots(page, "clock-ahead");
  await setClock(page, 0);
  await proven("2,000.00");

  // An hour behind: blocks come from what the device calls the future. That is said, instead of calling them new.
  await setClock(page, -HOUR);
  await page.getByText("This device’s clock is behind").waitFor();
  assert.equal(await seal(page, "Proven at").count(), 0);
  await screenshots(page, "clock-behind");
  await setClock(page, 0);
  await proven("2,000.00");

  const chainTime = (at) => (at < jumped ? at - HOUR : at);
  check(shown, await truth(node.address, gifts), chainTime);
  assert.deepEqual(faults, []);
});
