// Records every amount that a page shows, with what it says of its proof, and compares all of them with the chain.

import assert from "node:assert/strict";

const UNITS = 100_000_000n;

/**
 * How old something may be that is called proven: four rounds of four seconds and five for the way, as the wallet counts on a development chain; a
 * second until the page's clock ticks; and one for the machine.
 */
export const FRESH_MS = 23_000;

/** Records in every page of the context from now on. Returns the list of what is shown, which grows. */
export async function record(context) {
  const shown = [];
  await context.exposeBinding("tellRecorder", (_, sample) => shown.push(sample));
  await context.addInitScript(() => {
    const text = (node) => node?.textContent?.trim();
    let last = "";
    const look = () => {
      const sample = {
        balance: text(document.querySelector(".balance .amount b")),
        seal: text(document.querySelector(".balance .seal span")),
        rows: [...document.querySelectorAll(".row-amount b")].map(text),
      };
      const now = JSON.stringify(sample);
      if (now === last) return;
      last = now;
      // Not by the clock that a test may set.
      window.tellRecorder({ ...sample, at: performance.timeOrigin + performance.now() });
    };
    new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true });
    addEventListener("online", () => window.tellRecorder({ online: true, at: performance.timeOrigin + performance.now() }));
  });
  return shown;
}

/** Sends test coins to an address. Returns the transaction's id and the units. */
export async function give(node, address) {
  const body = JSON.stringify({ address });
  const answer = await fetch(`${node}/v1/faucet`, { method: "POST", headers: { "content-type": "application/json" }, body });
  assert.equal(answer.status, 202);
  const { id, amount } = await answer.json();
  return { id, units: BigInt(amount) };
}

/** Waits until a gift is in a final block. */
export async function waitForFinal(node, gift) {
  for (let final = false; !final; ) {
    ({ final } = await (await fetch(`${node}/v1/transactions/${gift.id}`)).json());
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** What an account that was only given coins held after each block, when the blocks were made, and what moved, from the blocks themselves. */
export async function truth(node, gifts) {
  const get = async (path) => (await fetch(`${node}${path}`)).json();
  const { head } = await get("/v1/status");
  const [balances, times, moved] = [[], [], new Set()];
  let balance = 0n;
  for (let height = 0; height <= head.height; height += 1) {
    const block = await get(`/v1/blocks/${height}`);
    for (const { id, status } of block.transactions) {
      const gift = gifts.find((gift) => gift.id === id);
      if (gift === undefined) continue;
      assert.equal(status, "success");
      balance += gift.units;
      moved.add(`+ ${coins(gift.units)}`);
    }
    balances.push(balance);
    times.push(block.time_ms);
  }
  return { balances, times, moved };
}

/**
 * Fails if a balance was shown that the account did not hold after the very block that the page names, if a movement was shown that never was, or if
 * something was called proven that was older than `FRESH_MS`. `chainTime` tells the chain's time of this machine's.
 */
export function check(shown, { balances, times, moved }, chainTime = (at) => at) {
  let proven = 0;
  for (const { balance, seal, rows = [], at } of shown) {
    for (const row of rows) assert.ok(moved.has(row), `${row} never moved`);
    const [, word, block] = seal?.match(/^(Proven at|Stale since).*block ([\d,]+)/) ?? [];
    if (word === undefined) {
      assert.ok(balance === undefined || balance === "Not known yet", `${balance} is shown, ${seal}`);
      continue;
    }
    const height = Number(block.replaceAll(",", ""));
    assert.equal(balance, coins(balances[height]), `${seal}`);
    if (word === "Stale since") continue;
    proven += 1;
    const age = chainTime(at) - times[height];
    assert.ok(age <= FRESH_MS, `called proven at the age of ${Math.round(age)} ms: ${seal}`);
  }
  assert.ok(proven > 0, "nothing was ever shown as proven");
}

/** `1,000.00` */
export function coins(units) {
  const fraction = String(units % UNITS).padStart(8, "0").replace(/0{1,6}$/, "");
  return `${String(units / UNITS).replace(/\B(?=(\d{3})+$)/g, ",")}.${fraction}`;
}
