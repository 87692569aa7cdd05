// A full node of a development chain that serves the wallet.

import path from "node:path";
import { ROOT, WALLET } from "./paths.js";
import { freePort, start } from "./process.js";

const PROGRAM =
  process.env.VSYS_NODE ?? path.join(process.env.CARGO_TARGET_DIR ?? path.join(ROOT, "target"), "debug/vsys-node");

/** Starts `vsys-node dev` on a free port, or on `port`. With `data` the chain is kept there, else nowhere. `env` is added to the environment. */
export async function startNode({ name = "node", data, port, wallet = WALLET, env = {} } = {}) {
  const api = `127.0.0.1:${port ?? (await freePort())}`;
  const kept = data === undefined ? ["--ephemeral"] : ["--data", data];
  const node = await start(name, PROGRAM, ["dev", ...kept, "--api", api, "--wallet", wallet], {
    env: { ...process.env, ...env },
  });
  const address = `http://${api}`;
  try {
    await node.answers(address);
  } catch (error) {
    await node.stop();
    throw error;
  }
  return { ...node, address };
}
