// Takes a picture of every screen, phone and wide, light and dark, from scripted scenes: `node scenes/pictures.js [name…]`, after
// `cargo run -p web-bundle`. Pictures go to tests/output/pictures. It fails when a page reports an error or a screen does not appear.

import { mkdir } from "node:fs/promises";
import path from "node:path";
import { launch, openPage } from "../lib/browser.js";
import { OUTPUT, WALLET } from "../lib/paths.js";
import { scenes, serveScene } from "./serve.js";

const PASSWORD = "boat green seven umbrella";
const FRIEND = "AUAztxsft2v6rmjRRb72nLea6BNyRHHWpUR";
const VIEWS = { phone: { width: 390, height: 844 }, wide: { width: 1280, height: 800 } };
const PAYMENT = `#/payment/${"77".repeat(32)}`;

const press = (name) => (page) => page.getByRole("button", { name, exact: true }).first().click();
const type = (label, text) => (page) => page.locator("input").and(page.getByLabel(label, { exact: true })).fill(text);
const passwords = [type("Password", PASSWORD), type("Once more", PASSWORD)];
const toWords = [press("Make a new wallet"), press("I understand"), ...passwords, press("Continue")];
const allWords = [...toWords, press("Show the first word"), ...Array.from({ length: 11 }, (_, n) => press(`Show word ${n + 2}`))];
const restored = [press("Restore from your words"), pasteWords, press("Continue")];
const toReview = [press("Send"), type("To", FRIEND), type("Amount", "40"), press("Review")];

async function pasteWords(page) {
  await page.locator("#word-0").evaluate((field) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text", "lantern orbit velvet harbor cactus piano meadow sunset ticket bamboo river crystal");
    field.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
  });
}

/** [picture, scene, hash, what to do]. */
const PICTURES = [
  ["welcome", "welcome", ""],
  ["rules", "welcome", "", [press("Make a new wallet")]],
  ["password-empty", "welcome", "", [press("Make a new wallet"), press("I understand")]],
  ["password", "welcome", "", [press("Make a new wallet"), press("I understand"), ...passwords]],
  ["words-hidden", "welcome", "", toWords],
  ["words", "welcome", "", [...toWords, press("Show the first word"), press("Show word 2"), press("Show word 3")]],
  ["words-all", "welcome", "", allWords],
  ["check", "welcome", "", [...allWords, press("I wrote them all down"), (page) => page.getByRole("radio", { name: "orbit" }).click()]],
  ["created", "welcome", "", [...toWords, press("Do this later")]],
  ["restore", "welcome", "", [press("Restore from your words")]],
  ["restore-filled", "welcome", "", [press("Restore from your words"), pasteWords]],
  ["restore-address", "welcome", "", restored],
  ["home", "home", ""],
  ["home-backed-up", "backed-up", ""],
  ["home-empty", "empty", ""],
  ["home-busy-faucet", "server-busy", "", [press("Get test coins")]],
  ["home-unknown", "unknown", ""],
  ["home-stale", "stale", ""],
  ["home-lying", "lying", ""],
  ["home-other-chain", "other-chain", ""],
  ["home-trust-expired", "trust-expired", ""],
  ["home-agreed", "agreed", ""],
  ["home-forked", "forked", ""],
  ["home-chain-replaced", "chain-replaced", ""],
  ["home-storage-lost", "storage-lost", ""],
  ["home-clock-behind", "clock-behind", ""],
  ["home-paying", "pay-in-block", ""],
  ["history", "home", "#/history"],
  ["movement", "home", "#/movement/35"],
  ["receive", "home", "#/receive"],
  ["copied", "home", "#/receive", [press("Copy address")]],
  ["send", "home", "#/send"],
  ["send-filled", "home", "#/send", [type("To", FRIEND), type("Amount", "40"), type("Note", "Rent, part 2")]],
  ["send-too-much", "home", "#/send", [type("To", `${FRIEND}x`), type("Amount", "40000")]],
  ["review", "home", "", toReview],
  ["unlock", "home", "", [...toReview, press("Unlock, sign and send")]],
  ["wrong-password", "wrong-password", "", [...toReview, press("Unlock, sign and send"), type("Password", "x"), press("Sign and send")]],
  ...["signed", "submitted", "in-block", "final", "failed", "refused", "expired", "replaced", "unknown"].map((step) => [
    `pay-${step}`,
    `pay-${step}`,
    PAYMENT,
  ]),
  ["proof", "home", "#/proof"],
  ["more", "home", "#/more"],
  ["network", "home", "#/network"],
  ["network-lying", "lying", "#/network"],
  ["network-other-chain", "other-chain", "#/network"],
  ["security", "home", "#/security"],
  ["security-unlocked", "backed-up", "#/security"],
  ["reveal", "home", "#/security", [press("Write them down"), type("Password", PASSWORD), press("Show my words"), press("Show the first word")]],
  ["erase", "home", "#/security", [press("Erase"), type("Type “erase” to go on", "erase")]],
  ["forgot", "home", "#/forgot"],
  ["about", "home", "#/about"],
];

const folder = process.env.WALLET ?? WALLET;
const out = path.join(OUTPUT, "pictures");
const wanted = process.argv.slice(2);
const { now, scenes: all } = await scenes();
await mkdir(out, { recursive: true });
const browser = await launch();
let failures = 0;

async function take([name, scene, hash, actions = []]) {
  const server = await serveScene(all[scene], folder);
  const { page, faults } = await openPage(browser.context);
  try {
    await page.clock.setFixedTime(now);
    await page.emulateMedia({ reducedMotion: "reduce" });
    await page.setViewportSize(VIEWS.phone);
    await page.goto(`${server.address}/${hash}`);
    await page.locator("#here").first().waitFor({ timeout: 10_000 });
    for (const act of actions) {
      page.setDefaultTimeout(3_000);
      await act(page);
    }
    await page.waitForTimeout(150);
    for (const [view, size] of Object.entries(VIEWS)) {
      await page.setViewportSize(size);
      for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        await page.screenshot({ path: path.join(out, `${name}-${view}-${colorScheme}.png`), fullPage: view === "phone" });
      }
    }
  } catch (error) {
    faults.push(error.message.split("\n").slice(0, 4).join(" "));
  }
  if (faults.length > 0) {
    failures += 1;
    console.error(`${name}: ${faults.join("; ")}`);
    await page.screenshot({ path: path.join(out, `${name}-failed.png`) });
  }
  await page.close();
  await server.close();
}

for (const picture of PICTURES) {
  if (wanted.length === 0 || wanted.includes(picture[0])) await take(picture);
}
await browser.close();
console.log(`${failures} of the pictures failed`);
process.exitCode = failures > 0 ? 1 : 0;
