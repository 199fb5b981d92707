// From the tree that the server makes of a Markdown text to elements.

import {el, link} from "./dom.js";
import {picture} from "./rich.js";

const PLAIN = new Set([
  "p", "ul", "ol", "li", "blockquote", "strong", "em", "s", "table", "thead", "tbody", "tr", "th", "td", "code", "pre",
  "hr",
]);

function node(part) {
  if (part.text !== undefined) {
    return part.text;
  }
  const children = part.children.map(node);
  switch (part.tag) {
    case "br":
      return el("br");
    case "heading":
      return el("p.markdown-heading", {}, children);
    case "a":
      return link(part.href, children, {bare: true});
    case "img":
      return picture(part.href, part.alt);
    case "pre":
      return el("pre", {tabindex: "0", role: "region", "aria-label": "Code"}, el("code", {}, children));
    default:
      return PLAIN.has(part.tag) ? el(part.tag, part.start ? {start: part.start} : {}, children) : children;
  }
}

export function markdown(tree) {
  return el("div.markdown", {}, tree.map(node));
}
