"""Reasons about device authorizations (RFC 8628)."""

from typing import Final

from actor_oauth.oauth.categories import Category
from actor_oauth.oauth.reasons.rows import Row, Rows

ROWS: Final[Rows] = {
    "device_code_unknown": Row(Category.INVALID_GRANT),
    "device_code_spent": Row(Category.INVALID_GRANT),
    "device_code_expired": Row(Category.EXPIRED_TOKEN),
    "device_pending": Row(Category.AUTHORIZATION_PENDING),
    "device_too_fast": Row(Category.SLOW_DOWN),
    "device_denied": Row(Category.DEVICE_DENIED),
    "too_many_devices": Row(Category.RATE_LIMITED),
}
