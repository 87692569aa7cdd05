// What a person does in the wallet, by the words on its buttons.

export const PASSWORD = "correct horse battery";

const press = (page, name) => page.getByRole("button", { name, exact: true }).click();

/** Welcome → home. Returns the words that were shown. `later` puts the check of the words off. */
export async function createWallet(page, { later = false } = {}) {
  await press(page, "Make a new wallet");
  await press(page, "I understand");
  await page.locator("#password").fill(PASSWORD);
  await page.locator("#repeat").fill(PASSWORD);
  await press(page, "Continue");
  const words = [];
  if (later) {
    await press(page, "Do this later");
  } else {
    for (let at = 1; at <= 12; at += 1) {
      const name = at === 1 ? "Show the first word" : `Show word ${at}`;
      await page.locator(".foot").getByRole("button", { name, exact: true }).click();
      await page.locator(".word-now .nth", { hasText: `Word ${at} of 12` }).waitFor();
      words.push(await page.locator(".word-now b").innerText());
    }
    await press(page, "I wrote them all down");
    await pickWords(page, words);
  }
  await page.locator(".balance").waitFor();
  return words;
}

/** From where restoring is offered → home. */
export async function restoreWallet(page, words) {
  await press(page, "Restore from your words");
  for (const [at, word] of words.entries()) await page.locator(`#word-${at}`).fill(word);
  await press(page, "Continue");
  await press(page, "This is mine");
  await page.locator("#password").fill(PASSWORD);
  await page.locator("#repeat").fill(PASSWORD);
  await press(page, "Open the wallet");
  await page.locator(".balance").waitFor();
}

/** Picks each word of the check from its three. */
export async function pickWords(page, words) {
  const questions = page.getByRole("radiogroup");
  await questions.first().waitFor();
  for (const question of await questions.all()) {
    const label = await question.getAttribute("aria-label");
    const [, at] = label.match(/^Word (\d+) of/);
    await question.getByRole("radio", { name: words[Number(at) - 1], exact: true }).click();
  }
  await press(page, "Check");
}

/** The wallet's own address, from the page that shows it whole. */
export async function ownAddress(page) {
  await press(page, "Receive");
  const address = await page.locator(".card .addr").getAttribute("aria-label");
  await page.getByRole("button", { name: "Close" }).click();
  return address;
}

/** The balance as shown, such as `1,000.00`; undefined while it is not known. */
export async function balance(page) {
  const shown = await page.locator(".balance .amount b").innerText();
  return shown === "Not known yet" ? undefined : shown;
}

/** Waits until the balance reads so. */
export async function waitForBalance(page, text, timeout = 30_000) {
  const shown = page.locator(".balance .amount b").filter({ hasText: new RegExp(`^${text.replace(/[.]/g, "\\.")}$`) });
  await shown.waitFor({ timeout });
}

/** What the balance says of its proof, if it has these words. */
export const seal = (page, text = "") => page.locator(".balance .seal").filter({ hasText: text });

/** Fills in a payment and looks it over. */
export async function reviewPayment(page, to, amount, note = "") {
  await page.locator(".actions").getByRole("button", { name: "Send", exact: true }).click();
  await page.locator("#to").fill(to);
  await page.locator("#amount").fill(amount);
  if (note !== "") await page.locator("#memo").fill(note);
  await press(page, "Review");
  await page.getByRole("heading", { name: "Check before you sign" }).waitFor();
}

/** Follows a payment until it is final; returns the states it was seen in, in their order. */
export async function followToFinal(page, timeout = 40_000) {
  const tag = page.locator(".tag").first();
  await tag.waitFor();
  const seen = [];
  for (const until = Date.now() + timeout; Date.now() < until; ) {
    const now = await tag.innerText();
    if (seen.at(-1) !== now) seen.push(now);
    if (now === "Final") return seen;
    await page.waitForTimeout(50);
  }
  throw new Error(`not final after ${timeout} ms: ${seen.join(" → ")}`);
}

/** Makes a page believe that it is in sight or not. Chromium without a screen calls every page visible. */
export async function setVisible(page, visible) {
  await page.evaluate((visible) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => !visible });
    Object.defineProperty(document, "visibilityState", { configurable: true, get: () => (visible ? "visible" : "hidden") });
    document.dispatchEvent(new Event("visibilitychange"));
  }, visible);
}

/** Lets a page's worker stand still for a while, in the middle of what it does, as a browser does that freezes it. Resolves when it goes on. */
export function freezeWorker(page, ms) {
  const [worker] = page.workers();
  return worker.evaluate((ms) => {
    const { buffer } = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    Atomics.wait(new Int32Array(buffer), 0, 0, ms);
  }, ms);
}
