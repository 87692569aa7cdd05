// Where things are, from the repository's root.

import path from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");

/** The bundled wallet, made by `cargo run -p web-bundle`. */
export const WALLET = path.join(ROOT, "target/wallet");

/** The light client's module alone: `cargo run -p web-bundle -- --product light-wasm`. */
export const LIGHT = path.join(ROOT, "target/light-wasm");

/** The same with the checks that every target must pass: `cargo run -p web-bundle -- --product light-conformance`. */
export const CONFORMANCE = path.join(ROOT, "target/light-conformance");

/** Pictures and logs of a run. */
export const OUTPUT = path.join(ROOT, "tests/output");
