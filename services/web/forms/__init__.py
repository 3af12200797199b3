"""Forms on a page: what an action asks for (`fields`), what was typed (`reading`), what is wrong with it
(`objections`), what people, units and matters one can pick (`pickers`), and answers on record in words (`words`).

`fields`, `reading` and `objections` are pure; a form is shown by templates/forms/fields.html.
"""
