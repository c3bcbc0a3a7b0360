"""What a person can set, read once from `SCONES_*` variables or a `.env` file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, HttpUrl, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from backend.errors import ConfigurationError


class Settings(BaseSettings):
    """The settings; each has a default, so that nothing needs setting on a laptop."""

    model_config = SettingsConfigDict(env_prefix="SCONES_", env_file=".env", extra="ignore", frozen=True)

    environment: Literal["embedded", "aws"] = Field(
        default="embedded",
        description="Where things run: `embedded` on this machine, `aws` in the account that boto3 finds.",
    )
    region: str | None = Field(
        default=None,
        description="AWS region; unset, the one that boto3 finds. The embedded AWS is always in `us-east-1`.",
    )
    project: str = Field(
        default="scones-unlimited",
        pattern=r"^[a-z][a-z0-9-]{1,26}[a-z0-9]$",
        description="Prefix of every resource's name and value of its tag; two projects never meet.",
    )
    state_dir: Path = Field(
        default=Path(".scones"),
        description="Folder for downloads, caches and the embedded AWS; deleting it erases everything local.",
    )
    dataset_url: str = Field(
        default="https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
        description="Where the CIFAR-100 archive is downloaded from.",
    )
    alerts_seconds: float = Field(
        default=60.0,
        ge=0,
        description="How often the app evaluates the rules of its Alerts page, in seconds; at 0 it does not, and "
        "`python -m backend.monitor` does.",
    )
    access: Literal["auto", "token", "open"] = Field(
        default="auto",
        description="Who may use the app: `token` asks for the token in the address that it prints, `open` lets every "
        "user of this machine in, `auto` asks on AWS or where a token is set.",
    )
    token: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="The token, of 16 characters at least; unset, each start makes a new one.",
    )
    public_url: HttpUrl | None = Field(
        default=None,
        description="Where people reach the app if that is not its own port, as behind a proxy: "
        "`https://scones.example.com`.",
    )


def load_settings() -> Settings:
    """Read the settings; raises ConfigurationError naming each variable that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        problems = "; ".join(f"SCONES_{str(item['loc'][0]).upper()}: {item['msg']}" for item in error.errors())
        raise ConfigurationError(f"The settings cannot be used ({problems}). Correct them and start again.") from error
