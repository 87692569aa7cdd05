// The light client's module takes answers that the bench made, in a page: medians, printed as `name value unit`.
// `node bench-light.mjs FOLDER`: scenes.json there says which client asks what, and what it is answered.

import { readFile } from "node:fs/promises";
import path from "node:path";
import { launch, openPage } from "./lib/browser.js";
import { serveModule } from "./lib/light.js";
import { LIGHT } from "./lib/paths.js";

const WARM_UP = 5;
const PASSES = 15;

const scenes = JSON.parse(await readFile(path.join(process.argv[2], "scenes.json"), "utf8"));
const server = await serveModule(LIGHT);
const browser = await launch();
try {
  const { page, faults } = await openPage(browser.context);
  await page.goto(server.address);
  for (const scene of scenes) {
    const took = await page.evaluate(play, { scene, passes: WARM_UP + PASSES });
    if (faults.length > 0) throw new Error(faults.join("; "));
    const ms = median(took.slice(WARM_UP));
    const value = scene.count === null ? ms : Math.round((scene.count * 1_000) / ms);
    console.log(`${scene.name} ${value} ${scene.unit}`);
  }
} finally {
  await browser.close();
  await server.close();
}

/** Runs in the page: milliseconds that a new client takes for all its answers, pass by pass. */
async function play({ scene, passes }) {
  const { default: start, LightClient } = await import("/light_wasm.js");
  await start();
  const bytes = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
  const { asks, now, server } = scene;
  const answers = new Map(Object.entries(scene.answers).map(([url, body]) => [url, bytes(body)]));
  const chainFile = new TextEncoder().encode(scene.chainFile);
  const pass = () => {
    const client = new LightClient(chainFile, [server]);
    const id = asks.submission === undefined ? undefined : client.submit(bytes(asks.submission), now);
    if (asks.watch !== undefined) client.watch(asks.watch, now);
    let took = 0;
    if (id !== undefined) client.tick(now);
    for (let request; (request = client.nextRequest()) !== undefined; ) {
      const body = answers.get(request.url);
      const began = performance.now();
      client.respond(request.id, body === undefined ? 404 : 200, body ?? new Uint8Array(), now);
      took += performance.now() - began;
    }
    const isDone =
      id === undefined ? client.account(asks.watch, now).trust === "verified" : client.payment(id).state === "in_block";
    if (!isDone) throw new Error(`not proven: ${JSON.stringify(client.servers())}`);
    client.free();
    return took;
  };
  return Array.from({ length: passes }, pass);
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
