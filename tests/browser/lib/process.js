// A program under test: started, waited for, stopped; what it says is kept under tests/output.

import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { OUTPUT } from "./paths.js";

/** A loopback port that nothing uses at this moment. */
export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Starts a program whose output goes to tests/output/NAME.log. */
export async function start(name, program, args, options = {}) {
  await mkdir(OUTPUT, { recursive: true });
  const log = createWriteStream(path.join(OUTPUT, `${name}.log`));
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const ended = new Promise((resolve) => {
    child.on("error", (error) => resolve(`did not start: ${error.message}`));
    child.on("exit", (code, signal) => resolve(`ended with ${signal ?? code}`));
  });
  ended.then(() => log.end());
  let end;
  ended.then((words) => (end = words));
  return {
    child,
    ended,
    /** Waits until GET `url` answers 2xx; fails at once when the program ends. */
    async answers(url, withinMs = 20_000) {
      for (const until = Date.now() + withinMs; Date.now() < until; await sleep(50)) {
        if (end !== undefined) throw new Error(`${name} ${end}, see tests/output/${name}.log`);
        const response = await fetch(url).catch(() => undefined);
        if (response?.ok) return response;
      }
      throw new Error(`${name} does not answer at ${url} within ${withinMs} ms, see tests/output/${name}.log`);
    },
    /** Asks the program to end and waits; ends it by force after five seconds. */
    async stop() {
      if (end === undefined) child.kill("SIGTERM");
      const patience = globalThis.setTimeout(() => child.kill("SIGKILL"), 5_000);
      await ended;
      clearTimeout(patience);
    },
  };
}
