"""``/docs``: the reference, made from the schema, and the guides in docs/guides.

reference   what the page shows of each operation
samples     calls in curl, TypeScript and Python
typescript  definitions, cut out of types.ts
markup      Markdown and colours
guides      the guides, and what searches find
views       the pages, rendered once in a process
"""
