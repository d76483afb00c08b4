"""The same order as most Django projects would write it: serializers, a ModelSerializer, the ORM, bulk_create
and bulk_update, one transaction, rows locked with select_for_update. The same rows are written."""

from decimal import Decimal
from typing import Any

from django.db import transaction
from django.urls import path
from rest_framework import serializers, status
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from apikeys import key_format
from apikeys.models import ApiKey
from config.actors import new_request_id
from numbers.models import Assignment, CreditAccount, CreditEntry, NumberEvent, Order, PhoneNumber


class KeyUser:
    is_authenticated = True

    def __init__(self, key: ApiKey) -> None:
        self.key = key
        self.organization = key.organization


class KeyAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[KeyUser, ApiKey]:
        _, _, secret = request.headers.get("Authorization", "").partition(" ")
        key = (
            ApiKey.objects.live()
            .select_related("organization")
            .filter(digest=key_format.digest(secret))
            .first()
        )
        if key is None or key.organization.status != "ACTIVE":
            raise AuthenticationFailed()
        return KeyUser(key), key


class KeyThrottle(SimpleRateThrottle):
    scope = "key"
    num_requests: int

    def get_rate(self) -> str:
        return "100000000/min"

    def allow_request(self, request: Request, view: Any) -> bool:
        # DRF's own keeps a list of every request of the minute; a counter is kinder to it.
        key = f"throttle-{request.user.organization.pk}"
        self.cache.add(key, 0, 60)
        return bool(self.cache.incr(key) < self.num_requests)


class OrderSerializer(serializers.Serializer):
    numbers = serializers.ListField(
        child=serializers.RegexField(r"^\+[1-9][0-9]{1,14}$"), min_length=1, max_length=100
    )
    inbound_url = serializers.URLField(max_length=2048, required=False, default="")
    status_url = serializers.URLField(max_length=2048, required=False, default="")
    campaign_id = serializers.UUIDField(required=False, allow_null=True, default=None)
    label = serializers.CharField(max_length=64, required=False, default="")

    def validate_numbers(self, numbers: list[str]) -> list[str]:
        if len(set(numbers)) < len(numbers):
            raise serializers.ValidationError("name each number once")
        return numbers


class AssignmentSerializer(serializers.ModelSerializer):
    number = serializers.CharField(source="number.number")
    number_type = serializers.CharField(source="number.number_type")
    sms_enabled = serializers.BooleanField(source="number.sms_enabled")
    mms_enabled = serializers.BooleanField(source="number.mms_enabled")

    class Meta:
        model = Assignment
        fields = [
            "id",
            "number",
            "number_type",
            "inbound_url",
            "status_url",
            "label",
            "campaign_id",
            "sms_enabled",
            "mms_enabled",
            "created_at",
            "updated_at",
        ]


class OrderView(APIView):
    authentication_classes = [KeyAuthentication]
    permission_classes = [IsAuthenticated]
    throttle_classes = [KeyThrottle]

    def post(self, request: Request) -> Response:
        if "numbers:write" not in request.auth.scopes:
            raise PermissionDenied()
        serializer = OrderSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        with transaction.atomic():
            account = CreditAccount.objects.select_for_update(no_key=True).get(
                organization=request.user.organization
            )
            numbers = list(
                PhoneNumber.objects.select_for_update(no_key=True)
                .filter(number__in=data["numbers"])
                .order_by("id")
            )
            free = [
                number
                for number in numbers
                if number.status == "available" and number.held_until is None
            ]
            if len(free) < len(data["numbers"]):
                return Response({"available_count": len(free)}, status=status.HTTP_409_CONFLICT)
            total = sum((number.price for number in numbers), Decimal("0.00"))
            if total > account.balance:
                return Response({"required": total}, status=status.HTTP_402_PAYMENT_REQUIRED)
            order, assignments = _write(request, account, numbers, total, data)
        lines = AssignmentSerializer(assignments, many=True).data
        return Response({"success": True, "data": lines, "meta": {"order_id": order.pk}})


def _write(
    request: Request,
    account: CreditAccount,
    numbers: list[PhoneNumber],
    total: Decimal,
    data: dict[str, Any],
) -> tuple[Order, list[Assignment]]:
    from django.utils import timezone

    at = timezone.now()
    organization = request.user.organization
    who = {"actor": f"key:{request.auth.prefix}", "request_id": new_request_id()}
    routing = {name: data[name] for name in ("inbound_url", "status_url", "label", "campaign_id")}
    order = Order.objects.create(
        organization=organization,
        kind="named",
        status="complete",
        quantity=len(numbers),
        total=total,
        currency=account.currency,
        api_key_id=request.auth.pk,
        created_at=at,
        finished_at=at,
        **routing,
        **who,
    )
    assignments = Assignment.objects.bulk_create(
        Assignment(
            number=number,
            organization=organization,
            order=order,
            price=number.price,
            created_at=at,
            updated_at=at,
            **routing,
        )
        for number in numbers
    )
    NumberEvent.objects.bulk_create(
        NumberEvent(
            at=at,
            number_id=number.pk,
            kind="assigned",
            organization_id=organization.pk,
            assignment_id=assignment.pk,
            order_id=order.pk,
            before={"status": number.status},
            after={
                "status": "assigned",
                "price": float(number.price),
                "campaign_id": data["campaign_id"],
            },
            **who,
        )
        for number, assignment in zip(numbers, assignments, strict=True)
    )
    for number in numbers:
        number.status, number.updated_at = "assigned", at
    PhoneNumber.objects.bulk_update(numbers, ["status", "updated_at"])
    CreditEntry.objects.create(
        account=account,
        entry=account.entries + 1,
        kind="charge",
        amount=-total,
        balance_before=account.balance,
        balance_after=account.balance - total,
        currency=account.currency,
        order=order,
        created_at=at,
        **who,
    )
    account.balance -= total
    account.entries += 1
    account.save()
    return order, assignments


urlpatterns = [path("v1/phone-numbers/orders", OrderView.as_view())]
