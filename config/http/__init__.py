"""What happens around a request, before and after the views.

addresses     IP addresses in one form
content_type  the media type and its parameters
preconditions  ETag and If-Match
request       requests whose headers can be anything
"""
