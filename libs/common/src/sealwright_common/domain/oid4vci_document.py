"""Reading an issuer document: every member is known, every mistake is named by its path, nothing is ignored."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar, cast

from sealwright_common.domain.credentials import CredentialFormat
from sealwright_common.domain.errors import FieldProblem, InvalidArgument, Reason
from sealwright_common.domain.formats import ClaimPath, FormatOptions, MdocElement, MdocOptions, SdJwtOptions, VcOptions
from sealwright_common.domain.oid4vci import (
    AcceptedProof,
    AttestationLevels,
    AuthorizationServer,
    ClaimDescription,
    Configuration,
    Dataset,
    Encryption,
    Issuer,
    ProofType,
    Source,
    WalletAttestation,
)

T = TypeVar("T")

FORMATS = (
    CredentialFormat.DC_SD_JWT,
    CredentialFormat.MSO_MDOC,
    CredentialFormat.LDP_VC,
    CredentialFormat.JWT_VC_JSON,
)
"""Formats a configuration may have."""

SUITES = ("eddsa-rdfc-2022", "eddsa-jcs-2022", "ecdsa-rdfc-2019", "ecdsa-jcs-2019")
PROOF_ALGORITHMS = ("ES256", "ES384", "EdDSA")
LEVELS = ("iso_18045_high", "iso_18045_moderate", "iso_18045_enhanced-basic", "iso_18045_basic")
"""Values of key_storage and user_authentication that OpenID4VCI names; others may be used too."""

_ID = re.compile(r"[A-Za-z0-9._~-]{1,128}")
_PATH = re.compile(r"([A-Za-z0-9][A-Za-z0-9._~-]*(/[A-Za-z0-9][A-Za-z0-9._~-]*){0,3})?")
_MISSING: Any = object()


class _Reader:
    """One JSON object being read: takes members, notes problems, and at the end names what nobody took."""

    def __init__(self, value: object, path: str, problems: list[FieldProblem]) -> None:
        self.path = path
        self.problems = problems
        if not isinstance(value, Mapping):
            self.fail("", "a JSON object")
            value = {}
        self._members: dict[str, Any] = dict(cast(Mapping[str, Any], value))

    def __enter__(self) -> _Reader:
        return self

    def __exit__(self, *_: object) -> None:
        for name in self._members:
            self.fail(name, "no such member; see the documentation of issuer documents")

    def fail(self, name: str, expected: str) -> None:
        self.problems.append(FieldProblem(f"{self.path}.{name}".strip("."), expected))

    def take(self, name: str, default: T, check: Callable[[Any], bool], expected: str) -> T:
        value = self._members.pop(name, _MISSING)
        if value is _MISSING:
            if default is _MISSING:
                self.fail(name, expected)
                return cast(T, None)
            return default
        if not check(value):
            self.fail(name, expected)
            return default
        return value

    def text(self, name: str, default: Any = _MISSING, *, like: re.Pattern[str] | None = None, most: int = 2048) -> Any:
        expected = f"a text of 1 to {most} characters" + (f" like {like.pattern}" if like else "")

        def check(value: Any) -> bool:
            return isinstance(value, str) and 0 < len(value) <= most and (like is None or bool(like.fullmatch(value)))

        return self.take(name, default, check, expected)

    def flag(self, name: str, default: bool) -> bool:
        return self.take(name, default, lambda value: isinstance(value, bool), "true or false")

    def number(self, name: str, default: int, least: int, most: int) -> int:
        def check(value: Any) -> bool:
            return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most

        return self.take(name, default, check, f"a whole number from {least} to {most}")

    def one_of(self, name: str, default: Any, values: tuple[str, ...]) -> str:
        return self.take(name, default, lambda value: value in values, f"one of {', '.join(values)}")

    def texts(
        self, name: str, default: Any = (), *, among: tuple[str, ...] | None = None, most: int = 64
    ) -> tuple[str, ...]:
        def check(value: Any) -> bool:
            return (
                isinstance(value, list)
                and len(cast(list[Any], value)) <= most
                and all(isinstance(item, str) and (among is None or item in among) for item in cast(list[Any], value))
                and len(set(cast(list[str], value))) == len(cast(list[str], value))
            )

        expected = f"at most {most} different texts" + (f" among {', '.join(among)}" if among else "")
        return tuple(self.take(name, default, check, expected))

    def objects(self, name: str, most: int = 256) -> list[Any]:
        def check(value: Any) -> bool:
            return isinstance(value, list) and len(cast(list[Any], value)) <= most

        return self.take(name, cast(list[Any], []), check, f"at most {most} entries")

    def object(self, name: str, default: Any = _MISSING) -> dict[str, Any]:
        return self.take(name, default, lambda value: isinstance(value, dict), "a JSON object") or {}

    def any(self, name: str) -> Any:
        return self._members.pop(name, None)


def read_issuer(tenant: str, document: object) -> Issuer:
    """The issuer of a document. InvalidArgument (DEFINITION_INVALID) with every wrong member."""
    problems: list[FieldProblem] = []
    with _Reader(document, "", problems) as top:
        path = top.take(
            "path", "", lambda v: isinstance(v, str) and bool(_PATH.fullmatch(v)), "up to four path segments"
        )
        key_issuer = top.text("key_issuer", most=128)
        display = _displays(top)
        servers = tuple(
            _authorization_server(value, f"authorization_servers[{n}]", problems)
            for n, value in enumerate(top.objects("authorization_servers", 8))
        )
        batch_size = top.number("batch_size", 10, 1, 100)
        lifetime = timedelta(seconds=top.number("access_token_seconds", 300, 30, 3600))
        dpop, anonymous = top.flag("dpop_required", False), top.flag("anonymous_access", True)
        interval = timedelta(seconds=top.number("deferred_interval_seconds", 5, 1, 86400))
        with _Reader(top.object("encryption", {}), "encryption", problems) as part:
            encryption = Encryption(part.flag("request_required", False), part.flag("response_required", False))
        keys = tuple(top.objects("attestation_keys", 32))
        anchors = tuple(_certificate(text, problems) for text in top.texts("attestation_anchors", (), most=32))
        wallets = _wallet_attestation(top.any("wallet_attestation"), problems)
        datasets: dict[str, Dataset] = {}
        configurations: dict[str, Configuration] = {}
        for name, value in top.object("datasets").items():
            _dataset(name, value, problems, datasets, configurations)
        if not configurations:
            top.fail("datasets", "at least one dataset with one configuration")
        if encryption.response_required and not encryption.request_required:
            # The parameters of the response's encryption would travel in the clear otherwise (section 8.2).
            top.fail("encryption.request_required", "true where the response must be encrypted")
    scopes = [configuration.scope for configuration in configurations.values() if configuration.scope]
    if len(set(scopes)) != len(scopes):
        problems.append(FieldProblem("datasets", "a scope of its own for each configuration"))
    if problems:
        raise InvalidArgument.of_all(problems, reason=Reason.DEFINITION_INVALID)
    return Issuer(
        tenant=tenant,
        path=path,
        key_issuer=key_issuer,
        datasets=datasets,
        configurations=configurations,
        display=display,
        authorization_servers=servers,
        batch_size=batch_size,
        token_lifetime=lifetime,
        dpop_required=dpop,
        anonymous=anonymous,
        encryption=encryption,
        wallet_attestation=wallets,
        deferred_interval=interval,
        attestation_keys=keys,
        attestation_anchors=anchors,
    )


def _displays(reader: _Reader) -> tuple[Mapping[str, Any], ...]:
    entries = tuple(reader.objects("display", 32))
    for position, entry in enumerate(entries):
        if not isinstance(entry, dict) or not isinstance(cast(dict[str, Any], entry).get("name"), str):
            reader.fail(f"display[{position}]", "an object with a name")
    return entries


def _certificate(text: str, problems: list[FieldProblem]) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        problems.append(FieldProblem("attestation_anchors", "certificates as base64 DER"))
        return b""


def _wallet_attestation(value: object, problems: list[FieldProblem]) -> WalletAttestation | None:
    if value is None:
        return None
    with _Reader(value, "wallet_attestation", problems) as part:
        required, keys = part.flag("required", True), tuple(part.objects("keys", 32))
        anchors = tuple(_certificate(text, problems) for text in part.texts("anchors", (), most=32))
        if not keys and not anchors:
            part.fail("keys", "public JWKs of wallet providers, or anchors")
    return WalletAttestation(required, keys, anchors)


def _authorization_server(value: object, path: str, problems: list[FieldProblem]) -> AuthorizationServer:
    with _Reader(value, path, problems) as part:
        issuer = part.text("issuer", like=re.compile(r"https?://.+"))
        jwks, uri = part.any("jwks"), part.text("jwks_uri", None, like=re.compile(r"https?://.+"))
        if (jwks is None) == (uri is None):
            part.fail("jwks_uri", "either jwks or jwks_uri")
        return AuthorizationServer(issuer, jwks, uri, part.text("subject_claim", "sub", most=128))


def _dataset(
    name: str,
    value: object,
    problems: list[FieldProblem],
    datasets: dict[str, Dataset],
    configurations: dict[str, Configuration],
) -> None:
    path = f"datasets.{name}"
    if not _ID.fullmatch(name):
        problems.append(FieldProblem(path, f"a name like {_ID.pattern}"))
    with _Reader(value, path, problems) as part:
        with _Reader(part.object("source"), f"{path}.source", problems) as source:
            kind = source.text("type", like=re.compile(r"[a-z][a-z-]{0,63}"))
            where = Source(kind, source.object("settings", {}))
        validity = timedelta(seconds=part.number("validity_seconds", 31_536_000, 60, 3_155_760_000))
        claims = tuple(_claim(item, f"{path}.claims[{n}]", problems) for n, item in enumerate(part.objects("claims")))
        paths = [claim.path for claim in claims]
        if len(set(paths)) != len(paths):
            part.fail("claims", "each path once")
        schema = part.any("schema")
        if schema is not None and not isinstance(schema, dict):
            part.fail("schema", "a JSON Schema object")
        template = part.any("template")
        approval = part.flag("approval", False)
        formats = part.object("configurations")
        datasets[name] = Dataset(name, where, validity, claims, template, cast(Any, schema), approval)
    for identifier, configuration in formats.items():
        if identifier in configurations or not _ID.fullmatch(identifier):
            problems.append(
                FieldProblem(f"{path}.configurations.{identifier}", f"a name of its own like {_ID.pattern}")
            )
        configurations[identifier] = _configuration(identifier, name, configuration, path, problems)


def _claim(value: object, path: str, problems: list[FieldProblem]) -> ClaimDescription:
    with _Reader(value, path, problems) as part:
        pointer = _pointer(part.any("path"), part, "path")
        return ClaimDescription(pointer, part.flag("mandatory", False), tuple(part.objects("display", 32)))


def _pointer(value: object, part: _Reader, name: str) -> ClaimPath:
    steps = cast(list[Any], value) if isinstance(value, list) else []
    good = all(step is None or isinstance(step, str) or (type(step) is int and step >= 0) for step in steps)
    if not steps or not good or not isinstance(steps[0], str):
        part.fail(name, "a claims path: an array that starts with a name, then names, indices or null")
        return ()
    return tuple(steps)


def _configuration(
    identifier: str, dataset: str, value: object, parent: str, problems: list[FieldProblem]
) -> Configuration:
    path = f"{parent}.configurations.{identifier}"
    with _Reader(value, path, problems) as part:
        format_ = CredentialFormat(part.one_of("format", FORMATS[0].value, tuple(f.value for f in FORMATS)))
        options = _options(format_, part)
        scope = part.text("scope", None, like=re.compile(r"[!#-\[\]-~]+"), most=256)
        proofs = tuple(
            _proof(kind, entry, f"{path}.proof_types.{kind}", problems)
            for kind, entry in part.object("proof_types", {"jwt": {}}).items()
        )
        if format_ is CredentialFormat.MSO_MDOC and not proofs:
            part.fail("proof_types", "at least one; an mdoc is always bound to a device key")
        return Configuration(
            id=identifier,
            dataset=dataset,
            format=format_,
            options=options,
            scope=scope,
            proofs=proofs,
            display=_displays(part),
            status=part.flag("status", True),
            key_issuer=part.text("key_issuer", None, most=128),
        )


def read_options(format_: CredentialFormat, options: object, path: str) -> FormatOptions:
    """The options of one format alone. InvalidArgument (DEFINITION_INVALID) with every wrong member."""
    problems: list[FieldProblem] = []
    with _Reader(options, path, problems) as part:
        found = _options(format_, part)
    if problems:
        raise InvalidArgument.of_all(problems, reason=Reason.DEFINITION_INVALID)
    return found


def _options(format_: CredentialFormat, part: _Reader) -> FormatOptions:
    if format_ is CredentialFormat.DC_SD_JWT:
        hidden = part.any("disclose")
        paths = None if hidden is None else tuple(_pointer(item, part, "disclose") for item in cast(list[Any], hidden))
        return SdJwtOptions(part.text("vct"), paths, part.number("decoys", 0, 0, 32))
    if format_ is CredentialFormat.MSO_MDOC:
        elements = tuple(
            _element(item, f"{part.path}.elements[{n}]", part.problems)
            for n, item in enumerate(part.objects("elements"))
        )
        return MdocOptions(part.text("doctype"), elements, part.text("namespace", ""))
    types = part.texts("types", most=8) or ("",)
    if types == ("",):
        part.fail("types", "at least one type beside VerifiableCredential")
    contexts = tuple(part.objects("contexts", 8))
    suite = part.one_of("suite", "eddsa-rdfc-2022", SUITES) if format_ is CredentialFormat.LDP_VC else "eddsa-rdfc-2022"
    return VcOptions(types, contexts, suite)


def _element(value: object, path: str, problems: list[FieldProblem]) -> MdocElement:
    with _Reader(value, path, problems) as part:
        pointer = _pointer(part.any("path"), part, "path")
        namespace, identifier = part.text("namespace", most=256), part.text("identifier", most=256)
        return MdocElement(
            pointer, namespace, identifier, part.one_of("kind", "as_is", ("as_is", "full-date", "tdate", "bytes"))
        )


def _proof(kind: str, value: object, path: str, problems: list[FieldProblem]) -> AcceptedProof:
    with _Reader(value, path, problems) as part:
        if kind not in tuple(ProofType):
            part.fail("", f"one of {', '.join(ProofType)}")
            kind = ProofType.JWT
        allowed = SUITES if kind == ProofType.DI_VP else PROOF_ALGORITHMS
        algorithms = part.texts("algorithms", allowed, among=allowed)
        attestation = part.any("key_attestation")
        levels = None if attestation is None else _levels(attestation, f"{path}.key_attestation", problems)
        if kind == ProofType.DI_VP and levels is not None:
            part.fail("key_attestation", "none with di_vp, which cannot carry one")
        return AcceptedProof(ProofType(kind), algorithms, levels)


def _levels(value: object, path: str, problems: list[FieldProblem]) -> AttestationLevels:
    with _Reader(value, path, problems) as part:
        return AttestationLevels(frozenset(part.texts("key_storage")), frozenset(part.texts("user_authentication")))
