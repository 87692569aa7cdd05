// The network is cut and comes back, and the storage is cleared: no wrong number is ever shown, and what is proven is soon back.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { screenshots } from "./lib/browser.js";
import { fundedWallet } from "./lib/funded.js";
import { startNode } from "./lib/node.js";
import { FRESH_MS, check, give, truth, waitForFinal } from "./lib/recorder.js";
import { PASSWORD, seal, waitForBalance } from "./lib/wallet.js";

let node;

before(async () => {
  node = await startNode({ name: "network-node" });
});

after(async () => {
  await node?.stop();
});

test("a network that is cut makes the balance stale, and one that is back proves it within a second", async (t) => {
  const { browser, proxy, page, address, gifts, shown } = await fundedWallet(t, node);
  proxy.dead = true;
  await browser.context.setOffline(true);
  gifts.push(await give(node.address, address));
  await seal(page, "Stale since").waitFor({ timeout: 40_000 });
  await page.getByText("Nobody confirms this right now").waitFor();
  await waitForBalance(page, "1,000.00");
  await screenshots(page, "cut");
  await waitForFinal(node.address, gifts[1]);

  proxy.dead = false;
  await browser.context.setOffline(false);
  await waitForBalance(page, "2,000.00");
  await seal(page, "Proven at").waitFor();
  const online = shown.findLast((sample) => sample.online).at;
  const proven = shown.find(({ at, balance, seal }) => at > online && balance === "2,000.00" && seal?.startsWith("Proven"));
  assert.ok(proven.at - online <= 1_000, `${proven.at - online} ms`);
  t.diagnostic(`proven ${Math.round(proven.at - online)} ms after the network was back`);

  const chain = await truth(node.address, gifts);
  check(shown, chain);
  // The check itself can fail: on an amount, on a movement, and on an old amount called proven.
  for (const wrong of [{ balance: "2,000.01" }, { rows: ["+ 999.00"] }, { at: proven.at + FRESH_MS + 10_000 }]) {
    assert.throws(() => check([{ ...proven, ...wrong }], chain), JSON.stringify(wrong));
  }
});

test("a storage that is cleared is said, and costs only what was in it", async (t) => {
  const { browser, page, address, gifts, shown, proxy, faults } = await fundedWallet(t, node);
  const devtools = await browser.context.newCDPSession(page);
  const clear = () => devtools.send("Storage.clearDataForOrigin", { origin: proxy.address, storageTypes: "all" });
  const deleted = page.getByText("This browser has deleted your wallet");

  await clear();
  await deleted.waitFor({ timeout: 30_000 });
  await waitForBalance(page, "1,000.00");
  await screenshots(page, "storage-lost");
  await page.getByRole("button", { name: "Store again", exact: true }).click();
  await deleted.waitFor({ state: "detached" });
  gifts.push(await give(node.address, address));
  await waitForBalance(page, "2,000.00");

  // Only what was proven is lost: it is proven again.
  await page.reload();
  await waitForBalance(page, "2,000.00");
  await page.evaluate(async () => {
    const open = indexedDB.open("vsystems-wallet");
    const database = await new Promise((resolve) => (open.onsuccess = () => resolve(open.result)));
    const transaction = database.transaction("chain", "readwrite");
    transaction.objectStore("chain").delete("state");
    await new Promise((resolve) => (transaction.oncomplete = resolve));
    database.close();
  });
  await page.reload();
  await waitForBalance(page, "2,000.00");
  await seal(page, "Proven at").waitFor();
  await page.goto(`${proxy.address}/#/security`);
  await page.getByRole("button", { name: "Unlock", exact: true }).click();
  await page.locator("#unlock").fill(PASSWORD);
  await page.getByRole("dialog").getByRole("button", { name: "Unlock", exact: true }).click();
  await page.getByText("Unlocked for as long").waitFor({ timeout: 20_000 });
  await page.goto(`${proxy.address}/#/`);

  // A database that is deleted by name does not wait for the wallet.
  const outcome = await page.evaluate(() => {
    const request = indexedDB.deleteDatabase("vsystems-wallet");
    return new Promise((resolve) => {
      request.onsuccess = () => resolve("deleted");
      request.onblocked = () => resolve("blocked");
    });
  });
  assert.equal(outcome, "deleted");
  await deleted.waitFor({ timeout: 30_000 });
  // Nobody stores it again: the keys are gone with the tab.
  await page.reload();
  await page.getByRole("button", { name: "Make a new wallet" }).waitFor();
  check(shown, await truth(node.address, gifts));
  assert.deepEqual(faults, []);
});
