// Where things are, from the repository's root.

import path from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");

/** The bundled wallet, made by `cargo run -p web-bundle`. */
export const WALLET = path.join(ROOT, "target/wallet");

/** Pictures and logs of a run. */
export const OUTPUT = path.join(ROOT, "tests/output");
