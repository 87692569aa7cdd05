// The light client's module in a page of its own, at another address than the node: an account, its history, a receipt, and lies.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, openPage } from "./lib/browser.js";
import { serveModule } from "./lib/light.js";
import { startNode } from "./lib/node.js";

const UNITS = 100_000_000n;

let node;
let server;
let browser;

before(async () => {
  node = await startNode({ name: "light-node" });
  server = await serveModule();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.close();
  await node?.stop();
});

async function visit() {
  const { page, faults } = await openPage(browser.context);
  await page.goto(server.address);
  return { page, faults };
}

/** Runs in the page: a client of the node's chain, with `pump`, which moves bytes until `enough` holds. */
async function open(address) {
  const { default: start, LightClient } = await import("/light_wasm.js");
  await start();
  const chainFile = await (await fetch(`${address}/chain.json`)).bytes();
  const client = new LightClient(chainFile, [address]);
  const pump = async (enough) => {
    for (const until = Date.now() + 40_000; Date.now() < until; await new Promise((wake) => setTimeout(wake, 50))) {
      client.tick(Date.now());
      for (let request; (request = client.nextRequest()) !== undefined; ) {
        const { id, url, method, body } = request;
        const response = await fetch(url, { method, body });
        client.respond(id, response.status, await response.bytes(), Date.now());
      }
      if (enough()) return;
    }
    throw new Error(`not within 40 s: ${JSON.stringify(client.servers())}`);
  };
  /** The code of what a call throws. */
  const refusal = (call) => {
    try {
      call();
    } catch (error) {
      return error.name === "LightClientError" && error.message !== "" ? error.code : String(error);
    }
    return undefined;
  };
  window.light = { LightClient, chainFile, client, pump, refusal };
}

test("a page proves an account and its history, keeps it, and reads a receipt without asking anybody", async () => {
  const { page, faults } = await visit();
  await page.evaluate(open, node.address);
  const found = await page.evaluate(async (address) => {
    const { LightClient, chainFile, client, pump, refusal } = window.light;
    const checkpoint = JSON.parse(new TextDecoder().decode(chainFile));
    const holder = checkpoint.spec.accounts[1].address;
    const body = JSON.stringify({ address: holder });
    const headers = { "content-type": "application/json" };
    const faucet = await (await fetch(`${address}/v1/faucet`, { method: "POST", body, headers })).json();
    const unknown = (client.watch(holder, Date.now()), client.account(holder, Date.now()));
    await pump(() => client.account(holder, Date.now()).history.some(({ id }) => id === faucet.id));
    const account = client.account(holder, Date.now());

    const asked = `${address}/v1/transactions/${faucet.id}/receipt?trusted=${checkpoint.checkpoint.id}`;
    const receipt = await (await fetch(asked)).bytes();
    const proven = client.verifyReceipt(receipt, Date.now());
    const said = (fact) => JSON.stringify(fact, (_, value) => (typeof value === "bigint" ? String(value) : value));
    // Which block it says that it starts from is a word for people: with another one it proves the same.
    const codes = new Set();
    for (let at = 0; at < receipt.length; at += 7) {
      const forged = receipt.slice();
      forged[at] ^= 1;
      let other;
      const code = refusal(() => (other = client.verifyReceipt(forged, Date.now())));
      codes.add(code ?? (said(other) === said(proven) ? "the same" : `byte ${at} changes what is proven`));
    }

    const again = new LightClient(chainFile, [address]);
    again.restore(client.save());
    const restored = again.account(holder, Date.now());
    const events = [];
    for (let event; (event = client.nextEvent()) !== undefined; ) events.push(event.kind);
    return { holder, faucet, unknown, account, proven, codes: [...codes], restored, events, sync: client.sync(Date.now()) };
  }, node.address);

  assert.deepEqual(faults, []);
  assert.deepEqual(found.unknown, { address: found.holder, trust: "unknown", history: [], historyComplete: false });
  const { trust, proven: record, history, historyComplete } = found.account;
  assert.equal(trust, "verified");
  assert.equal(record.exists, true);
  assert.ok(historyComplete);
  const coins = history.filter(({ asset }) => asset === "coin");
  assert.equal(coins.reduce((sum, { delta }) => sum + delta, 0n), record.balance);
  const [received] = coins.filter(({ id }) => id === found.faucet.id);
  assert.equal(received.kind, "received");
  assert.equal(received.delta, 1_000n * UNITS);
  assert.deepEqual(received.transaction.transfers, [{ to: found.holder, amount: 1_000n * UNITS }]);
  assert.deepEqual(found.restored, found.account);
  assert.equal(found.sync.state, "verified");
  assert.ok(found.sync.block.height >= record.block.height);
  assert.ok(found.events.includes("account") && found.events.includes("final"), found.events.join());

  assert.equal(found.proven.id, found.faucet.id);
  assert.equal(found.proven.succeeded, true);
  assert.equal(found.proven.trust, "verified");
  assert.equal(found.proven.block.height, received.height);
  assert.deepEqual(found.proven.transaction, received.transaction);
  const known = ["the same", "not_a_receipt", "other_chain", "another_checkpoint", "forged", "unproven"];
  assert.ok(found.codes.includes("forged"));
  assert.deepEqual(found.codes.filter((code) => !known.includes(code)), []);
});

test("what makes no sense is refused with a code, and changes nothing", async () => {
  const { page, faults } = await visit();
  await page.evaluate(open, node.address);
  const codes = await page.evaluate(() => {
    const { LightClient, chainFile, client, refusal } = window.light;
    const before = client.save();
    const holder = JSON.parse(new TextDecoder().decode(chainFile)).spec.accounts[1].address;
    const codes = {
      chainFile: refusal(() => new LightClient(new Uint8Array([123]), [])),
      address: refusal(() => client.watch(`${holder}x`, Date.now())),
      network: refusal(() => client.watch("AR5EhMHz7YmxC1mrXQ818s6kP81mQvpNuDJ", Date.now())),
      early: refusal(() => client.tick(-1)),
      never: refusal(() => client.tick(NaN)),
      request: refusal(() => client.respond(0.5 - 1, 200, new Uint8Array(), Date.now())),
      failure: refusal(() => client.fail(1, "bored", Date.now())),
      payment: refusal(() => client.payment("77")),
      submission: refusal(() => client.submit(new Uint8Array(40), Date.now())),
      stored: refusal(() => client.restore(before.slice(0, -1))),
      receipt: refusal(() => client.verifyReceipt(new Uint8Array(1_000), Date.now())),
    };
    return { ...codes, unchanged: String(client.save()) === String(before) };
  });
  assert.deepEqual(codes, {
    chainFile: "chain_file",
    address: "address",
    network: "network",
    early: "time",
    never: "time",
    request: "request",
    failure: "failure",
    payment: "transaction_id",
    submission: "malformed_transaction",
    stored: "stored_state",
    receipt: "not_a_receipt",
    unchanged: true,
  });
  assert.deepEqual(faults, []);
});
