"""Tables of the admin: submitted forms, sign-in attempts and second factors."""

import json
import logging
import secrets
import time
from base64 import b32encode
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import models
from django.utils.crypto import constant_time_compare
from django_otp.models import Device, ThrottlingMixin, TimestampMixin
from django_otp.oath import TOTP

from config.admin.sign_in.sealing import CannotOpen, seal, unseal
from config.db.fields import CreatedAt, not_blank

logger = logging.getLogger(__name__)


class SubmittedForm(models.Model):
    """A form that was carried out, by the token of its page.

    The row is inserted in the transaction of the change. Its primary key guarantees that a form
    is carried out once: a second post of the same page waits for that transaction and then finds
    this row.
    """

    token = models.UUIDField(primary_key=True)
    actor = models.CharField(max_length=128)
    path = models.CharField(max_length=512)
    # Where the first post redirected to, and its message.
    location = models.CharField(max_length=1024, blank=True, default="")
    message = models.CharField(max_length=1024, blank=True, default="")
    # Digest of operator, page and values, to ask before the same is sent from another tab.
    # Empty if a repetition does no harm.
    digest = models.CharField(max_length=64, blank=True, default="", db_index=True)
    created_at = CreatedAt(db_index=True)

    class Meta:
        constraints = [not_blank("actor", name="submitted_form_actor_named")]

    def __str__(self) -> str:
        return str(self.token)


class SignInWindow(models.Model):
    """Sign-in attempts of one scope in the current minute. Unlogged: a crash may lose them."""

    scope = models.CharField(primary_key=True, max_length=64)
    window_start = models.DateTimeField()
    used = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.scope} {self.used}"


class SealedDevice(TimestampMixin, ThrottlingMixin, Device):
    """A second factor. Its secret is encrypted under a key outside the database."""

    sealed = models.TextField()

    class Meta(Device.Meta):
        abstract = True

    @property
    def secret(self) -> str:
        return unseal(self.sealed, user_id=self.user_id)

    @secret.setter
    def secret(self, secret: str) -> None:
        self.sealed = seal(secret, user_id=self.user_id)

    def get_throttle_factor(self) -> int:
        return 1

    def verify_token(self, token: str) -> bool:
        """Check a code and count the attempt. The caller holds the row's lock.

        ``django_otp.match_token`` takes that lock, and shows each code to every device. A code
        with the form of another factor does not count here: else a right recovery code would
        throttle the app.
        """
        if not self.has_form(token):
            return False
        allowed, _ = self.verify_is_allowed()
        if not allowed:
            return False
        try:
            verified = self.accept(token)
        except CannotOpen as error:
            logger.error(
                "the second factor of operator %s can't be decrypted: %s", self.user_id, error
            )
            return False
        if verified:
            self.throttle_reset(commit=False)
            self.set_last_used_timestamp(commit=False)
            self.save()
        else:
            self.throttle_increment(commit=True)
        return verified

    def has_form(self, token: str) -> bool:
        """Return whether a token has the form of this factor's codes."""
        raise NotImplementedError

    def accept(self, token: str) -> bool:
        """Return whether the token is right, and mark it as used."""
        raise NotImplementedError


class Authenticator(SealedDevice):
    """An app that shows time-based codes (RFC 6238). Each code is accepted once."""

    STEP, DIGITS, TOLERANCE = 30, 6, 1

    # The drift of the app's clock, and the last step whose code was accepted.
    drift = models.SmallIntegerField(default=0)
    last_t = models.BigIntegerField(default=-1)

    class Meta(SealedDevice.Meta):
        constraints = [
            # One in use, and one being set up.
            models.UniqueConstraint(
                fields=["user", "confirmed"], name="authenticator_one_for_each_operator"
            ),
            not_blank("sealed", name="authenticator_sealed"),
        ]

    @staticmethod
    def new_secret() -> str:
        return secrets.token_hex(20)

    @property
    def bin_key(self) -> bytes:
        return bytes.fromhex(self.secret)

    @property
    def totp(self) -> TOTP:
        totp = TOTP(self.bin_key, self.STEP, 0, self.DIGITS, self.drift)
        totp.time = time.time()
        return totp

    def has_form(self, token: str) -> bool:
        return token.isascii() and token.isdigit() and len(token) == self.DIGITS

    def accept(self, token: str) -> bool:
        totp = self.totp
        if not totp.verify(int(token), self.TOLERANCE, self.last_t + 1):
            return False
        self.last_t, self.drift = totp.t(), totp.drift
        return True

    @property
    def config_url(self) -> str:
        """Return the URL that apps read from a QR code."""
        issuer = settings.OTP_TOTP_ISSUER
        label = quote(f"{issuer}:{self.user.get_username()}")
        secret = b32encode(self.bin_key).decode()
        return f"otpauth://totp/{label}?" + urlencode(
            {
                "secret": secret,
                "algorithm": "SHA1",
                "digits": self.DIGITS,
                "period": self.STEP,
                "issuer": issuer,
            }
        )


class RecoveryCodes(SealedDevice):
    """Recovery codes for a lost phone. Each is accepted once."""

    LENGTH = 8

    class Meta(SealedDevice.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["user"], name="recovery_codes_one_set_for_each_operator"
            ),
            not_blank("sealed", name="recovery_codes_sealed"),
        ]

    @property
    def codes(self) -> list[str]:
        found: list[str] = json.loads(self.secret)
        return found

    @codes.setter
    def codes(self, codes: list[str]) -> None:
        self.secret = json.dumps(codes)

    @staticmethod
    def new_codes(number: int) -> list[str]:
        return [b32encode(secrets.token_bytes(5)).decode().lower() for _ in range(number)]

    def has_form(self, token: str) -> bool:
        return len(token) == self.LENGTH

    def accept(self, token: str) -> bool:
        codes = self.codes
        left = [code for code in codes if not constant_time_compare(code, token)]
        if len(left) == len(codes):
            return False
        self.codes = left
        return True


def sealed_devices(**filters: Any) -> list[SealedDevice]:
    """Return all second factors, including those being set up."""
    return [
        device
        for kind in (Authenticator, RecoveryCodes)
        for device in kind.objects.filter(**filters)
    ]
