"""What SageMaker's instances cost, as far as that is known without asking AWS."""

from __future__ import annotations

from collections.abc import Mapping

HOURLY_USD: Mapping[str, float] = {
    "ml.m5.large": 0.115,
    "ml.m5.xlarge": 0.23,
    "ml.m5.2xlarge": 0.461,
    "ml.c5.xlarge": 0.204,
    "ml.g4dn.xlarge": 0.7364,
    "ml.g5.xlarge": 1.408,
    "ml.p3.2xlarge": 3.825,
}
"""US dollars an hour of an instance, on demand in us-east-1, for training and real-time inference alike.

Source: Amazon SageMaker AI pricing, 2025. Other regions cost more, mostly by less than a third, and AWS changes prices.
"""


def hourly_price(instance_type: str, instances: int = 1) -> str | None:
    """What instances cost an hour, as text; None where that is not known."""
    price = HOURLY_USD.get(instance_type)
    return None if price is None else f"${price * instances:,.2f} an hour"


def cost(instance_type: str | None, seconds: float | None) -> float | None:
    """US dollars for so many seconds of one instance; None where that is not known."""
    price = HOURLY_USD.get(instance_type or "")
    return None if price is None or seconds is None else price * seconds / 3600


def priced(instance_type: str) -> str:
    """An instance type with what it costs an hour, where that is known."""
    price = hourly_price(instance_type)
    return instance_type if price is None else f"{instance_type}, {price}"
