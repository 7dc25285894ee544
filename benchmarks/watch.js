// Notes when new data of a picture, a table, a spectrum or a count arrived, and when it was painted.
() => {
  const watch = {events: [], input: 0};
  window.benchmarkWatch = watch;
  const note = (kind) => () => {
    const arrived = performance.now();
    // Bokeh paints in the next animation frame; the one after begins when that is done.
    requestAnimationFrame(() => requestAnimationFrame(() => {
      watch.events.push({kind, arrived, painted: performance.now()});
    }));
  };
  const seen = new Set();
  const follow = (model, property, kind) => {
    const key = `${model.id}.${property}`;
    if (seen.has(key)) return;
    seen.add(key);
    model.properties[property].change.connect(note(kind));
  };
  const owner = new Map();
  const attach = () => {
    const models = Array.from(Bokeh.documents[0]._all_models.values());
    for (const model of models)
      if (model.type === "Figure")
        for (const renderer of model.renderers) owner.set(renderer, model.name ?? "figure");
    for (const model of models) {
      const glyph = model.type === "GlyphRenderer" ? model.glyph.type : "";
      if (glyph === "Image" || glyph === "ImageRGBA")
        follow(model.data_source, "data", `image ${owner.get(model) ?? ""}`);
      else if (glyph === "Quad" || glyph === "VBar")
        follow(model.data_source, "data", "bars");
      else if (glyph && /-source$/.test(model.data_source.name ?? ""))
        follow(model.data_source, "data", "spectrum");
      if (model.data?.properties?.records) follow(model.data, "version", "table");
      if ((model.css_classes ?? []).includes("counts")) follow(model, "text", "counts");
    }
  };
  attach();
  watch.attach = attach;
  for (const name of ["wheel", "pointerup", "click"])
    window.addEventListener(name, () => { watch.input = performance.now(); }, {capture: true});
  return seen.size;
}
