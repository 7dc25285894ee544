// Saved selections: a field for a name, a button, and a chip for each.
export function render({ model, el }) {
  const make = (tag, className, text = "") => {
    const node = document.createElement(tag);
    node.className = className;
    node.textContent = text;
    return node;
  };
  const send = (type, name) => model.send_msg({ type, name });
  const add = make("div", "add");
  const field = make("input", "field");
  field.placeholder = "name";
  field.maxLength = 40;
  field.setAttribute("aria-label", "Name of the selection");
  const save = make("button", "save", "Save selection");
  add.append(field, save);
  const message = make("div", "message");
  message.setAttribute("role", "alert");
  const chips = make("div", "chips");
  el.append(make("div", "name", "Saved selections"), add, message, chips);

  const keep = () => {
    if (save.disabled) return;
    send("save", field.value);
    field.value = "";
  };
  save.onclick = keep;
  field.addEventListener("keydown", (event) => { if (event.key === "Enter") keep(); });

  // A chip keeps its nodes while its selection is kept: one that is put in anew between press and
  // release would lose the click.
  const nodes = new Map();
  function makeChip(name) {
    const node = make("span", "chip");
    const show = make("button", "show");
    show.onclick = () => send("show", name);
    const forget = make("button", "forget", "✕");
    forget.title = `Forget ${name}`;
    forget.onclick = () => send("forget", name);
    node.append(show, forget);
    chips.append(node);
    return node;
  }

  function drawChip({ name, count, on }) {
    if (!nodes.has(name)) nodes.set(name, makeChip(name));
    const node = nodes.get(name);
    node.classList.toggle("on", on);
    const show = node.firstChild;
    const text = `${name} · ${count.toLocaleString("en-US")}`;
    if (show.textContent !== text) show.textContent = text;
    show.title = on ? "Shown alone; click to show the others too" : "Show these objects alone";
    show.setAttribute("aria-pressed", on);
  }

  function draw() {
    save.disabled = model.n_selected === 0;
    save.title = save.disabled ? "Lasso objects on a map first" : "";
    message.textContent = model.message;
    const kept = new Set(model.chips.map(({ name }) => name));
    for (const [name, node] of nodes) {
      if (kept.has(name)) continue;
      node.remove();
      nodes.delete(name);
    }
    model.chips.forEach(drawChip);
  }
  for (const name of ["chips", "n_selected", "message"]) model.on(name, draw);
  draw();
}
