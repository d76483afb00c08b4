"""The signed-in operator as the actor of history rows."""

from django.http import HttpRequest

from config.actors import Actor, operator_actor
from config.http.context import current_request_id


def actor_of(request: HttpRequest) -> Actor:
    return operator_actor(request.user.get_username(), current_request_id())
