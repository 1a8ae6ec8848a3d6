"""Settings of parsing files on this machine: limits, OCR, passwords."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from pipeline.errors import ConfigurationError
from pipeline.passwords import passwords_for
from pipeline.regular_files import read_regular

MIB = 1024 * 1024


class ReadingSettings(BaseSettings):
    """What the local parser may do and cost, and what it needs to know."""

    parse_timeout_seconds: float = Field(
        default=60, gt=0, description="Of the processor, per document, and more for more pages."
    )
    parse_memory_bytes: int = Field(default=1536 * MIB, ge=64 * MIB, description="Per document.")
    parse_workers: int = Field(default=2, ge=1, le=64, description="Local parser processes.")
    max_file_bytes: int = Field(default=512 * MIB, ge=1)
    max_pages: int = Field(default=5000, ge=1)
    ocr: bool = Field(default=False, description="Read scanned pages, when tesseract is installed.")
    ocr_languages: str = Field(
        default="eng",
        pattern=r"^[A-Za-z][A-Za-z_]{1,20}(\+[A-Za-z][A-Za-z_]{1,20}){0,9}$",
        description="By tesseract's names, joined by a plus, e.g. eng+deu.",
    )
    passwords: SecretStr | None = Field(
        default=None,
        description="Of encrypted files: one a line, or a pattern of paths, a tab and a password.",
    )
    password_file: Path | None = Field(default=None, description="A file with such lines.")

    @field_validator("password_file")
    @classmethod
    def _readable(cls, value: Path | None) -> Path | None:
        if value is not None and not value.expanduser().is_file():
            raise ValueError("there is no such file")
        return value

    def _password_lines(self) -> SecretStr | None:
        lines = [self.passwords.get_secret_value()] if self.passwords else []
        if self.password_file is not None:
            try:
                lines.append(read_regular(self.password_file.expanduser()).decode("utf-8-sig"))
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigurationError(
                    f"The file with passwords cannot be read ({type(error).__name__}).",
                    remedy="Check the path of --password-file or NAVIGATOR_PASSWORD_FILE.",
                ) from None
        return SecretStr("\n".join(lines)) if lines else None

    def passwords_for(self, source: str) -> tuple[str, ...]:
        """The passwords to try on a file when it is encrypted.

        Raises:
            ConfigurationError: the file with passwords cannot be read.
        """
        return passwords_for(source, self._password_lines())
