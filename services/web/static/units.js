/* The organisation tree: one tab stop, arrows to walk and to fold; as in the ARIA pattern of a tree. */
(() => {
  const tree = () => document.querySelector("[role=tree]");
  const items = () => [...tree().querySelectorAll("[role=treeitem]")];
  const level = (item) => Number(item.getAttribute("aria-level"));

  function fold(item, open) {
    item.setAttribute("aria-expanded", open);
    const list = items();
    let closed = open ? Infinity : level(item);
    for (const next of list.slice(list.indexOf(item) + 1)) {
      if (level(next) <= level(item)) break;
      if (level(next) <= closed) closed = Infinity;
      next.hidden = level(next) > closed;
      if (next.getAttribute("aria-expanded") === "false" && !next.hidden) closed = level(next);
    }
  }
  function go(item) {
    if (!item) return;
    items().forEach((other) => { other.tabIndex = -1; });
    item.tabIndex = 0;
    item.focus();
  }
  function parentOf(item) {
    const list = items();
    return list.slice(0, list.indexOf(item)).reverse().find((above) => level(above) < level(item));
  }
  const moves = {
    ArrowDown: (item, seen) => go(seen[seen.indexOf(item) + 1]),
    ArrowUp: (item, seen) => go(seen[seen.indexOf(item) - 1]),
    Home: (item, seen) => go(seen[0]),
    End: (item, seen) => go(seen.at(-1)),
    ArrowRight: (item, seen) => {
      if (item.getAttribute("aria-expanded") === "false") fold(item, true);
      else if (item.hasAttribute("aria-expanded")) go(seen[seen.indexOf(item) + 1]);
    },
    ArrowLeft: (item) => (item.getAttribute("aria-expanded") === "true" ? fold(item, false) : go(parentOf(item))),
    " ": (item) => item.click(),
  };
  document.addEventListener("keydown", (event) => {
    const item = event.target.closest?.("[role=treeitem]");
    if (!item || !moves[event.key] || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    moves[event.key](item, items().filter((one) => !one.hidden));
  }, true);
  document.addEventListener("click", (event) => {
    const twist = event.target.closest("[data-twist]");
    const item = event.target.closest("[role=treeitem]");
    if (!item) return;
    if (twist) {
      event.preventDefault();
      event.stopPropagation();
      fold(item, item.getAttribute("aria-expanded") !== "true");
      return;
    }
    items().forEach((other) => other.setAttribute("aria-selected", other === item));
    items().forEach((other) => { other.tabIndex = other === item ? 0 : -1; });
    document.querySelector("#chosen").value = item.dataset.unit;
  }, true);
})();
