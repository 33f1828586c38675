"""Requests to an S3 service, repeated while there is hope; what is refused is said in words that help."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from embank.plugins import BankError
from embank_plugins.banks.retries import Failure, Service, retry_after, unanswered

CONNECT, READ = 10, 60  # s
AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
CODES_AGAIN = frozenset(
    {"BadDigest", "ConditionalRequestConflict", "IncompleteBody", "OperationAborted", "RequestTimeout", "SlowDown"}
)
KEYS = "bank_s3_access_key and bank_s3_secret_key in [s3_client]"
EXPLAINED = {
    "AccessDenied": f"the access key may not: give it the right to, or another key as {KEYS}",
    "EntityTooLarge": "it is larger than what the service takes: lower bank_s3_segment_size in [s3_bank_plugin]",
    "InvalidAccessKeyId": f"the service does not know the access key: see {KEYS}",
    "InvalidBucketName": "that is no name of a bucket: see bank_s3_object_bucket in [s3_bank_plugin]",
    "NotImplemented": "the service cannot do what the bank needs: docs/banks.md says what that is",
    "QuotaExceeded": "the quota is used up: make room, or have it raised",
    "RequestTimeTooSkewed": "the clock of this machine is not the service's: set it right",
    "SignatureDoesNotMatch": f"the secret key is not that of the access key: see {KEYS}",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the service is, and who uses it. Without keys: those that boto3 finds (variables, files, a role)."""

    endpoint: str | None
    region: str | None
    access_key: str | None
    secret_key: str | None
    verify: bool | str


BY_STATUS = {403: "AccessDenied", 413: "EntityTooLarge", 501: "NotImplemented"}


class Denied(BankError):
    """The access key may not do this."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What boto3 returns; or nothing, and S3's code of an error that was expected, such as `NoSuchKey`."""

    data: Mapping[str, Any]
    refused: str = ""


class S3Client(Service):
    """boto3, with tries of our own: its own would repeat a put without asking what became of the first.

    Threads share it; a process that was forked gets connections of its own.
    """

    def __init__(self, settings: Settings, name: str, in_all: float) -> None:
        super().__init__(name, in_all)
        self._settings = settings
        self._clients: dict[int, Any] = {}

    def call(self, operation: str, action: str, expect: Collection[str] = (), **given: Any) -> Reply:
        """Ask until there is an answer, or an error that is expected. Raises BankError. See `attempt`."""
        return self.persist(lambda: self.attempt(operation, action, expect, **given), action)

    def attempt(self, operation: str, action: str, expect: Collection[str] = (), **given: Any) -> Reply | Failure:
        """Ask once. `operation` is a method of boto3's client, `given` its arguments."""
        from botocore import exceptions

        body = given.get("Body")
        if body is not None and not isinstance(body, bytes):
            body.seek(0)
        try:
            answer = getattr(self._client(), operation)(**given)
        except exceptions.ClientError as error:
            return self._judge(error.response, expect, action)
        except exceptions.SSLError as error:
            hint = "bank_s3_ca_cert_file in [s3_client] names a file of certificates"
            raise self.cannot(action, f"{error}; {hint}") from error
        except (exceptions.ConnectionError, exceptions.HTTPClientError) as error:
            return unanswered(error)
        except exceptions.BotoCoreError as error:
            raise self.cannot(action, str(error)) from error
        return Reply(answer)

    def _judge(self, response: Any, expect: Collection[str], action: str) -> Reply | Failure:
        code, text = response["Error"].get("Code", ""), response["Error"].get("Message", "")
        status = response["ResponseMetadata"]["HTTPStatusCode"]
        if code in expect:
            return Reply({}, code)
        said = f"the service answers {status} {code}: {text}".replace(f"{status} {status}:", f"{status}")
        if code in CODES_AGAIN or status in AGAIN:
            return Failure(said, retry_after(response["ResponseMetadata"]["HTTPHeaders"].get("retry-after")))
        explained = EXPLAINED.get(code) or EXPLAINED.get(BY_STATUS.get(status, ""))
        error = self.cannot(action, f"{explained} ({said})" if explained else said)
        raise Denied(str(error)) if status == 403 else error

    def _client(self) -> Any:
        mine = os.getpid()
        return self._clients.get(mine) or self._clients.setdefault(mine, _connect(self._settings))


def _connect(settings: Settings) -> Any:
    try:
        from boto3.session import Session
        from botocore.config import Config
    except ImportError as error:
        raise BankError(f"the S3 bank needs boto3: pip install 'embank[s3]' ({error})") from error
    config = Config(
        signature_version="s3v4",
        connect_timeout=CONNECT,
        read_timeout=READ,
        max_pool_connections=50,
        retries={"total_max_attempts": 1},
        s3={"addressing_style": "path" if settings.endpoint else "auto"},
        # what only S3 itself understands is sent only where it has to be
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return Session().client(
        "s3",
        endpoint_url=settings.endpoint,
        region_name=settings.region or ("us-east-1" if settings.endpoint else None),
        aws_access_key_id=settings.access_key,
        aws_secret_access_key=settings.secret_key,
        verify=settings.verify,
        config=config,
    )
