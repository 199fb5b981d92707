// What the user says next, and how it is delivered.

import {clear, el, plural} from "./dom.js";

const HINTS = {
  text: "Write a message", transcript: "What the user says", dtmf: "Digits, such as 42",
  event: "Name of the event", intent: "Name of the intent", none: "",
};

class Mistake extends Error {}

/** A JSON object written into a field; null where the field is empty. */
export function jsonObject(field, what) {
  const text = field.value.trim();
  let value = null;
  if (text) {
    try {
      value = JSON.parse(text);
    } catch {
      value = undefined;
    }
    if (value === null || typeof value !== "object" || Array.isArray(value)) {
      field.setAttribute("aria-invalid", "true");
      field.focus();
      throw new Mistake(`${what} must be a JSON object, such as {"nights": 2}.`);
    }
  }
  field.removeAttribute("aria-invalid");
  return value;
}

export class Composer {
  constructor(form, actions) {
    this.form = form;
    this.actions = actions;
    this.editing = null;
    this.fields = form.elements;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit(event.submitter?.value || "once");
    });
    this.fields.kind.addEventListener("change", () => this.suit());
    document.getElementById("stop-editing").addEventListener("click", () => {
      this.stop();
      this.fields.value.focus();
    });
    this.suit();
  }

  /** Fits the field for the value to the kind of input. */
  suit() {
    const {kind, value} = this.fields;
    const none = kind.value === "none";
    value.placeholder = none ? "No input is sent" : HINTS[kind.value];
    value.readOnly = none;
    value.inputMode = kind.value === "dtmf" ? "tel" : "text";
    if (none) {
      value.value = "";
    }
  }

  tags(tags) {
    const names = [...new Set(tags.map(({tag}) => tag))];
    clear(document.getElementById("tags"), names.map((name) => {
      const notes = tags.filter(({tag}) => tag === name).flatMap((one) =>
        ["page", "flow", "event", "intent", "language"].filter((part) => one[part]).map((part) => `${part} ${one[part]}`));
      return el("option", {value: name, label: notes.length ? `${name} (${notes.join(", ")})` : null});
    }));
    const {tag} = this.fields;
    if (!tag.value && names.length && !names[0].includes("*")) {
      [tag.value] = names;
    }
  }

  submit(mode) {
    try {
      const parameters = jsonObject(this.fields.parameters, "Parameters");
      return this.send({kind: this.fields.kind.value, value: this.fields.value.value}, mode, parameters);
    } catch (error) {
      if (!(error instanceof Mistake)) {
        throw error;
      }
      this.actions.problem(error.message);
      return null;
    }
  }

  async send(input, mode, parameters) {
    const turn = {input, tag: this.fields.tag.value, parameters, mode};
    const number = this.editing;
    const done = number === null
      ? await this.actions.post("/api/turn", turn)
      : await this.actions.post("/api/resend", {number, ...turn});
    if (done) {
      this.fields.value.value = "";
      this.setParameters(null);
      this.stop();
    }
  }

  /** Plays what a click in the conversation says; what is written in the fields stays. */
  async click(input) {
    this.stop();
    await this.actions.post("/api/turn", {input, tag: this.fields.tag.value, parameters: null, mode: "once"});
  }

  edit(turn) {
    this.editing = turn.number;
    this.fields.kind.value = turn.input.kind;
    this.suit();
    this.fields.value.value = turn.input.value ?? "";
    this.fields.tag.value = turn.tag;
    this.setParameters(turn.parameters);
    document.getElementById("editing-text").textContent =
      `Editing turn ${turn.number}: what follows it is dropped.`;
    document.getElementById("editing").hidden = false;
    this.actions.edited();
    this.fields.value.focus();
    this.fields.value.select();
  }

  stop() {
    this.editing = null;
    document.getElementById("editing").hidden = true;
    this.actions.edited();
  }

  setParameters(parameters) {
    const names = Object.keys(parameters ?? {});
    this.fields.parameters.value = names.length ? JSON.stringify(parameters, null, 2) : "";
    this.fields.parameters.removeAttribute("aria-invalid");
    this.fields.parameters.closest("details").open = names.length > 0;
    document.getElementById("parameters-count").textContent = names.length ? ` (${plural(names.length, "value")})` : "";
  }
}
