// The export menu: one link a format, under what can be exported; a reason where nothing can.
export function render({ model, el }) {
  const menu = document.createElement("details");
  const content = document.createElement("div");
  content.className = "menu";
  menu.innerHTML = "<summary>Export</summary>";
  menu.appendChild(content);
  el.appendChild(menu);

  const line = (className, text) => {
    const node = document.createElement("div");
    node.className = className;
    node.textContent = text;
    return node;
  };

  function linksOf(choice) {
    const links = line("links", "");
    for (const [label, ending] of Object.entries(model.formats)) {
      const link = document.createElement("a");
      link.textContent = label;
      link.href = `export/${model.session_id}/${choice.name}.${ending}`;
      link.download = "";
      link.onclick = () => { menu.open = false; };
      links.appendChild(link);
    }
    return links;
  }

  function draw() {
    content.replaceChildren();
    for (const choice of model.choices) {
      const what = line("what", choice.label);
      what.dataset.name = choice.name;
      content.append(what, choice.reason ? line("reason", choice.reason) : linksOf(choice));
    }
  }

  const leave = (event) => {
    if (!event.composedPath().includes(menu)) menu.open = false;
  };
  document.addEventListener("pointerdown", leave);
  model.on("choices", draw);
  model.on("remove", () => document.removeEventListener("pointerdown", leave));
  draw();
}
