"""The web: server-rendered pages for people, in Chinese, a sibling of the API (`services.app` puts both together).

A page in three steps
    1. `pages/<noun>.py` with a `router = APIRouter()`; the application finds it by itself. Each endpoint takes
       `call: Visitor` first (`forgery.Visitor`: logged in; a change also needs our page's token), opens
       `with call.read() as session` or `call.write()`, makes one call into a service, and returns
       `render(request, call, "<noun>/page.html", fragment="<noun>/list.html", **values)`. No query here.
    2. `templates/<noun>/page.html` extends `base.html` (blocks title, css, js, main) and includes
       `<noun>/list.html`: list, table and fragment templates are siblings. Where htmx asks (`HX-Request`), `render`
       sends the fragment alone; in it `hx` is true, for parts beside the target (`hx-swap-oob`).
    3. `navigation.py` has the entries of all planned pages: one shows up as soon as a router has its path.
       After naming a new icon run `tools/build_assets.py --icons`. Styles of one page go into `static/<noun>.css`,
       its script into `static/<noun>.js`, linked in the blocks with `'<noun>.css'|static`; scripts there run before
       app.js, which starts Tom Select and flatpickr where their files were linked.

Templates are given
    `call`, `now`, `csrf`, `path`, `hx`, `me` (Profile) and `side` (only on whole pages), and what `render` was given.
    `LIGHTS`, and filters: `'app.css'|static`, `'bell'|icon(css='')`, `day` (2026-03-01), `due_day` (the last day
    before a deadline's instant), `moment` (with the time), `when(now)` (as short as it can be), `weekday`.
    A name that was not given is an error, never an empty place.

Macros (every template has them as `ui`)
    light(light, text=true) · kind(procedure, title) · tag(text, 'red'|'yellow'|'') · person(name, note) · head(title,
    lead) with buttons by `{% call %}` · back(href, text) · empty(icon, title, text), nothing_left(title, text),
    nothing_matches(clear_href) · csrf(csrf) for plain forms (htmx sends a header by itself) · select(name, label,
    choices, value, all, wide, searchable) · field(name, label, error, hint, required) around a control with the
    attributes control(name, error, hint, required) · summary(errors) on top of a form · alarm(text) · tile(…) ·
    pager(base, address, cursor, next, shown). CSS classes: card (pad), card-head, cols (even), facts, seg, filters,
    filter-row, rows (two-line list, cards on a phone), letters, btn, btn-primary, btn-sm, btn-i, dim, hint, code.

What pages do by attributes alone (static/app.js; no inline script, no hx-on, no trigger filters)
    data-typed: fires `typed` when the hand rests, never while an input method composes · data-submit: Ctrl+Enter ·
    data-searchable, data-date, data-count="2000": Tom Select, flatpickr, counter (the page links their files) ·
    data-rows: J, K, Enter · data-pick, data-pick-all, data-bulk: choosing several · data-dialog="#keys", data-close,
    data-copy, data-print, data-focus · data-quiet: its failures are nobody's business · hx-confirm: our own dialog ·
    hx-target="#dialog-body" or "#drawer-body": whatever comes back opens as a dialog (its heading has the id
    dialog-title or drawer-title).
    `duban:theme` is dispatched on the document when light and dark change: charts redraw.

Answers to changes
    `done("已签收 2 件", refresh=True, counted=True, close=True)`: 204 with a toast, and events `duban:refresh` (lists
    listen with `hx-trigger="…, duban:refresh from:body"`), `duban:counted` (the frame's numbers), `duban:close`
    (dialogs). A form that is wrong: `render(…, status=422)` with the fragment, everything typed in it. A conflict
    (`Conflict`, 409): catch it and render what changed with status 409, which htmx swaps as well. Every other
    DubanError may rise: troubles.py shows its `zh` as a toast, or as a page with what to do. When a session ends
    while somebody types, a dialog asks for the password and then sends the same form: nothing is lost.

Attention (services.notifications.attention)
    The page of a matter calls `note_seen` (its row is bold until then) and offers POST /matters/{id}/follow and
    /unfollow, which answer with the event `duban:followed` (true or false).
"""
