"""Alert block: sends one message to Slack, Teams, PagerDuty, e-mail or a web address."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Literal, cast

from apprise import Apprise, AppriseAsset
from prefect.blocks.abstract import NotificationBlock
from pydantic import ConfigDict, Field, SecretStr, field_validator

from blocks.pagerduty_events import Action, send_event
from pipeline.alerts import Severity
from pipeline.transport import PlainHosts, Transport, of_host

APP_NAME = "Insurance Navigator"
_LEVELS: dict[Severity, Literal["info", "warning", "failure"]] = {
    Severity.INFO: "info",
    Severity.WARNING: "warning",
    Severity.CRITICAL: "failure",
}


@contextmanager
def _apprise_silent() -> Iterator[None]:
    """Apprise quotes addresses in its log lines, and an address holds the channel's secret."""
    logger = logging.getLogger("apprise")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


class AlertBlock(NotificationBlock):
    """Where alerts go. An alert that cannot be sent is said in the log and fails nothing."""

    _block_type_name: ClassVar[str | None] = "Navigator Alert"
    _block_type_slug: ClassVar[str | None] = "navigator-alert"
    _description: ClassVar[str | None] = (
        "Where Insurance Navigator tells people that a run failed or stopped, for example because "
        "an account has no money left."
    )

    model_config = ConfigDict(hide_input_in_errors=True)

    address: SecretStr = Field(
        title="Address",
        description=(
            "As Apprise writes it: a Slack or Teams webhook, mailto://user:password@host, "
            "pagerduty://key@api-key, jsons://host/path, …"
        ),
    )
    level: Literal["info", "warning", "failure"] = Field(
        default="warning", title="Level", description="How the channel shows it."
    )

    @field_validator("address")
    @classmethod
    def _known_channel(cls, value: SecretStr) -> SecretStr:
        with _apprise_silent():
            known = Apprise.instantiate(value.get_secret_value())
        if known is None:
            raise ValueError("This is no address that Apprise knows")
        return value

    def transport(self, allowed: PlainHosts) -> Transport:
        """How the connection to the channel is protected."""
        with _apprise_silent():
            channel = Apprise.instantiate(self.address.get_secret_value())
        assert channel is not None, "checked by the block"
        scheme = self.address.get_secret_value().partition(":")[0].lower()
        plain = channel.protocol or ()
        is_plain = scheme in ((plain,) if isinstance(plain, str) else plain)
        if channel.secure or not is_plain:
            return Transport.TLS
        return of_host(channel.host, allowed) if channel.host else Transport.LOCAL

    @property
    def is_pagerduty(self) -> bool:
        """Whether each alert is an event of its own there, which is resolved when it is over."""
        return self.address.get_secret_value().partition(":")[0].lower() == "pagerduty"

    async def send_event(
        self, action: Action, key: str, body: str, severity: Severity
    ) -> str | None:
        """Send one event to PagerDuty; why it was not taken, in words, None when it was.

        Args:
            key: of the alert; the event that resolves it has the same.
        """
        with _apprise_silent():
            channel = Apprise.instantiate(self.address.get_secret_value())
        try:
            return await send_event(cast("Any", channel), action, key, body, severity, APP_NAME)
        except Exception as error:  # as in `send`
            return f"its channel failed ({type(error).__name__})"

    async def notify(self, body: str, subject: str | None = None) -> None:
        """Send one message and wait until it is taken or refused."""
        if (why := await self.send(body, subject or "")) is not None:
            self.logger.warning("the alert %r was not sent: %s", subject, why)

    async def send(self, body: str, subject: str, severity: Severity | None = None) -> str | None:
        """Send one message; why it was not sent, in words, None when it was taken.

        Args:
            severity: How the channel shows it, in the place of the block's own level.
        """
        level = self.level if severity is None else _LEVELS[severity]
        try:
            with _apprise_silent():
                sent = await self._channel().async_notify(
                    body=body, title=subject, notify_type=level
                )
        except Exception as error:
            # Whatever a channel's library raises: the work that is told of matters more.
            return f"its channel failed ({type(error).__name__})"
        return None if sent else "its channel refused it, or was not reached"

    def _channel(self) -> Apprise:
        channel = Apprise(asset=AppriseAsset(app_id=APP_NAME, app_desc=APP_NAME, app_url=""))
        channel.add(self.address.get_secret_value())
        return channel
