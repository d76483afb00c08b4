"""What happens around a request.

- ``middleware``: middleware of the project.
- ``context``: the request id and its caller.
- ``limits``: hosts and sizes.
- ``uploads``: files of operators.
- ``addresses``: IP addresses in one form.
- ``client_address``: the client behind trusted proxies.
- ``admin_requests``: query strings, forms and errors of the admin.
- ``content_type``: the media type and its parameters.
- ``preconditions``: ETag and If-Match.
- ``request``: requests whose headers can be anything.
"""
