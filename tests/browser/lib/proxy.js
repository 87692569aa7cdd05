// A server between wallet and node that can be told to lie.

import { createServer, request } from "node:http";
import { connect } from "node:net";

// Offsets in an account bundle: version, kind, and the tag of the anchor come first; a beacon's round (8 bytes) comes before its header, whose state
// root has version, height, slot, parent, transactions root and count (86 bytes) before it.
const ANCHOR_TAG = 2;
const STATE_ROOT_IN_HEADER = 2 + 8 + 8 + 32 + 32 + 4;

function flipped(bytes, at) {
  const altered = Buffer.from(bytes);
  altered[at] ^= 1;
  return altered;
}

/** Ways to lie about an account: what is asked of the node, and what becomes of its answer. */
export const LIES = {
  /** Another balance: the account's record lies in the witness as 8 bytes of units. */
  balance: (units) => ({
    answer(bytes) {
      const balance = Buffer.alloc(8);
      balance.writeBigUInt64LE(units);
      const at = bytes.indexOf(balance);
      return at < 0 ? bytes : flipped(bytes, at);
    },
  }),
  /** One record of the newest is left out. */
  history: () => ({
    path: (path) => path.replace(/known=(\d+)/, (_, known) => `known=${Number(known) + 1}`),
  }),
  /** Another state root in the final header. */
  header: () => ({
    answer(bytes) {
      const header = bytes[ANCHOR_TAG] === 0 ? ANCHOR_TAG + 1 : ANCHOR_TAG + 1 + 8;
      return flipped(bytes, header + STATE_ROOT_IN_HEADER);
    },
  }),
};

/** A chain file that names servers. Its numbers are greater than those of JavaScript: it stays text. */
const withServers = (bytes, servers) => Buffer.from(bytes.toString().trim().replace(/\}$/, `,"servers":${JSON.stringify(servers)}}`));

/**
 * Starts a proxy before `target` (http://host:port). `lie` is what it does to account bundles; `undefined` is honesty. While `dead`, nothing is answered
 * and nothing ends: a network that is gone. What was under way then stays so for ever. `lines` are the WebSockets that are open, `asked` the paths of all
 * other requests. With `servers` the chain file names these besides.
 */
export async function startProxy(target) {
  const { hostname, port } = new URL(target);
  const lines = new Set();
  const proxy = { lie: undefined, dead: false, lines, asked: [], servers: undefined };
  const server = createServer((incoming, outgoing) => {
    proxy.asked.push(incoming.url);
    if (proxy.dead) return;
    const isBundle = /^\/v1\/accounts\/[^/]+\/bundle/.test(incoming.url);
    const named = incoming.url === "/chain.json" && proxy.servers !== undefined;
    const lie = isBundle ? proxy.lie : named ? { answer: (bytes) => withServers(bytes, proxy.servers) } : undefined;
    const path = lie?.path?.(incoming.url) ?? incoming.url;
    const headers = { ...incoming.headers, host: `${hostname}:${port}` };
    if (lie) delete headers["accept-encoding"];
    const onward = request({ hostname, port, path, method: incoming.method, headers }, (answer) => {
      const chunks = [];
      answer.on("data", (chunk) => chunks.push(chunk));
      answer.on("end", () => {
        if (proxy.dead) return;
        const bytes = Buffer.concat(chunks);
        const body = lie?.answer && answer.statusCode === 200 ? lie.answer(bytes) : bytes;
        const { "transfer-encoding": _, ...kept } = answer.headers;
        outgoing.writeHead(answer.statusCode, { ...kept, "content-length": body.length }).end(body);
      });
    });
    onward.on("error", () => outgoing.destroy());
    incoming.pipe(onward);
  });
  // Hints go through as they are. Their sockets are no longer the server's, so closing ends them by hand.
  server.on("upgrade", (incoming, socket, head) => {
    if (proxy.dead) return;
    lines.add(socket);
    socket.on("close", () => lines.delete(socket));
    const onward = connect(Number(port), hostname, () => {
      const headers = incoming.rawHeaders.map((text, at) => (at % 2 === 0 ? `${text}: ` : `${text}\r\n`)).join("");
      onward.write(`${incoming.method} ${incoming.url} HTTP/1.1\r\n${headers}\r\n`);
      onward.write(head);
      socket.pipe(onward);
      onward.on("data", (chunk) => proxy.dead || socket.write(chunk));
      onward.on("close", () => socket.destroy());
    });
    onward.on("error", () => socket.destroy());
    socket.on("error", () => onward.destroy());
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  proxy.address = `http://127.0.0.1:${server.address().port}`;
  proxy.close = () => {
    server.closeAllConnections();
    for (const socket of lines) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  };
  return proxy;
}
