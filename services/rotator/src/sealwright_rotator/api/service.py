"""RotatorService: decode, call, encode."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from sealwright.rotator.v1 import rotator_service_pb2 as pb
from sealwright_common.domain.call import Call
from sealwright_common.domain.errors import InvalidArgument
from sealwright_common.domain.ids import new_id
from sealwright_common.domain.issuers import Issuer
from sealwright_common.domain.keys import KeyState
from sealwright_common.runtime.grpc import answer

from sealwright_rotator.codec import requests, resources, values
from sealwright_rotator.ports import IssuerFilter, World
from sealwright_rotator.usecases import audit_heads, change_issuer, key_log, queries
from sealwright_rotator.usecases.create_issuer import CreateIssuer
from sealwright_rotator.usecases.directory import Directories, Format
from sealwright_rotator.usecases.mark_compromised import Compromised, mark_compromised
from sealwright_rotator.usecases.rotate_now import Rotated, rotate_now
from sealwright_rotator.usecases.watch import Tail, watch


class RotatorServicer:
    """The RPCs of ``sealwright.rotator.v1.RotatorService``. ``woken`` is called after what gives the job work."""

    def __init__(
        self, world: World, create: CreateIssuer, directories: Directories, tail: Tail, woken: Callable[[], None]
    ) -> None:
        self._world = world
        self._create = create
        self._directories = directories
        self._tail = tail
        self._woken = woken

    async def CreateIssuer(self, request: pb.CreateIssuerRequest, call: Call) -> pb.CreateIssuerResponse:
        """Creates an issuer with its first keys."""
        now = self._world.clock.now()
        wanted = requests.wanted_issuer(request, new_id(now), call.tenant, now)
        return await answer(call, self._create, wanted, requests.created)

    async def GetIssuer(self, request: pb.GetIssuerRequest, call: Call) -> pb.GetIssuerResponse:
        """One issuer."""
        issuer = await queries.get_issuer(self._world, call, request.issuer_type)
        return pb.GetIssuerResponse(issuer=resources.issuer_message(issuer))

    async def ListIssuers(self, request: pb.ListIssuersRequest, call: Call) -> pb.ListIssuersResponse:
        """A page of issuers."""
        size = request.page_size or 100
        which = IssuerFilter(values.ISSUER_STATE.domain(request.state), values.PURPOSE.domain(request.purpose))
        after = values.page_parts(request.page_token, 1) or [""]
        issuers = await queries.list_issuers(self._world, call, which, after[0], size)
        more = values.page_token(issuers[-1].issuer_type) if len(issuers) == size else ""
        return pb.ListIssuersResponse(
            issuers=[resources.issuer_message(issuer) for issuer in issuers], next_page_token=more
        )

    async def PauseIssuer(self, request: pb.PauseIssuerRequest, call: Call) -> pb.PauseIssuerResponse:
        """Stops making keys."""
        return await answer(call, self._with(change_issuer.pause_issuer), request.issuer_type, _paused)

    async def ResumeIssuer(self, request: pb.ResumeIssuerRequest, call: Call) -> pb.ResumeIssuerResponse:
        """Makes keys again."""
        return await answer(call, self._with(change_issuer.resume_issuer), request.issuer_type, _resumed)

    async def RetireIssuer(self, request: pb.RetireIssuerRequest, call: Call) -> pb.RetireIssuerResponse:
        """Ends signing for good."""
        return await answer(call, self._with(change_issuer.retire_issuer), request.issuer_type, _retired)

    async def ExpireIssuer(self, request: pb.ExpireIssuerRequest, call: Call) -> pb.ExpireIssuerResponse:
        """Ends the issuer now."""
        return await answer(call, self._with(change_issuer.expire_issuer), request.issuer_type, _expired)

    def _with(
        self, change: Callable[[World, Call, str], Awaitable[Issuer]]
    ) -> Callable[[Call, str], Awaitable[Issuer]]:
        async def run(call: Call, issuer_type: str) -> Issuer:
            issuer = await change(self._world, call, issuer_type)
            self._woken()
            return issuer

        return run

    async def PreviewSchedule(self, request: pb.PreviewScheduleRequest, call: Call) -> pb.PreviewScheduleResponse:
        """The windows of a schedule."""
        span = values.interval_of(request.span, "span") if request.HasField("span") else None
        parts = values.page_parts(request.page_token, 1)
        first, size = 0 if parts is None else values.slot_after(parts), request.page_size or 100
        if request.WhichOneof("subject") == "schedule":
            schedule = requests.schedule_of(request.schedule, self._world.clock.now())
            return requests.preview(queries.preview(schedule, span, first, size))
        shown = await queries.preview_issuer(self._world, call, request.issuer_type, span, first, size)
        return requests.preview(shown)

    async def RotateNow(self, request: pb.RotateNowRequest, call: Call) -> pb.RotateNowResponse:
        """Brings the next boundary forward to now."""

        async def run(call: Call, request: pb.RotateNowRequest) -> Rotated:
            cohort = requests.cohort_of(request)
            rotated = await rotate_now(self._world, call, request.issuer_type, cohort, request.slot)
            self._woken()
            return rotated

        return await answer(call, run, request, requests.rotated)

    async def MarkCompromised(self, request: pb.MarkCompromisedRequest, call: Call) -> pb.MarkCompromisedResponse:
        """Takes a key out of use."""

        async def run(call: Call, request: pb.MarkCompromisedRequest) -> Compromised:
            cohort = requests.cohort_of(request)
            out = await mark_compromised(self._world, call, request.issuer_type, cohort, request.slot, request.comment)
            self._woken()
            return out

        return await answer(call, run, request, requests.compromised)

    async def ListKeys(self, request: pb.ListKeysRequest, call: Call) -> pb.ListKeysResponse:
        """A page of a snapshot of keys."""
        parts = values.page_parts(request.page_token, 4)
        position, after = (None, None) if parts is None else values.key_after(parts)
        states = [state for number in request.states if (state := values.KEY_STATE.domain(number)) is not None]
        if len(states) != len(request.states):
            raise InvalidArgument.of("states", f"states among {', '.join(KeyState)}")
        page = await queries.list_keys(
            self._world,
            call,
            issuer_type=request.issuer_type,
            states=states,
            after=after,
            position=position,
            size=request.page_size or 500,
            all_tenants=request.all_tenants,
        )
        return requests.key_page(page)

    async def GetActiveKeys(self, request: pb.GetActiveKeysRequest, call: Call) -> pb.GetActiveKeysResponse:
        """The keys that are active at a moment."""
        at = values.moment(request, "at_time", "at_time")
        found = await queries.get_active_keys(self._world, call, request.issuer_type, requests.cohort_of(request), at)
        return requests.active_keys(found)

    async def WatchKeys(self, request: pb.WatchKeysRequest, call: Call) -> AsyncIterator[pb.WatchKeysResponse]:
        """Changes from a position on, then live."""
        changes = watch(self._world, self._tail, call, request.from_position, request.issuer_types, request.all_tenants)
        async for stretch in changes:
            yield pb.WatchKeysResponse(
                changes=[resources.change_message(entry) for entry in stretch.entries],
                next_position=stretch.next_position,
            )

    async def GetDirectory(self, request: pb.GetDirectoryRequest, call: Call) -> pb.GetDirectoryResponse:
        """The signed directory."""
        form = Format.JWKS if request.format == pb.DIRECTORY_FORMAT_JWKS else Format.PRIVATE_TOKEN
        found = await self._directories.get(call, form, request.issuer_type)
        same = request.if_none_match == found.etag
        return pb.GetDirectoryResponse(
            etag=found.etag,
            media_type=found.media_type,
            document=b"" if same else found.document,
            jws=found.jws,
            max_age_duration=values.duration(found.max_age),
            not_modified=same,
        )

    async def GetKeyLogHead(self, request: pb.GetKeyLogHeadRequest, call: Call) -> pb.GetKeyLogHeadResponse:
        """The newest signed head."""
        return pb.GetKeyLogHeadResponse(head=resources.head_message(await key_log.get_head(self._world, call)))

    async def ListKeyLogEntries(self, request: pb.ListKeyLogEntriesRequest, call: Call) -> pb.ListKeyLogEntriesResponse:
        """Leaves in order. The content of other tenants' leaves is for operators and services; their hashes for all."""
        entries = await key_log.list_entries(self._world, call, request.from_position, request.page_size or 500)
        everything = bool(call.roles & {"operator", "signer", "certify", "stamp"})
        return pb.ListKeyLogEntriesResponse(
            entries=[resources.entry_message(entry, everything or entry.tenant == call.tenant) for entry in entries],
            next_position=entries[-1].position + 1 if entries else request.from_position,
        )

    async def GetInclusionProof(self, request: pb.GetInclusionProofRequest, call: Call) -> pb.GetInclusionProofResponse:
        """Proof that a leaf is in the log."""
        proof = await key_log.prove_inclusion(self._world, call, request.position, request.size)
        return pb.GetInclusionProofResponse(
            position=proof.position,
            size=proof.size,
            leaf_hash=proof.leaf_hash,
            path=proof.path,
            root_hash=proof.root,
        )

    async def GetConsistencyProof(
        self, request: pb.GetConsistencyProofRequest, call: Call
    ) -> pb.GetConsistencyProofResponse:
        """Proof that a later log extends an earlier one."""
        proof = await key_log.prove_consistency(self._world, call, request.from_size, request.to_size)
        return pb.GetConsistencyProofResponse(
            from_size=proof.from_size,
            to_size=proof.to_size,
            from_root_hash=proof.from_root,
            to_root_hash=proof.to_root,
            path=proof.path,
        )

    async def ListAuditHeads(self, request: pb.ListAuditHeadsRequest, call: Call) -> pb.ListAuditHeadsResponse:
        """A page of heads of audit logs."""
        parts = values.page_parts(request.page_token, 3)
        after, size = None if parts is None else values.audit_head_after(parts), request.page_size or 500
        heads = await audit_heads.list_audit_heads(self._world, call, request.service, after, size)
        more = ""
        if len(heads) == size:
            more = values.page_token(heads[-1].service, heads[-1].seq, heads[-1].hash.hex())
        return pb.ListAuditHeadsResponse(
            heads=[resources.audit_head_message(head) for head in heads], next_page_token=more
        )


def _paused(issuer: Issuer) -> pb.PauseIssuerResponse:
    return pb.PauseIssuerResponse(issuer=resources.issuer_message(issuer))


def _resumed(issuer: Issuer) -> pb.ResumeIssuerResponse:
    return pb.ResumeIssuerResponse(issuer=resources.issuer_message(issuer))


def _retired(issuer: Issuer) -> pb.RetireIssuerResponse:
    return pb.RetireIssuerResponse(issuer=resources.issuer_message(issuer))


def _expired(issuer: Issuer) -> pb.ExpireIssuerResponse:
    return pb.ExpireIssuerResponse(issuer=resources.issuer_message(issuer))
