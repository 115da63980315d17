"""The documents a wallet reads first: issuer metadata, our authorization server's metadata, SD-JWT VC documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sealwright_common.domain.credentials import CredentialFormat
from sealwright_common.domain.formats import ClaimPath, FormatOptions, IssuerKey, MdocOptions, SdJwtOptions, VcOptions
from sealwright_common.domain.keys import KeyAlgorithm
from sealwright_common.domain.oid4vci import AcceptedProof, Configuration, Dataset, Issuer

JWE_ALGORITHMS = ("ECDH-ES", "RSA-OAEP-256")
JWE_ENCRYPTIONS = ("A128GCM", "A256GCM", "A128CBC-HS256")
_COSE = {KeyAlgorithm.ES256: -7, KeyAlgorithm.EDDSA: -8, KeyAlgorithm.ES384: -35}
_VC_1 = "https://www.w3.org/2018/credentials/v1"
_VC_2 = "https://www.w3.org/ns/credentials/v2"


def issuer_identifier(public_url: str, path: str) -> str:
    """The credential issuer identifier: our public address and the issuer's path."""
    return f"{public_url}/{path}" if path else public_url


def well_known(public_url: str, name: str, path: str) -> str:
    """The URL of a well-known document: the name goes between host and path (RFC 8615; section 12.2.2)."""
    return f"{public_url}/.well-known/{name}" + (f"/{path}" if path else "")


def issuer_metadata(
    public_url: str,
    issuer: Issuer,
    algorithms: Mapping[str, KeyAlgorithm],
    request_keys: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Credential issuer metadata (section 12.2.4). ``algorithms``: what each configuration is signed with now."""
    here = issuer_identifier(public_url, issuer.path)
    document: dict[str, Any] = {
        "credential_issuer": here,
        "credential_endpoint": f"{here}/credential",
        "nonce_endpoint": f"{here}/nonce",
        "deferred_credential_endpoint": f"{here}/deferred_credential",
        "notification_endpoint": f"{here}/notification",
        "credential_request_encryption": {
            "jwks": {"keys": list(request_keys)},
            "enc_values_supported": list(JWE_ENCRYPTIONS),
            "zip_values_supported": ["DEF"],
            "encryption_required": issuer.encryption.request_required,
        },
        "credential_response_encryption": {
            "alg_values_supported": list(JWE_ALGORITHMS),
            "enc_values_supported": list(JWE_ENCRYPTIONS),
            "zip_values_supported": ["DEF"],
            "encryption_required": issuer.encryption.response_required,
        },
        "credential_configurations_supported": {
            id_: configuration_metadata(configuration, issuer.datasets[configuration.dataset], algorithms[id_])
            for id_, configuration in issuer.configurations.items()
            if id_ in algorithms
        },
    }
    if issuer.authorization_servers:
        document["authorization_servers"] = [here, *(server.issuer for server in issuer.authorization_servers)]
    if issuer.batch_size >= 2:
        document["batch_credential_issuance"] = {"batch_size": issuer.batch_size}
    if issuer.display:
        document["display"] = [dict(entry) for entry in issuer.display]
    return document


def configuration_metadata(configuration: Configuration, dataset: Dataset, algorithm: KeyAlgorithm) -> dict[str, Any]:
    """One entry of ``credential_configurations_supported`` (section 12.2.4, appendix A)."""
    entry: dict[str, Any] = {"format": configuration.format.value}
    if configuration.scope:
        entry["scope"] = configuration.scope
    match configuration.options:
        case SdJwtOptions() as options:
            entry["vct"] = options.vct
            entry["credential_signing_alg_values_supported"] = [algorithm.value]
        case MdocOptions() as options:
            entry["doctype"] = options.doctype
            entry["credential_signing_alg_values_supported"] = [_COSE[algorithm]] if algorithm in _COSE else []
        case VcOptions() as options:
            linked = configuration.format is CredentialFormat.LDP_VC
            definition: dict[str, Any] = {"type": ["VerifiableCredential", *options.types]}
            if linked:
                urls = [context for context in options.contexts if isinstance(context, str)]
                definition["@context"] = [_VC_2, *urls]
            entry["credential_definition"] = definition
            entry["credential_signing_alg_values_supported"] = [options.suite if linked else algorithm.value]
    if configuration.proofs:
        mdoc = configuration.format is CredentialFormat.MSO_MDOC
        entry["cryptographic_binding_methods_supported"] = ["cose_key"] if mdoc else ["jwk", "did:key", "did:jwk"]
        entry["proof_types_supported"] = {proof.type.value: _proof_metadata(proof) for proof in configuration.proofs}
    entry["credential_metadata"] = _presentation(configuration, dataset)
    return entry


def _proof_metadata(proof: AcceptedProof) -> dict[str, Any]:
    entry: dict[str, Any] = {"proof_signing_alg_values_supported": list(proof.algorithms)}
    if proof.attestation is not None:
        required: dict[str, Any] = {}
        if proof.attestation.key_storage:
            required["key_storage"] = sorted(proof.attestation.key_storage)
        if proof.attestation.user_authentication:
            required["user_authentication"] = sorted(proof.attestation.user_authentication)
        entry["key_attestations_required"] = required
    return entry


def _presentation(configuration: Configuration, dataset: Dataset) -> dict[str, Any]:
    """``credential_metadata``: how wallets show it, and its claims in the order of the document."""
    metadata: dict[str, Any] = {}
    if configuration.display:
        metadata["display"] = [dict(entry) for entry in configuration.display]
    claims = [
        {
            "path": path,
            "mandatory": claim.mandatory,
            **({"display": [dict(d) for d in claim.display]} if claim.display else {}),
        }
        for claim in dataset.claims
        for path in _paths(configuration.options, claim.path)
    ]
    if claims:
        metadata["claims"] = claims
    return metadata


def _paths(options: FormatOptions, path: ClaimPath) -> list[list[Any]]:
    """Where a claim of the dataset stands in a credential (appendix C); nowhere if an mdoc has no element for it."""
    match options:
        case SdJwtOptions():
            return [list(path)]
        case VcOptions():
            return [["credentialSubject", *path]]
        case MdocOptions():
            if not options.elements:
                return [[options.default_namespace, *path]] if isinstance(path[0], str) else []
            return [
                [element.namespace, element.identifier, *path[len(element.path) :]]
                for element in options.elements
                if path[: len(element.path)] == element.path
            ]


def server_metadata(public_url: str, issuer: Issuer) -> dict[str, Any]:
    """Metadata of our own token endpoint (RFC 8414; section 12.3)."""
    here = issuer_identifier(public_url, issuer.path)
    attested = issuer.wallet_attestation
    methods = [] if attested is None else ["attest_jwt_client_auth"]
    document: dict[str, Any] = {
        "issuer": here,
        "token_endpoint": f"{here}/token",
        "grant_types_supported": ["urn:ietf:params:oauth:grant-type:pre-authorized_code"],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": methods if attested and attested.required else [*methods, "none"],
        "pre-authorized_grant_anonymous_access_supported": issuer.anonymous and not (attested and attested.required),
        "dpop_signing_alg_values_supported": ["ES256", "ES384", "EdDSA"],
        "authorization_details_types_supported": ["openid_credential"],
    }
    if attested is not None:
        document["client_attestation_signing_alg_values_supported"] = ["ES256", "ES384", "EdDSA"]
        document["client_attestation_pop_signing_alg_values_supported"] = ["ES256", "ES384", "EdDSA"]
    return document


def key_set(keys: Sequence[IssuerKey]) -> dict[str, Any]:
    """A JWK set of public keys."""
    return {"keys": [{**key.jwk, "kid": key.key_id, "alg": key.algorithm.value, "use": "sig"} for key in keys]}


def jwt_vc_issuer(public_url: str, issuer: Issuer, keys: Sequence[IssuerKey]) -> dict[str, Any]:
    """JWT VC issuer metadata (SD-JWT VC section 5): where verifiers find the keys of the ``iss``."""
    return {"issuer": issuer_identifier(public_url, issuer.path), "jwks": key_set(keys)}


def type_metadata(issuer: Issuer, vct: str) -> dict[str, Any] | None:
    """SD-JWT VC type metadata of a type this issuer issues; None if it issues none such."""
    for configuration in issuer.configurations.values():
        options = configuration.options
        if isinstance(options, SdJwtOptions) and options.vct == vct:
            dataset = issuer.datasets[configuration.dataset]
            hidden = None if options.disclose is None else set(options.disclose)
            claims: list[dict[str, Any]] = []
            for claim in dataset.claims:
                entry: dict[str, Any] = {"path": list(claim.path), "mandatory": claim.mandatory}
                open_ = (hidden is not None and claim.path not in hidden) or (hidden is None and len(claim.path) > 1)
                entry["sd"] = "never" if open_ else "always"
                if claim.display:
                    entry["display"] = [
                        {"locale": item.get("locale", "en"), "label": item.get("name", "")} for item in claim.display
                    ]
                claims.append(entry)
            display = [
                {"locale": item.get("locale", "en"), "name": item.get("name", "")} for item in configuration.display
            ]
            document = {"vct": vct, "name": configuration.id, "display": display, "claims": claims}
            return {name: value for name, value in document.items() if value}
    return None
