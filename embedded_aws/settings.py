"""What a person can set about the embedded AWS, read once from `SCONES_*` variables or a `.env` file."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from embedded_aws.errors import EmbeddedAwsError


class EmbeddedSettings(BaseSettings):
    """The settings; each has a default, so that nothing needs setting."""

    model_config = SettingsConfigDict(env_prefix="SCONES_", env_file=".env", extra="ignore", frozen=True)

    state_dir: Path = Field(
        default=Path(".scones"),
        description="Folder of the embedded AWS; deleting it erases everything in it.",
    )
    capture_age_seconds: float = Field(
        default=5.0,
        ge=0,
        le=3600,
        description="How long the embedded AWS writes to a captured file before it goes to S3, in seconds; "
        "less than AWS's minute, for people who wait.",
    )


def load_settings() -> EmbeddedSettings:
    """Read the settings; raises EmbeddedAwsError naming each variable that is wrong."""
    try:
        return EmbeddedSettings()
    except ValidationError as error:
        problems = "; ".join(f"SCONES_{str(item['loc'][0]).upper()}: {item['msg']}" for item in error.errors())
        raise EmbeddedAwsError(f"The settings cannot be used ({problems}). Correct them and start again.") from error
