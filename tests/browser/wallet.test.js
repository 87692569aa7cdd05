// The whole path in a real browser over a real node: create, fund, send, final, reload, unlock, send, lost password.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, openPage, screenshots } from "./lib/browser.js";
import { startNode } from "./lib/node.js";
import { LIES, startProxy } from "./lib/proxy.js";
import { PASSWORD, balance, createWallet, followToFinal, ownAddress, reviewPayment, seal, waitForBalance } from "./lib/wallet.js";

const COINS = 100_000_000n;

let node;

before(async () => {
  node = await startNode({ name: "wallet-node" });
});

after(async () => {
  await node?.stop();
});

/** A page in a browser of its own, at `address`. */
async function visit(t, address) {
  const browser = await launch();
  t.after(() => browser.close());
  const { page, faults } = await openPage(browser.context);
  await page.goto(address);
  return { page, faults };
}

/** An account of the development chain that somebody else has. */
async function somebody(address) {
  const chain = await (await fetch(`${address}/chain.json`)).json();
  return chain.spec.accounts[1].address;
}

async function getTestCoins(page) {
  await page.getByRole("button", { name: "Get test coins", exact: true }).click();
  await waitForBalance(page, "1,000.00");
}

const pill = (page, text) => page.locator(".pill:visible").filter({ hasText: text }).first();

test("from a new wallet to a final payment, and back from a reload and a lost password", async (t) => {
  const { page, faults } = await visit(t, node.address);
  await page.getByRole("button", { name: "Make a new wallet" }).waitFor();
  await screenshots(page, "1-welcome");

  const words = await createWallet(page);
  assert.equal(words.length, 12);
  await seal(page).filter({ hasText: "Proven at block" }).waitFor({ timeout: 20_000 });
  const address = await ownAddress(page);
  await screenshots(page, "2-empty");

  await getTestCoins(page);
  await screenshots(page, "3-funded");

  const to = await somebody(node.address);
  await reviewPayment(page, to, "40", "rent");
  const sheet = page.getByRole("dialog");
  assert.match(await sheet.innerText(), /40\.00/);
  assert.match(await sheet.innerText(), /959\.90/);
  assert.match(await sheet.innerText(), /First payment to this address/);
  assert.equal(await sheet.locator(".addr").first().getAttribute("aria-label"), to);
  await screenshots(page, "4-review");
  await page.getByRole("button", { name: "Sign and send", exact: true }).click();
  const states = await followToFinal(page);
  assert.ok(states.includes("In block, not final yet"), states.join(" → "));
  await screenshots(page, "5-final");

  await page.reload();
  await page.goto(`${node.address}/#/`);
  await waitForBalance(page, "959.90");
  await seal(page).filter({ hasText: "Proven at block" }).waitFor();
  await screenshots(page, "6-reloaded");

  // A reload locks: the password is asked for, a wrong one refused, the right one sends.
  await reviewPayment(page, to, "10");
  assert.doesNotMatch(await page.getByRole("dialog").innerText(), /First payment/);
  await page.getByRole("button", { name: "Unlock, sign and send", exact: true }).click();
  await page.locator("#unlock").fill("not the password");
  await page.getByRole("button", { name: "Sign and send", exact: true }).click();
  await page.getByRole("alert").filter({ hasText: /password/i }).first().waitFor({ timeout: 20_000 });
  await page.locator("#unlock").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign and send", exact: true }).click();
  // A payment that is on its way survives a reload.
  await page.locator(".tag").first().waitFor({ timeout: 20_000 });
  await page.reload();
  await followToFinal(page);
  await page.goto(`${node.address}/#/`);
  await waitForBalance(page, "949.80");

  await page.goto(`${node.address}/#/history`);
  await page.getByText(/All 5 entries, fees included, proven/).first().waitFor();
  await screenshots(page, "7-history");
  await page.goto(`${node.address}/#/proof`);
  await page.getByText(/supernodes signed/).first().waitFor();
  await screenshots(page, "8-proof");

  // The password is lost; the words open the same wallet anew.
  await page.goto(`${node.address}/#/forgot`);
  await page.getByRole("button", { name: "Restore from your words", exact: true }).click();
  for (const [at, word] of words.entries()) await page.locator(`#word-${at}`).fill(word);
  await page.getByRole("button", { name: "Continue", exact: true }).click();
  await page.getByText("Is this your address?").waitFor();
  assert.equal(await page.locator(".addr").first().getAttribute("aria-label"), address);
  await screenshots(page, "9-restored-address");
  await page.getByRole("button", { name: "This is mine", exact: true }).click();
  await page.locator("#password").fill("another password");
  await page.locator("#repeat").fill("another password");
  await page.getByRole("button", { name: "Open the wallet", exact: true }).click();
  await waitForBalance(page, "949.80");
  // A payment that is in no block yet is asked for and not found: the browser notes that by itself.
  assert.deepEqual(faults.filter((fault) => !fault.includes("status of 404")), []);
});

test("what a lying server says is caught, named and not used", async (t) => {
  const proxy = await startProxy(node.address);
  t.after(() => proxy.close());
  const { page } = await visit(t, proxy.address);
  await createWallet(page, { later: true });
  await getTestCoins(page);
  const to = await somebody(node.address);

  const honestAgain = async () => {
    proxy.lie = undefined;
    await page.goto(`${proxy.address}/#/network`);
    await page.getByRole("button", { name: "Ask now", exact: true }).click();
    await page.getByText(/Proven up to block/).first().waitFor({ timeout: 20_000 });
    await page.goto(`${proxy.address}/#/`);
  };
  const caught = async (name) => {
    await page.goto(`${proxy.address}/#/`);
    await pill(page, "A server lied").waitFor({ timeout: 20_000 });
    await page.goto(`${proxy.address}/#/network`);
    await page.getByText("Its last lie").first().waitFor();
    await screenshots(page, `lie-${name}`);
    await page.goto(`${proxy.address}/#/`);
  };

  proxy.lie = LIES.balance(1_000n * COINS);
  await caught("balance");
  assert.equal(await balance(page), "1,000.00");
  await honestAgain();

  proxy.lie = LIES.header();
  await caught("header");
  assert.equal(await balance(page), "1,000.00");
  await honestAgain();

  await reviewPayment(page, to, "1");
  proxy.lie = LIES.history();
  await page.getByRole("button", { name: /sign and send/i }).click();
  await page.locator(".tag").first().waitFor({ timeout: 20_000 });
  await caught("history");
  assert.equal(await balance(page), "1,000.00");
  await honestAgain();
  await waitForBalance(page, "998.90");
});

test("a stopped node leaves the balance, stale; another chain in its place is named, not accused", async (t) => {
  const own = await startNode({ name: "stopped-node" });
  t.after(() => own.stop());
  const { page } = await visit(t, own.address);
  await createWallet(page, { later: true });
  await getTestCoins(page);
  await own.stop();
  await seal(page).filter({ hasText: "Stale since" }).waitFor({ timeout: 60_000 });
  assert.equal(await balance(page), "1,000.00");
  await screenshots(page, "stale");

  const other = await startNode({ name: "other-node", port: new URL(own.address).port });
  t.after(() => other.stop());
  await pill(page, "Another chain").waitFor({ timeout: 60_000 });
  assert.equal(await balance(page), "1,000.00");
  await screenshots(page, "other-chain");

  // Loaded again, the page trusts the chain file beside it: the new chain, with nothing on it.
  await page.reload();
  await waitForBalance(page, "0.00");
});

test("what cannot be sent is said in words, each in its own", async (t) => {
  const { page } = await visit(t, node.address);
  await createWallet(page, { later: true });
  await getTestCoins(page);
  const to = await somebody(node.address);
  await page.locator(".actions").getByRole("button", { name: "Send", exact: true }).click();
  const words = new Set();
  for (const [recipient, amount] of [
    ["nonsense", "1"],
    [`${to.slice(0, -1)}1`, "1"],
    [to, "one"],
    [to, "0"],
    [to, "0.000000001"],
    [to, "1000"],
    [to, "999999999999999"],
  ]) {
    await page.locator("#to").fill(recipient);
    await page.locator("#amount").fill(amount);
    await page.getByRole("button", { name: "Review", exact: true }).click();
    const alert = page.getByRole("alert").filter({ hasText: /\w/ }).first();
    await alert.waitFor();
    const said = await alert.innerText();
    assert.ok(said.length > 20, said);
    words.add(said);
    await page.locator("#amount").fill("");
  }
  // The two wrong addresses differ, and so do the amounts; the two that are too much may say the same.
  assert.ok(words.size >= 5, [...words].join("\n---\n"));
});
