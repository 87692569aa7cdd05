// Serves the bundled wallet with a scripted worker in place of the real one.

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { ROOT, WALLET } from "../lib/paths.js";
import { serve } from "../lib/static-server.js";

/** The scenes, as the example prints them. */
export async function scenes() {
  const options = { cwd: ROOT, maxBuffer: 64 << 20 };
  const { stdout } = await promisify(execFile)("cargo", ["run", "--quiet", "-p", "web-wallet", "--example", "scenes"], options);
  return JSON.parse(stdout);
}

/** Serves one scene. */
export async function serveScene(scene, folder = WALLET) {
  const script = await readFile(new URL("worker.js", import.meta.url), "utf8");
  return serve(folder, { "/worker.js": `const SCENE = ${JSON.stringify(scene)};\n${script}` });
}
