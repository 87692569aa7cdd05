// Serves a folder under the wallet's policy, for what needs no node.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import { POLICY } from "./csp.js";

const TYPES = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
};

/** Starts a server on a free loopback port; `instead` maps paths to texts that take a file's place. Returns its address and `close()`. */
export async function serve(folder, instead = {}) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const file = path.join(folder, pathname === "/" ? "index.html" : pathname);
    response.setHeader("content-security-policy", POLICY);
    response.setHeader("content-type", TYPES[path.extname(file)] ?? "application/octet-stream");
    try {
      response.end(instead[pathname] ?? (await readFile(file)));
    } catch (error) {
      response.writeHead(error.code === "ENOENT" ? 404 : 500).end(error.code);
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `http://127.0.0.1:${server.address().port}`,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}
