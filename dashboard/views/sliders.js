// What if: range inputs; what moved is told once a frame, and only the last place of each.
export function render({ model, el }) {
  const make = (tag, className, text = "") => {
    const node = document.createElement(tag);
    node.className = className;
    node.textContent = text;
    return node;
  };
  const grid = make("div", "sliders");
  const row = make("div", "row");
  const reset = make("button", "reset", "reset");
  reset.onclick = () => model.send_msg({ type: "reset" });
  const hint = make("div", "hint");
  row.append(reset, hint);
  el.append(grid, row);

  const moved = new Map();
  let isWaiting = false;
  function tell() {
    isWaiting = false;
    for (const [index, value] of moved) {
      model.send_msg({ type: "move", index, value, version: model.version });
    }
    moved.clear();
  }
  function move(index, value) {
    moved.set(index, value);
    if (!isWaiting) requestAnimationFrame(tell);
    isWaiting = true;
  }

  function makeSlider(index, { label, title, size }) {
    const isWay = index < 0;
    const node = make("label", isWay ? "way" : "latent");
    node.title = title;
    const input = document.createElement("input");
    Object.assign(input, {
      type: "range", min: isWay ? 0 : -model.reach, max: isWay ? 1 : model.reach, step: 0.01,
      value: 0,
    });
    input.setAttribute("aria-label", label);
    const output = make("output", "");
    const write = () => {
      const value = Number(input.value);
      output.textContent = isWay ? `${Math.round(100 * value)} %`
        : `${value > 0 ? "+" : ""}${value.toFixed(2)} σ`;
    };
    input.oninput = () => { write(); move(index, Number(input.value)); };
    write();
    node.append(make("span", "", size ? `${label} · ${size}` : label), input, output);
    return node;
  }

  // The twin is found later than the latents: its slider comes and goes without the others.
  function drawWay() {
    grid.querySelector(".way")?.remove();
    if (model.has_twin && model.sliders.length) {
      grid.append(makeSlider(-1, { label: "to its twin", title: "Straight through latent space" }));
    }
  }

  function draw() {
    moved.clear();
    grid.replaceChildren(...model.sliders.map((slider, index) => makeSlider(index, slider)));
    drawWay();
    reset.hidden = model.sliders.length === 0;
    hint.textContent = model.hint;
  }
  model.on("version", draw);
  model.on("has_twin", drawWay);
  draw();
}
