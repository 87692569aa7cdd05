// Fault 12 of the existing V.Systems network: its web wallet keeps the password in local storage. Ours keeps nothing in the clear that opens a wallet.

import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { launch, openPage } from "./lib/browser.js";
import { inTheClear, kept } from "./lib/kept.js";
import { startNode } from "./lib/node.js";
import { ROOT } from "./lib/paths.js";
import { serve } from "./lib/static-server.js";
import { PASSWORD, createWallet, ownAddress, restoreWallet, seal } from "./lib/wallet.js";

const WORDS = [...Array(11).fill("test"), "junk"];
/** What the keys of these words are made of: their BIP-39 entropy and seed, and the private key of m/44'/360'/0'/0' by SLIP-0010. */
const KEYS = {
  entropy: Buffer.from("df9bf37e6fcdf9bf37e6fcdf9bf37e3c", "hex"),
  seed: Buffer.from(
    "9dfc3c64c2f8bede1533b6a79f8570e5943e0b8fd1cf77107adf7b72cef42185d564a3aee24cab43f80e3c4538087d70fc824eabbad596a23c97b6ee8322ccc0",
    "hex",
  ),
  key: Buffer.from("abf42966f939123ced8299687730c167a8caa4eba02e5ed73f87bfe9d43f94f3", "hex"),
};

const typed = (words) => ({ password: Buffer.from(PASSWORD), words: Buffer.from(words.join(" ")), list: Buffer.from(words.join('","')) });

test("fault 12: neither password nor words nor keys are kept in the clear", async (t) => {
  const node = await startNode({ name: "secrets-node" });
  t.after(() => node.stop());
  const browser = await launch();
  t.after(() => browser.close());
  const { page } = await openPage(browser.context);
  const press = (name) => page.getByRole("button", { name, exact: true }).click();
  const check = async (when, secrets) => {
    const all = await kept(page);
    assert.ok(
      all.some(([where]) => where === "IndexedDB vsystems-wallet keystore: seed"),
      `${when}: the wallet is found: ${all.map(([where]) => where).join(", ")}`,
    );
    assert.deepEqual(inTheClear(all, secrets), [], when);
  };

  await page.goto(node.address);
  const words = await createWallet(page);
  await check("a new wallet", typed(words));

  // Another one, of which all is known here.
  await page.goto(`${node.address}/#/forgot`);
  await restoreWallet(page, WORDS);
  await seal(page).filter({ hasText: "Proven at block" }).waitFor({ timeout: 20_000 });
  const chain = await (await fetch(`${node.address}/chain.json`)).json();
  assert.equal(await ownAddress(page), chain.spec.accounts[0].address);
  const secrets = { ...typed(WORDS), ...KEYS };
  await check("restored", secrets);
  await page.reload();
  await page.locator(".balance").waitFor();
  await check("locked by a reload", secrets);
  await page.goto(`${node.address}/#/security`);
  await press("Unlock");
  await page.locator("#unlock").fill(PASSWORD);
  await page.getByRole("dialog").getByRole("button", { name: "Unlock", exact: true }).click();
  await page.getByRole("button", { name: "Lock now", exact: true }).waitFor({ timeout: 20_000 });
  await check("unlocked", secrets);
  await press("Lock now");
  await page.getByRole("button", { name: "Unlock", exact: true }).waitFor();
  await check("locked", secrets);
});

test("what lies in the clear is found, wherever a page may put it", async (t) => {
  const browser = await launch();
  t.after(() => browser.close());
  const server = await serve(path.join(ROOT, "www"), { "/": '<link rel="icon" href="data:,">' });
  t.after(() => server.close());
  const { page } = await openPage(browser.context);
  await page.goto(server.address);
  assert.deepEqual(await kept(page), []);
  await page.evaluate(async (password) => {
    localStorage.setItem("a", JSON.stringify({ password }));
    sessionStorage.setItem("b", btoa(password));
    const bytes = new TextEncoder().encode(password);
    const request = indexedDB.open("planted", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("store").put({ nested: [bytes] }, "c");
    await new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result.close());
      request.onerror = () => reject(request.error);
    });
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle("folder", { create: true });
    const file = await (await folder.getFileHandle("d", { create: true })).createWritable();
    await file.write(bytes);
    await file.close();
  }, PASSWORD);
  assert.deepEqual(inTheClear(await kept(page), { password: Buffer.from(PASSWORD) }), [
    "password in localStorage: a",
    "password in sessionStorage: b",
    "password in IndexedDB planted store: c",
    "password in files /folder: d",
  ]);
  assert.deepEqual(inTheClear(await kept(page), { other: Buffer.from("another password") }), []);
});
