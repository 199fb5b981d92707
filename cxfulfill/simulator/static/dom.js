// Elements are built here and nowhere from markup: what a webhook answers is never read as HTML.

const SVG = "http://www.w3.org/2000/svg";

const ICONS = {
  added: "M8 3v10M3 8h10",
  alert: "M8 2.2 14.6 13.6H1.4ZM8 6.4v3.2m0 1.9v.1",
  bolt: "M9 1.8 3.4 9H8l-1 5.2L12.6 7H8Z",
  changed: "M2.6 6.2h9.6L9.4 3.4m4 6.4H3.8l2.8 2.8",
  check: "m3 8.4 3.2 3.2L13 4.6",
  clock: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2Zm0 2.8V8l2.4 1.6",
  cross: "m4 4 8 8m0-8-8 8",
  edit: "M10.6 2.8 13.2 5.4 5.6 13H3v-2.6Z",
  file: "M4 1.8h5l3.4 3.4v9H4ZM9 1.8v3.4h3.4",
  image: "M2.4 3h11.2v10H2.4Zm0 8 3.2-3.2 2.6 2.6 2-2 3.4 3.2M10.6 6v.1",
  info: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2Zm0 5.2v3.6m0-5.6v.1",
  link: "M9.4 3h3.8v3.8M13 3.2 7.6 8.6M11.4 9.4v3.4H3.2V4.6h3.4",
  page: "M2.4 8h10.4M9 4.2 12.8 8 9 11.8",
  phone: "M4 2.2h2.4l1 3L6 6.4a7 7 0 0 0 3.6 3.6L10.8 8.6l3 1V12A1.8 1.8 0 0 1 12 13.8 9.8 9.8 0 0 1 2.2 4 1.8 1.8 0 0 1 4 2.2Z",
  removed: "M3 8h10",
  replay: "M3 8a5 5 0 1 0 1.6-3.6L3 6m0-3.4V6h3.4",
  send: "M2.4 8h10.8M8.8 3.6 13.2 8l-4.4 4.4",
  sound: "M2.6 6.2v3.6h2.4L8.4 13V3L5 6.2Zm8.2-.6a3.4 3.4 0 0 1 0 4.8m1.8-6.6a6 6 0 0 1 0 8.4",
  video: "M2 4h8v8H2Zm8 3.2 4-2.4v6.4l-4-2.4",
};

function append(parent, children) {
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false && child !== "") {
      parent.append(child);
    }
  }
  return parent;
}

function assign(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) {
      element.addEventListener(name.slice(2), value);
    } else if (value === true) {
      element.setAttribute(name, "");
    } else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(name, value);
    }
  }
  return element;
}

/** Makes an element: `el("p.note", {title: "..."}, "text", child, ...)`. */
export function el(name, attributes = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag);
  if (classes.length) {
    element.className = classes.join(" ");
  }
  return append(assign(element, attributes), children);
}

/** The same for a part of a picture. */
export function svg(tag, attributes = {}, ...children) {
  return append(assign(document.createElementNS(SVG, tag), attributes), children);
}

/** An icon; it says nothing to a screen reader, so a text has to stand beside it. */
export function icon(name) {
  return svg("svg", {class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true", focusable: "false"},
    svg("path", {d: ICONS[name]}));
}

export function button(name, attributes, ...children) {
  return el(name, {type: "button", ...attributes}, ...children);
}

export function badge(kind, ...children) {
  return el(`span.badge.${kind}`, {}, ...children);
}

/** Text that only a screen reader tells. */
export function hidden(text) {
  return el("span.visually-hidden", {}, text);
}

export function details(name, summary, ...children) {
  return el(name, {}, el("summary", {}, summary), ...children);
}

/** The URL where it is an absolute http or https one; else null. */
export function webUrl(href) {
  if (typeof href !== "string" || !/^https?:\/\//i.test(href.trim()) || !URL.canParse(href)) {
    return null;
  }
  const url = new URL(href);
  return url.protocol === "http:" || url.protocol === "https:" ? url : null;
}

/** A link to the web that shows where it leads; what is no web address stays text. */
export function link(href, content, {bare = false} = {}) {
  const url = webUrl(href);
  if (!url) {
    return el("span.dead-link", {}, content, " ", el("span.target", {}, `not a web address: ${String(href)}`));
  }
  const shown = url.host + (url.pathname === "/" ? "" : url.pathname) + url.search;
  return el("a.web", {href: url.href, target: "_blank", rel: "noopener noreferrer"},
    el("span.link-text", {}, content, icon("link")), hidden(" (opens a new tab)"),
    bare ? null : el("span.target", {}, shown));
}

export function clear(element, ...children) {
  element.replaceChildren();
  return append(element, children);
}

export function plural(count, one, many = `${one}s`) {
  return `${count} ${count === 1 ? one : many}`;
}

/** Milliseconds for people. */
export function duration(ms) {
  if (ms >= 1000) {
    return `${Number((ms / 1000).toFixed(2))} s`;
  }
  return ms >= 100 ? `${Math.round(ms)} ms` : `${Number(ms.toFixed(ms >= 10 ? 1 : 2))} ms`;
}
