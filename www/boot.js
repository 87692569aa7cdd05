// Says on the opening screen why the wallet does not start. When it does start, it replaces that screen, and nothing here finds anything to do.

const say = (id) => {
  const words = document.getElementById(id);
  if (words) {
    words.hidden = false;
    document.getElementById("splash-words").hidden = true;
  }
};

if (typeof WebAssembly !== "object" || !CSS.supports("color", "light-dark(red, red)")) {
  say("splash-old");
} else {
  import("/main.js").catch(() => say("splash-failed"));
  addEventListener("unhandledrejection", () => say("splash-failed"));
}
