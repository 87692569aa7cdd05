// A wallet that was given coins, behind a proxy, and everything that its tabs show.

import { launch, openPage } from "./browser.js";
import { startProxy } from "./proxy.js";
import { give, record } from "./recorder.js";
import { createWallet, ownAddress, waitForBalance } from "./wallet.js";

/** A wallet with 1,000 proven coins in one tab; `open` opens another. */
export async function fundedWallet(t, node) {
  const proxy = await startProxy(node.address);
  t.after(() => proxy.close());
  const browser = await launch();
  t.after(() => browser.close());
  const shown = await record(browser.context);
  const openTab = async () => {
    const opened = await openPage(browser.context);
    await opened.page.goto(proxy.address);
    return opened;
  };
  const { page, faults } = await openTab();
  await createWallet(page, { later: true });
  const address = await ownAddress(page);
  const gifts = [await give(node.address, address)];
  await waitForBalance(page, "1,000.00");
  return { browser, proxy, page, faults, open: async () => (await openTab()).page, address, gifts, shown };
}
