// From opening the page to the seal that says *proven*, with a wallet that exists: medians, printed as `name value unit`.
// What was proven before is forgotten first, so each opening makes its own proof, from the checkpoint in chain.json.
// Cold: nothing in the browser's cache. Warm: everything is, and the compiled modules too.

import { launch, openPage } from "./lib/browser.js";
import { startNode } from "./lib/node.js";
import { createWallet, waitForBalance } from "./lib/wallet.js";

const OPENINGS = 7;
const PROVEN = ".balance .seal:not(.wait)";

const node = await startNode({ name: "bench-node" });
const browser = await launch();
try {
  await makeWallet();
  const [cold, warm] = [[], []];
  for (let opening = 0; opening < OPENINGS; opening += 1) {
    cold.push(await open({ cold: true }));
    warm.push(await open({ cold: false }));
  }
  console.log(`wallet.open_to_verified_cold.ms ${median(cold)} ms`);
  console.log(`wallet.open_to_verified_warm.ms ${median(warm)} ms`);
} finally {
  await browser.close();
  await node.stop();
}

/** Makes a wallet and gets it test coins, so that there is a balance to prove. */
async function makeWallet() {
  const { page, faults } = await openPage(browser.context);
  await page.goto(node.address);
  await createWallet(page, { later: true });
  await page.getByRole("button", { name: "Get test coins", exact: true }).click();
  await waitForBalance(page, "1,000.00");
  await page.locator(PROVEN).waitFor({ timeout: 60_000 });
  if (faults.length > 0) throw new Error(faults.join("; "));
  await page.close();
}

/** Opens the wallet in a new page; milliseconds until its balance is proven. */
async function open({ cold }) {
  const { page, faults } = await openPage(browser.context);
  // A page of the wallet's origin without the wallet.
  await page.goto(`${node.address}/v1/status`);
  await page.evaluate(forgetProofs);
  if (cold) {
    const protocol = await browser.context.newCDPSession(page);
    await protocol.send("Network.clearBrowserCache");
  }
  const began = performance.now();
  await page.goto(node.address, { waitUntil: "commit" });
  await page.locator(PROVEN).waitFor({ timeout: 60_000 });
  const took = performance.now() - began;
  if (faults.length > 0) throw new Error(faults.join("; "));
  await page.close();
  return took;
}

/** Runs in the page: clears the store of what was proven. */
function forgetProofs() {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("vsystems-wallet");
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const database = opening.result;
      const clearing = database.transaction("chain", "readwrite");
      clearing.objectStore("chain").clear();
      clearing.onerror = () => reject(clearing.error);
      clearing.oncomplete = () => {
        database.close();
        resolve();
      };
    };
  });
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round(sorted[Math.floor(sorted.length / 2)]);
}
