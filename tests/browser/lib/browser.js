// Debian's Chromium, headless, with a profile of its own that is gone afterwards.

import { mkdtemp, mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { chromium } from "playwright-core";
import { OUTPUT } from "./paths.js";

// No GPU and no sandbox: tests run as root in containers. The rest keeps Chromium from calling its maker's hosts.
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const VIEWS = {
  phone: { width: 390, height: 844 },
  wide: { width: 1280, height: 800 },
};

/** Starts Chromium. Returns the context of its one profile; `close()` ends it and removes the profile. */
export async function launch() {
  const profile = await mkdtemp(path.join(tmpdir(), "vsystems-chromium-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    args: FLAGS,
    viewport: VIEWS.phone,
  });
  return {
    context,
    async close() {
      await context.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}

/** Opens a page that keeps what went wrong in it: uncaught errors, console errors, broken policy. */
export async function openPage(context) {
  const page = await context.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(message.text());
  });
  return { page, faults };
}

/** Keeps pictures of the page under tests/output: phone and wide, light and dark. */
export async function screenshots(page, name) {
  await mkdir(OUTPUT, { recursive: true });
  for (const [view, size] of Object.entries(VIEWS)) {
    for (const colorScheme of ["light", "dark"]) {
      await page.setViewportSize(size);
      await page.emulateMedia({ colorScheme });
      // A change of colours is animated: the picture is of its end.
      await page.screenshot({ path: path.join(OUTPUT, `${name}-${view}-${colorScheme}.png`), animations: "disabled" });
    }
  }
  await page.setViewportSize(VIEWS.phone);
  await page.emulateMedia({ colorScheme: null });
}
