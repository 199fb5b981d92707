// Between Mermaid and the theme. The theme knows the arrowheads by ids that Mermaid no longer gives, so that they would
// be black in the dark; and on a phone a diagram keeps letters that can be read, in a box that scrolls.
(() => {
  const { initialize, render } = mermaid;
  const heads = "[id$='-arrowhead'] path, [id$='-crosshead'] path, [id$='-filled-head'] path, [id$='-sequencenumber'] circle";
  const colour = "var(--md-mermaid-sequence-message-line-color)";
  const css = `
    ${heads} { fill: ${colour}; stroke: ${colour}; }
    .actor-line { stroke: var(--md-mermaid-sequence-actor-line-color); }`;

  mermaid.initialize = (config) => initialize.call(mermaid, { ...config, themeCSS: config.themeCSS + css });

  mermaid.render = async (...given) => {
    const drawn = await render.apply(mermaid, given);
    const width = (_, pixels) => `max-width: ${pixels}px; min-width: ${0.75 * pixels}px;`;
    return { ...drawn, svg: drawn.svg.replace(/max-width: ([\d.]+)px;/, width) };
  };
})();
