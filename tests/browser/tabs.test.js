// Several tabs of one wallet in a real browser: one talks to the server, all show the same, and the lead goes where a person is.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fundedWallet } from "./lib/funded.js";
import { startNode } from "./lib/node.js";
import { check, give, truth } from "./lib/recorder.js";
import { PASSWORD, freezeWorker, reviewPayment, setVisible, waitForBalance } from "./lib/wallet.js";

let node;

before(async () => {
  node = await startNode({ name: "tabs-node" });
});

after(async () => {
  await node?.stop();
});

/** Waits until this holds. */
async function until(what, holds, withinMs = 10_000) {
  for (const end = Date.now() + withinMs; !(await holds()); ) {
    if (Date.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Who has the lock, and who waits for it, asked of any page. */
const locks = (page) => page.evaluate(() => navigator.locks.query());

/** The worker that has the lock. */
const leader = async (page) => (await locks(page)).held[0]?.clientId;

const oneLine = (proxy) => until("one tab listens to the server", () => proxy.lines.size === 1);

test("one tab talks to the server, all show what it proves, and another takes over", async (t) => {
  const { page: first, open, proxy, address, gifts, shown } = await fundedWallet(t, node);
  const second = await open();
  await waitForBalance(second, "1,000.00");
  await oneLine(proxy);

  gifts.push(await give(node.address, address));
  await Promise.all([first, second].map((page) => waitForBalance(page, "2,000.00")));
  assert.equal(proxy.lines.size, 1);

  // The leader's tab is closed.
  await second.close();
  await oneLine(proxy);
  gifts.push(await give(node.address, address));
  await waitForBalance(first, "3,000.00");

  // The leader's tab goes out of sight, and the one in sight takes over.
  const third = await open();
  await waitForBalance(third, "3,000.00");
  const before = await leader(first);
  await setVisible(third, false);
  await until("the tab in sight leads", async () => (await leader(first)) !== before);
  await oneLine(proxy);
  check(shown, await truth(node.address, gifts));
});

test("a leader that is silent is replaced by a tab in sight, and cannot write when it goes on", async (t) => {
  const { page: first, open, proxy, address, gifts, shown } = await fundedWallet(t, node);
  const second = await open();
  await waitForBalance(second, "1,000.00");
  await oneLine(proxy);
  const before = await leader(first);
  const frozen = freezeWorker(second, 12_000);
  await until("the first tab leads", async () => (await leader(first)) !== before);
  gifts.push(await give(node.address, address));
  await waitForBalance(first, "2,000.00");
  await frozen;
  await waitForBalance(second, "2,000.00");
  await oneLine(proxy);
  check(shown, await truth(node.address, gifts));
});

test("a payment that another tab has overtaken is looked over again, and locking locks every tab", async (t) => {
  const { page: first, open } = await fundedWallet(t, node);
  const to = (await (await fetch(`${node.address}/chain.json`)).json()).spec.accounts[1].address;
  await reviewPayment(first, to, "1");
  const second = await open();
  await waitForBalance(second, "1,000.00");
  await reviewPayment(second, to, "2");
  await second.getByRole("button", { name: "Unlock, sign and send", exact: true }).click();
  await second.locator("#unlock").fill(PASSWORD);
  await second.getByRole("button", { name: "Sign and send", exact: true }).click();
  await second.locator(".tag").first().waitFor({ timeout: 20_000 });

  await first.getByRole("button", { name: "Sign and send", exact: true }).click();
  await first.getByText("There is nothing to sign").waitFor();
  await first.getByRole("button", { name: "Review", exact: true }).click();
  await first.getByRole("button", { name: "Sign and send", exact: true }).click();
  await first.locator(".tag").first().waitFor({ timeout: 20_000 });
  for (const page of [first, second]) {
    await page.goto(new URL("/#/", page.url()).href);
    // Both payments, each with its fee of 0.10.
    await waitForBalance(page, "996.80", 40_000);
  }

  await second.goto(new URL("/#/security", second.url()).href);
  await first.goto(new URL("/#/security", first.url()).href);
  await second.getByRole("button", { name: "Lock now", exact: true }).click();
  await first.getByRole("button", { name: "Unlock", exact: true }).waitFor();
});

test("tabs hear those of their own build, and show no view that does not read", async (t) => {
  const { page: first, open, proxy, address } = await fundedWallet(t, node);
  const script = await (await fetch(`${proxy.address}/worker.js`)).text();
  const [, build] = script.match(/self\.build="([0-9a-f]{16})"/);
  const second = await open();
  await waitForBalance(second, "1,000.00");
  await until("the first tab follows", async () => (await locks(first)).held.length === 1);
  await first.evaluate(async (name) => {
    const channel = new BroadcastChannel(name);
    const word = await new Promise((resolve) => (channel.onmessage = ({ data }) => data.length > 100 && resolve(data)));
    // What the leader shows, but for its last bytes.
    channel.postMessage(word.map((byte, at) => (at < word.length / 2 ? byte : 255)));
  }, `vsystems-wallet ${build}`);
  await waitForBalance(first, "1,000.00");
  await give(node.address, address);
  await Promise.all([first, second].map((page) => waitForBalance(page, "2,000.00")));
});

test("a tab that leads does not wait in line as well", async (t) => {
  const { page: first, open } = await fundedWallet(t, node);
  const second = await open();
  await waitForBalance(second, "1,000.00");
  await until("the first tab waits", async () => (await locks(first)).pending.length === 1);
  const before = await leader(first);
  const frozen = freezeWorker(second, 8_000);
  await until("the first tab leads", async () => (await leader(first)) !== before);
  await frozen;
  await until("only the second waits", async () => {
    const { held, pending } = await locks(first);
    return pending.length === 1 && pending[0].clientId === before && held[0].clientId !== before;
  });
});

test("a leader whose claim the storage did not take claims it anew", async (t) => {
  const { page: first, open } = await fundedWallet(t, node);
  const to = (await (await fetch(`${node.address}/chain.json`)).json()).spec.accounts[1].address;
  const second = await open();
  await waitForBalance(second, "1,000.00");
  await first.workers()[0].evaluate(() => {
    const { commit } = IDBTransaction.prototype;
    IDBTransaction.prototype.commit = function () {
      IDBTransaction.prototype.commit = commit;
      this.abort();
    };
  });
  const before = await leader(first);
  await reviewPayment(first, to, "1");
  assert.notEqual(await leader(first), before);
  await first.getByRole("button", { name: "Sign and send", exact: true }).click();
  await first.getByText("the wallet is at work in another tab").waitFor();
  // The draft is forgotten; by the time that the worker says so, it has the claim.
  await first.getByRole("button", { name: "Sign and send", exact: true }).click();
  await first.getByText("There is nothing to sign").waitFor();
  await first.getByRole("button", { name: "Review", exact: true }).click();
  await first.getByRole("button", { name: "Sign and send", exact: true }).click();
  await first.locator(".tag").first().waitFor({ timeout: 20_000 });
});
