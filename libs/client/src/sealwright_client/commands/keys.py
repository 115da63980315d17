"""``sealwright keys``: the signer's keys: making, finding, showing, switching and ending them."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, timedelta
from typing import Annotated, Any

import typer
from sealwright.common.v1 import keys_pb2
from sealwright.signer.v1 import key_service_pb2 as pb
from sealwright.signer.v1 import resources_pb2
from sealwright_common.domain.tenants import DEFAULT_TENANT

from sealwright_client.client import Sealwright
from sealwright_client.terminal import JsonFlag, TenantOption, console, run, show, show_one

app = typer.Typer(no_args_is_help=True, help="Keys of the signer; private halves are never shown.")
KeyArgument = Annotated[str, typer.Argument(help="UUID of the key.")]
_COLUMNS = ["id", "algorithm", "purpose", "protection", "state", "issuer", "slot", "start", "end"]


def enum_value(enum: Any, text: str, prefix: str) -> Any:
    """The member of ``enum`` that ``text`` names without its prefix; typer.BadParameter with the choices otherwise."""
    name = prefix + text.upper().replace("-", "_")
    names: list[str] = list(enum.keys())
    if name not in names:
        known = ", ".join(value.removeprefix(prefix) for value in names if not value.endswith("UNSPECIFIED"))
        raise typer.BadParameter(f"{text}: choose one of {known}")
    return enum.Value(name)


def _time(stamp: Any) -> str:
    return stamp.ToDatetime(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def key_row(key: resources_pb2.Key) -> dict[str, Any]:
    """A key for people and programs."""
    placed = key.HasField("slot")
    return {
        "id": key.id,
        "algorithm": keys_pb2.KeyAlgorithm.Name(key.algorithm).removeprefix("KEY_ALGORITHM_"),
        "purpose": keys_pb2.KeyPurpose.Name(key.purpose).removeprefix("KEY_PURPOSE_"),
        "protection": keys_pb2.Protection.Name(key.protection).removeprefix("PROTECTION_"),
        "state": keys_pb2.KeyState.Name(key.state).removeprefix("KEY_STATE_") + (" (disabled)" if key.disabled else ""),
        "issuer": f"{key.slot.issuer_type}/{key.slot.issuer_cohort}" if placed else None,
        "slot": key.slot.slot if placed else None,
        "start": _time(key.slot.window.start_time) if placed else None,
        "end": _time(key.slot.window.end_time) if placed else None,
        "created": _time(key.create_time),
        "destroyed_at": _time(key.destroy_time) if key.HasField("destroy_time") else None,
        "labels": ", ".join(f"{name}={value}" for name, value in sorted(key.labels.items())) or None,
        "version": key.version,
        "token_key_id": key.token_key_id.hex() or None,
        "public_key": key.public_key.hex(),
    }


@app.command("list")
def list_keys(
    purpose: Annotated[str | None, typer.Option(help="Only this purpose.")] = None,
    state: Annotated[str | None, typer.Option(help="Only this state, as it holds now.")] = None,
    algorithm: Annotated[str | None, typer.Option(help="Only this algorithm.")] = None,
    issuer: Annotated[str, typer.Option(help="Only keys of this issuer.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="Most keys to show.")] = 1000,
    tenant: TenantOption = DEFAULT_TENANT,
    as_json: JsonFlag = False,
) -> None:
    """Keys of the tenant, newest first."""
    request = pb.ListKeysRequest(
        page_size=min(limit, 1000),
        purpose=enum_value(keys_pb2.KeyPurpose, purpose, "KEY_PURPOSE_") if purpose else None,
        state=enum_value(keys_pb2.KeyState, state, "KEY_STATE_") if state else None,
        algorithm=enum_value(keys_pb2.KeyAlgorithm, algorithm, "KEY_ALGORITHM_") if algorithm else None,
        issuer_type=issuer,
    )

    async def read() -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        async with Sealwright.open(tenant=tenant) as mesh:
            while True:
                page = await mesh.keys.ListKeys(request)
                rows += [key_row(key) for key in page.keys]
                if not page.next_page_token or len(rows) >= limit:
                    return rows[:limit]
                request.page_token = page.next_page_token

    show(run(read(), as_json=as_json), _COLUMNS, as_json=as_json)


@app.command()
def get(key: KeyArgument, tenant: TenantOption = DEFAULT_TENANT, as_json: JsonFlag = False) -> None:
    """One key."""
    _one(tenant, as_json, lambda mesh, _: mesh.keys.GetKey(pb.GetKeyRequest(key_id=key)))


@app.command()
def create(
    algorithm: Annotated[str, typer.Option(help="EDDSA, ES256, ES384, PS256, RS256, RSABSSA_DETERMINISTIC, ...")],
    purpose: Annotated[str, typer.Option(help="ASSERTION, TRANSACTION, TOKEN or BLIND_SIGNATURE.")] = "ASSERTION",
    protection: Annotated[str, typer.Option(help="HSM: never leaves the token. WRAPPED: faster.")] = "HSM",
    pending: Annotated[bool, typer.Option("--pending", help="Do not let it sign yet.")] = False,
    label: Annotated[list[str] | None, typer.Option(help="name=value; may be given several times.")] = None,
    count: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 1,
    rsa_bits: Annotated[int, typer.Option(help="2048, 3072 or 4096, for RSA.")] = 0,
    tenant: TenantOption = DEFAULT_TENANT,
    as_json: JsonFlag = False,
) -> None:
    """Make keys that belong to no issuer; issuers' keys are made by the rotator."""
    labels = dict(_label(text) for text in label or [])
    spec = pb.KeySpec(
        algorithm=enum_value(keys_pb2.KeyAlgorithm, algorithm, "KEY_ALGORITHM_"),
        purpose=enum_value(keys_pb2.KeyPurpose, purpose, "KEY_PURPOSE_"),
        protection=enum_value(keys_pb2.Protection, protection, "PROTECTION_"),
        state=keys_pb2.KEY_STATE_PENDING if pending else keys_pb2.KEY_STATE_ACTIVE,
        labels=labels,
        rsa_bits=rsa_bits,
    )
    request = pb.CreateKeysRequest(request_id=str(uuid.uuid4()), keys=[spec] * count)

    async def work() -> list[dict[str, Any]]:
        async with Sealwright.open(tenant=tenant) as mesh:
            return [key_row(made) for made in (await mesh.keys.CreateKeys(request, timeout=120)).keys]

    show(run(work(), as_json=as_json), _COLUMNS, as_json=as_json)


@app.command()
def public(
    key: KeyArgument,
    form: Annotated[
        str, typer.Option("--format", help="JWK, SPKI_PEM, SPKI_DER, MULTIKEY, PRIVACY_PASS or RAW.")
    ] = "JWK",
    tenant: TenantOption = DEFAULT_TENANT,
    as_json: JsonFlag = False,
) -> None:
    """The public key; binary formats are printed in hex."""
    chosen = enum_value(resources_pb2.PublicKeyFormat, form, "PUBLIC_KEY_FORMAT_")

    async def read() -> pb.GetPublicKeyResponse:
        async with Sealwright.open(tenant=tenant) as mesh:
            return await mesh.keys.GetPublicKey(pb.GetPublicKeyRequest(key_id=key, format=chosen))

    answer = run(read(), as_json=as_json)
    binary = answer.media_type == "application/octet-stream"
    text = answer.public_key.hex() if binary else answer.public_key.decode()
    if as_json:
        show_one({"key_id": answer.key_id, "media_type": answer.media_type, "public_key": text}, as_json=True)
    else:
        console.print(text, markup=False, highlight=False, soft_wrap=True)


@app.command()
def activate(key: KeyArgument, tenant: TenantOption = DEFAULT_TENANT, as_json: JsonFlag = False) -> None:
    """Let a pending key sign."""
    _step(key, keys_pb2.KEY_STATE_ACTIVE, tenant, as_json)


@app.command()
def retire(key: KeyArgument, tenant: TenantOption = DEFAULT_TENANT, as_json: JsonFlag = False) -> None:
    """End signing; what the key signed goes on verifying."""
    _step(key, keys_pb2.KEY_STATE_VERIFY_ONLY, tenant, as_json)


@app.command()
def disable(key: KeyArgument, tenant: TenantOption = DEFAULT_TENANT, as_json: JsonFlag = False) -> None:
    """Switch a key off until it is enabled."""
    _one(tenant, as_json, lambda mesh, id: mesh.keys.DisableKey(pb.DisableKeyRequest(key_id=key, request_id=id)))


@app.command()
def enable(key: KeyArgument, tenant: TenantOption = DEFAULT_TENANT, as_json: JsonFlag = False) -> None:
    """Switch a key on again."""
    _one(tenant, as_json, lambda mesh, id: mesh.keys.EnableKey(pb.EnableKeyRequest(key_id=key, request_id=id)))


@app.command()
def destroy(
    key: KeyArgument,
    days: Annotated[int, typer.Option(min=7, max=365, help="Days to wait; it can be cancelled until then.")] = 30,
    tenant: TenantOption = DEFAULT_TENANT,
    as_json: JsonFlag = False,
) -> None:
    """Schedule the destruction of a key; it signs no more from now on."""
    request = pb.ScheduleKeyDestructionRequest(key_id=key)
    request.delay_duration.FromTimedelta(timedelta(days=days))

    def call(mesh: Sealwright, id: str) -> Awaitable[Any]:
        request.request_id = id
        return mesh.keys.ScheduleKeyDestruction(request)

    _one(tenant, as_json, call)


@app.command("cancel-destruction")
def cancel_destruction(key: KeyArgument, tenant: TenantOption = DEFAULT_TENANT, as_json: JsonFlag = False) -> None:
    """Take a scheduled destruction back."""
    _one(
        tenant,
        as_json,
        lambda mesh, id: mesh.keys.CancelKeyDestruction(pb.CancelKeyDestructionRequest(key_id=key, request_id=id)),
    )


@app.command()
def compromised(
    key: KeyArgument,
    note: Annotated[str, typer.Option(help="What is known, for the audit log.")],
    tenant: TenantOption = DEFAULT_TENANT,
    as_json: JsonFlag = False,
) -> None:
    """Declare a key compromised: it never signs again."""
    _one(
        tenant,
        as_json,
        lambda mesh, id: mesh.keys.MarkKeyCompromised(
            pb.MarkKeyCompromisedRequest(key_id=key, note=note, request_id=id)
        ),
    )


def _label(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise typer.BadParameter(f"{text}: a label is name=value")
    return name, value


def _step(key: str, state: Any, tenant: str, as_json: bool) -> None:
    request = pb.ScheduleKeysRequest(request_id=str(uuid.uuid4()), steps=[pb.KeyStep(key_id=key, state=state)])

    async def work() -> dict[str, Any]:
        async with Sealwright.open(tenant=tenant) as mesh:
            return key_row((await mesh.keys.ScheduleKeys(request)).keys[0])

    show_one(run(work(), as_json=as_json), as_json=as_json)


def _one(tenant: str, as_json: bool, call: Callable[[Sealwright, str], Awaitable[Any]]) -> None:
    """Runs a call whose answer is one key, with a fresh request id, and shows the key."""

    async def work() -> dict[str, Any]:
        async with Sealwright.open(tenant=tenant) as mesh:
            return key_row((await call(mesh, str(uuid.uuid4()))).key)

    show_one(run(work(), as_json=as_json), as_json=as_json)
