// Clocks that are set: the node's by libfaketime, the wallet's in its page and its worker.

import { mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

/** A clock for a program that is started with its `env`: `set(seconds)` puts it so far ahead of this machine's. */
export async function programClock(seconds) {
  const folder = await mkdtemp(path.join(tmpdir(), "vsystems-clock-"));
  const file = path.join(folder, "ahead");
  const set = async (ahead) => {
    // The program must never read half of it.
    await writeFile(`${file}.new`, `${ahead < 0 ? "" : "+"}${ahead}`);
    await rename(`${file}.new`, file);
  };
  await set(seconds);
  const libraries = (await readdir("/usr/lib")).map((name) => `/usr/lib/${name}/faketime/libfaketime.so.1`);
  const found = await Promise.all(libraries.map((library) => readdir(path.dirname(library)).then(() => library, () => undefined)));
  const library = found.find((library) => library !== undefined);
  if (library === undefined) throw new Error("libfaketime is missing: tests/setup/debian.sh libfaketime installs it");
  return {
    set,
    env: { LD_PRELOAD: library, FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: "1", FAKETIME_DONT_FAKE_MONOTONIC: "1" },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Puts the clocks of a page and of its worker `ahead` milliseconds ahead, `after` so many milliseconds from now. Timers do not notice. */
export async function setClock(page, ahead, after = 0) {
  const set = ([ahead, after]) => {
    self.realDate ??= Date;
    const { realDate } = self;
    const [before, then] = [self.ahead ?? 0, realDate.now() + after];
    const now = () => {
      self.ahead = realDate.now() >= then ? ahead : before;
      return realDate.now() + self.ahead;
    };
    self.Date = class extends realDate {
      constructor(...parts) {
        super(...(parts.length === 0 ? [now()] : parts));
      }

      static now() {
        return now();
      }
    };
  };
  await Promise.all([page, ...page.workers()].map((side) => side.evaluate(set, [ahead, after])));
}
