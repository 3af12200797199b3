/* Drafts: what was typed in form[data-draft] is kept in this browser until it was sent; after a week nobody is shown
   it any more, and the next form that is opened drops it. */
(() => {
  const WEEK = 7 * 24 * 3600 * 1000;
  const PREFIX = "draft:";
  const key = (form) => PREFIX + form.dataset.draft;
  function kept(form) {
    const sealed = new Set([...form.querySelectorAll("[data-sealed] [name]")].map((field) => field.name));  // not left behind on a shared machine
    return [...new FormData(form).entries()].filter(([name, value]) => name.startsWith("a.") && typeof value === "string" && !sealed.has(name));
  }

  function save(form) {
    const names = {};
    form.querySelectorAll("select[data-pick-from]").forEach((select) => [...select.selectedOptions].forEach((option) => { names[option.value] = option.textContent; }));
    try { localStorage.setItem(key(form), JSON.stringify({ at: Date.now(), values: kept(form), names })); } catch { /* storage is full or off */ }
  }
  function read(name) {
    try {
      const found = JSON.parse(localStorage.getItem(name));
      return found && Date.now() - found.at < WEEK ? found : null;
    } catch { return null; }
  }
  function dropThose(wanted) {
    try { Object.keys(localStorage).filter((name) => name.startsWith(PREFIX) && wanted(name)).forEach((name) => localStorage.removeItem(name)); } catch { /* storage is off */ }
  }
  function restore(form) {
    if (form.dataset.restored) return;
    form.dataset.restored = "yes";
    if (form.querySelector("[aria-invalid], .alarm") || form.parentElement.querySelector(".alarm")) return;  // the server has just given it back
    const draft = read(key(form));
    if (!draft || JSON.stringify(draft.values) === JSON.stringify(kept(form))) return;
    rows(form, draft.values);
    const given = Map.groupBy ? Map.groupBy(draft.values, ([name]) => name) : grouped(draft.values);
    [...form.querySelectorAll("[name^='a.']")].filter((field) => !field.closest("[data-sealed]")).forEach((field) => fill(field, (given.get(field.name) || []).map(([, value]) => value), draft.names));
    files(form, draft.values);
    form.querySelector("[data-draft-note]").hidden = false;
  }
  function grouped(values) {
    const map = new Map();
    values.forEach((pair) => map.set(pair[0], [...(map.get(pair[0]) || []), pair]));
    return map;
  }
  function rows(form, values) {
    form.querySelectorAll("[data-rows-of]").forEach((set) => {
      const start = `a.${set.dataset.rowsOf}.`;
      const wanted = new Set(values.filter(([name]) => name.startsWith(start)).map(([name]) => Number(name.slice(start.length).split(".")[0])));
      const most = Math.max(-1, ...wanted);
      while (set.querySelectorAll("[data-row-of]").length <= most && most < 100) set.querySelector("[data-add-row]").click();
    });
  }
  function fill(field, values, names) {
    if (field.type === "checkbox" || field.type === "radio") field.checked = values.includes(field.value);
    else if (field.tomselect) {
      values.filter(Boolean).forEach((value) => field.tomselect.addOption({ value, text: names[value] || field.tomselect.options[value]?.text || value }));
      field.tomselect.setValue(field.multiple ? values : values[0] || "", true);
    } else if (field.type !== "hidden") field.value = values[0] ?? "";
    if (field._flatpickr && values[0]) field._flatpickr.setDate(values[0]);
    if (field.matches("textarea")) field.dispatchEvent(new Event("input", { bubbles: true }));
  }
  function files(form, values) {
    form.querySelectorAll("[data-upload]").forEach((input) => {
      const name = JSON.parse(input.getAttribute("hx-vals")).field;
      const list = input.closest("fieldset").querySelector("[data-files]");
      const there = [...list.querySelectorAll("input")].map((held) => held.value);
      values.filter(([field, value]) => field === name && !there.includes(value)).forEach(([, value]) => list.append(file(name, value)));
    });
  }
  function file(name, value) {
    const [id] = value.split("|", 1), line = document.createElement("li"), link = document.createElement("a"), held = document.createElement("input"), drop = document.createElement("button");
    Object.assign(link, { href: `/attachments/${id}`, textContent: value.slice(id.length + 1) });
    Object.assign(held, { type: "hidden", name, value });
    Object.assign(drop, { type: "button", className: "btn-i sm", textContent: "×", ariaLabel: `移除 ${link.textContent}` });
    drop.dataset.dropFile = "";
    line.append(link, held, drop);
    return line;
  }
  const forms = (root) => [...root.querySelectorAll("form[data-draft]")];
  let rest = 0;
  let unsaved = null;
  function touched({ target }) {
    const form = target.closest?.("form[data-draft]");
    if (!form || !form.dataset.restored) return;
    clearTimeout(rest);
    unsaved = form;
    rest = setTimeout(flush, 400);
  }
  function flush() {
    if (unsaved?.isConnected) save(unsaved);
    unsaved = null;
  }
  addEventListener("pagehide", flush);
  ["input", "change"].forEach((type) => document.addEventListener(type, touched));
  document.addEventListener("duban:performed", ({ detail }) => {
    clearTimeout(rest);
    unsaved = null;
    dropThose((name) => name.endsWith(`-${detail.value}`));
  });
  document.addEventListener("click", ({ target }) => {
    const drop = target.closest("[data-draft-drop]");
    if (!drop) return;
    clearTimeout(rest);
    unsaved = null;
    dropThose((name) => name === key(drop.closest("form")));
    location.reload();
  });
  document.addEventListener("htmx:afterSettle", (event) => setTimeout(() => forms(event.detail.target.parentElement || document).forEach(restore)));
  addEventListener("load", () => {
    dropThose((name) => !read(name));  // a form that nobody came back to
    forms(document).forEach(restore);
  });
})();
