// Search and filters of the list of functions. The table is complete without this
// script; what it does is to hide rows.
"use strict";
(() => {
  const list = document.getElementById("functions-list"), form = document.getElementById("find");
  if (!list || !form) return;
  const field = name => document.getElementById("find-" + name);
  const found = document.getElementById("found");
  const variants = Number(form.dataset.variants);
  form.hidden = false;

  // A cell such as "CBS s/BS": {"": "CBS", "s": "BS"}, phases by context.
  const parse = text => {
    const moments = {};
    for (const word of text.split(" ").filter(Boolean)) {
      const cut = word.indexOf("/");
      moments[cut < 0 ? "" : word.slice(0, cut)] = word.slice(cut + 1);
    }
    return moments;
  };
  let rows; // read when first needed: a page that nobody searches loads faster
  const read = () => rows ??= Array.from(document.getElementById("functions-table").tBodies[0].rows, row => ({
    row, text: (row.cells[0].textContent + " " + row.cells[1].textContent).toLowerCase(),
    subsystem: row.cells[1].textContent.replace(" ?", ""),
    moments: Array.from(row.cells).slice(2, 2 + variants).map(cell => parse(cell.textContent)),
  }));

  const filter = () => {
    const words = field("name").value.toLowerCase().split(/\s+/).filter(Boolean);
    const phase = field("phase").value, context = field("context").value, subsystem = field("subsystem").value;
    const [how, variant] = field("variant").value.split(" ");
    const reached = moments => Object.entries(moments).some(([c, phases]) => (context === "*" || c === context) && phases.includes(phase));
    let n = 0;
    for (const r of read()) {
      const by = r.moments.map(reached), any = by.includes(true);
      const shown = any && words.every(w => r.text.includes(w)) && (!subsystem || r.subsystem === subsystem) &&
        (!how || (how === "not" ? !by[variant] : by[variant] && (how === "by" || by.filter(Boolean).length === 1)));
      r.row.hidden = !shown;
      n += shown;
    }
    found.textContent = n + " of " + rows.length + " functions";
  };
  let timer;
  const later = () => { clearTimeout(timer); timer = setTimeout(filter, 80); };
  form.addEventListener("input", later);
  form.addEventListener("reset", later);
  form.addEventListener("submit", event => event.preventDefault());
})();
