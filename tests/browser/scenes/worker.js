// A worker that follows a script instead of a chain: for pictures and tests of the page alone. Never shipped.
// The server puts `const SCENE = {…};` before this text; `cargo run -p web-wallet --example scenes` makes the scenes.

const bytes = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const VIEW = 0;
const ANSWER = 1;
const DONE = "0100"; // Ok(Answer::Done)
const START = 0;

const say = (kind, ...parts) => {
  const message = [kind, ...parts.flatMap((part) => [...part])];
  postMessage(Uint8Array.from(message));
};

onmessage = ({ data }) => {
  const [number, tag, argument] = [data.slice(0, 4), data[4], data[5] ?? 0];
  if (tag === START) say(VIEW, bytes(SCENE.view));
  const answers = SCENE.answers[tag] ?? [DONE];
  say(ANSWER, number, bytes(answers[argument % answers.length]));
  if (SCENE.views[tag]) say(VIEW, bytes(SCENE.views[tag]));
};

postMessage(new Uint8Array());
