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

  function chip({ name, count, on }) {
    const node = make("span", on ? "chip on" : "chip");
    const show = make("button", "show", `${name} · ${count.toLocaleString("en-US")}`);
    show.title = on ? "Shown alone; click to show the others too" : "Show these objects alone";
    show.setAttribute("aria-pressed", on);
    show.onclick = () => send("show", name);
    const forget = make("button", "forget", "✕");
    forget.title = `Forget ${name}`;
    forget.onclick = () => send("forget", name);
    node.append(show, forget);
    return node;
  }

  function draw() {
    save.disabled = model.n_selected === 0;
    save.title = save.disabled ? "Lasso objects on a map first" : "";
    message.textContent = model.message;
    chips.replaceChildren(...model.chips.map(chip));
  }
  for (const name of ["chips", "n_selected", "message"]) model.on(name, draw);
  draw();
}
