// JSON for reading: laid out and coloured from its own text, so that numbers and repeated names stay as they were sent.

import {button, el} from "./dom.js";

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[{}[\],:]/g;
const COLOURED = 30_000;
const DEEPEST = 100; // what is deeper is not laid out: its indents would be more than a browser holds

function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function kindOf(token, next) {
  if (token[0] === '"') {
    return next === ":" ? "name" : "string";
  }
  return /^[-\d]/.test(token) ? "number" : "literal";
}

/** Pieces `[kind, text]` of a JSON text, laid out with two spaces a level; the text itself where it is too deep. */
function pieces(text) {
  const tokens = text.match(TOKEN) ?? [];
  const laidOut = [];
  let depth = 0;
  const line = () => `\n${"  ".repeat(depth)}`;
  for (const [index, token] of tokens.entries()) {
    if (depth > DEEPEST) {
      return [["", text]];
    }
    const empty = "}]".includes(tokens[index + 1]);
    if (token === "{" || token === "[") {
      depth += empty ? 0 : 1;
      laidOut.push(["", empty ? token : token + line()]);
    } else if (token === "}" || token === "]") {
      const opened = "{[".includes(tokens[index - 1]);
      depth -= opened ? 0 : 1;
      laidOut.push(["", opened ? token : line() + token]);
    } else if (token === ",") {
      laidOut.push(["", token + line()]);
    } else if (token === ":") {
      laidOut.push(["", ": "]);
    } else {
      laidOut.push([kindOf(token, tokens[index + 1]), token]);
    }
  }
  return laidOut;
}

function pretty(text) {
  const laidOut = pieces(text);
  if (text.length > COLOURED) {
    return [laidOut.map(([, piece]) => piece).join("")];
  }
  return laidOut.map(([kind, piece]) => (kind ? el(`span.json-${kind}`, {}, piece) : piece));
}

/** A body as a block: laid out where it is JSON, with a button for its own text. */
export function bodyBlock(text, label) {
  if (!text) {
    return el("p.quiet", {}, "No body.");
  }
  const code = el("code", {});
  const block = el("pre.body", {tabindex: "0", role: "region", "aria-label": label}, code);
  if (!isJson(text)) {
    code.append(text);
    return block;
  }
  code.append(...pretty(text));
  const raw = button("button.button.small.quiet-button", {
    "aria-pressed": "false",
    onclick: () => {
      const on = raw.getAttribute("aria-pressed") !== "true";
      raw.setAttribute("aria-pressed", String(on));
      code.replaceChildren(...(on ? [text] : pretty(text)));
    },
  }, "As sent");
  return el("div.body-block", {}, raw, block);
}

/** A value as a block. */
export function valueBlock(value, label) {
  return el("pre.body", {tabindex: "0", role: "region", "aria-label": label},
    el("code", {}, ...pretty(JSON.stringify(value))));
}

/** A value in a line. */
export function inlineValue(value) {
  return el("code.value", {}, ...pretty(JSON.stringify(value)).map((piece) =>
    (typeof piece === "string" ? piece.replace(/\n */g, " ") : piece)));
}

/** A value in a line or, where it has parts, as a tree. */
export function valueTree(value) {
  if (value === null || typeof value !== "object") {
    const kind = value === null || typeof value === "boolean" ? "literal" : typeof value;
    return el(`code.value.json-${kind}`, {}, JSON.stringify(value));
  }
  const parts = Object.entries(value);
  if (!parts.length) {
    return el("code.value", {}, Array.isArray(value) ? "[]" : "{}");
  }
  return el("ul.tree", {}, parts.map(([name, part]) =>
    el("li", {}, el("span.tree-name", {}, Array.isArray(value) ? `[${name}]` : name), " ", valueTree(part))));
}
