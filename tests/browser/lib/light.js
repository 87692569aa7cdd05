// The light client as a module of any page: https://…/light_wasm.js in a page without anything else.

import { LIGHT } from "./paths.js";
import { serve } from "./static-server.js";

/** A page that asks for nothing, not even an icon. */
const EMPTY = `<!doctype html><link rel="icon" href="data:,"><title>light client</title>`;

/** Serves a built module with an empty page, and what else is `there`, by path. */
export function serveModule(folder = LIGHT, there = {}) {
  return serve(folder, { "/": EMPTY, ...there });
}
