// Text can be read on everything it is put on, by day and by night: WCAG 2.2, success criteria 1.4.3 (4.5 to 1) and 1.4.11 (3 to 1).

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { WALLET } from "./lib/paths.js";

const GROUNDS = ["paper", "surface", "beside"];
/** [colour, what it is put on, the least contrast]. */
const PAIRS = [
  ["ink", [...GROUNDS, "sunken", "chosen"], 4.5],
  ["soft", [...GROUNDS, "sunken"], 4.5],
  ["proven", [...GROUNDS, "proven-ground"], 4.5],
  ["mind", [...GROUNDS, "mind-ground"], 4.5],
  ["stop", [...GROUNDS, "stop-ground"], 4.5],
  ["on-action", ["action", "action-press"], 4.5],
  ["edge", ["paper", "surface"], 3],
];

/** Relative luminance of #rrggbb, by WCAG. */
function luminance(colour) {
  const [red, green, blue] = [1, 3, 5]
    .map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a, b) {
  const [low, high] = [luminance(a), luminance(b)].sort((one, other) => one - other);
  return (high + 0.05) / (low + 0.05);
}

test("every text colour contrasts with every ground it is used on", async () => {
  const style = await readFile(path.join(WALLET, "style", "tokens.css"), "utf8");
  const colours = new Map();
  for (const [, name, value] of style.matchAll(/--([\w-]+): (.+);/g)) {
    const sides = value.match(/#[0-9a-f]{6}/g) ?? [];
    if (sides.length > 0) {
      colours.set(name, { light: sides[0], dark: sides.at(-1) });
    }
  }
  for (const [name, grounds, least] of PAIRS) {
    for (const ground of grounds) {
      for (const side of ["light", "dark"]) {
        const found = contrast(colours.get(name)[side], colours.get(ground)[side]);
        assert.ok(found >= least, `--${name} on --${ground}, ${side}: ${found.toFixed(2)} to 1, not ${least}`);
      }
    }
  }
});
