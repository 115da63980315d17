"""Imports between the gRPC door and the domain."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence

from sealwright.stamp.v1 import stamp_service_pb2 as pb
from sealwright_common.domain.errors import InvalidArgument
from sealwright_common.domain.ids import parse_id

from sealwright_stamp.codec.certificates import attributes, refusal
from sealwright_stamp.ports import ImportProgress
from sealwright_stamp.usecases.importing import ImportPlan, RefusedRow
from sealwright_stamp.usecases.readings import MeasurementFormat

_FORMATS = {
    pb.MEASUREMENT_FORMAT_CSV: MeasurementFormat.CSV,
    pb.MEASUREMENT_FORMAT_JSON_LINES: MeasurementFormat.JSON_LINES,
}


async def plan(requests: AsyncIterator[pb.ImportMeasurementsRequest]) -> ImportPlan:
    """The plan in the first message. Raises InvalidArgument if there is none."""
    async for request in requests:
        if request.WhichOneof("content") != "plan":
            break
        message = request.plan
        if message.format not in _FORMATS:
            raise InvalidArgument.of("plan.format", "MEASUREMENT_FORMAT_CSV or MEASUREMENT_FORMAT_JSON_LINES")
        return ImportPlan(
            message.import_id,
            _FORMATS[message.format],
            parse_id(message.recipient_id, "plan.recipient_id"),
            message.registry,
            message.grid_area,
            attributes(message.clear_text_attributes),
            hashlib.sha256(message.SerializeToString(deterministic=True)).digest(),
        )
    raise InvalidArgument.of("plan", "the plan in the first message")


async def chunks(requests: AsyncIterator[pb.ImportMeasurementsRequest]) -> AsyncIterator[bytes]:
    """The file's bytes in the messages after the plan."""
    async for request in requests:
        if request.WhichOneof("content") != "chunk":
            raise InvalidArgument.of("chunk", "bytes of the file in every message after the first")
        yield request.chunk


def response(progress: ImportProgress, refused: Sequence[RefusedRow]) -> pb.ImportMeasurementsResponse:
    """How far the import is."""
    return pb.ImportMeasurementsResponse(
        resume_offset=progress.offset,
        row_count=progress.rows,
        accepted_count=progress.accepted,
        repeated_count=progress.repeated,
        zero_count=progress.zero,
        refused_count=progress.refused,
        refused_rows=[pb.RefusedRow(line=row.line, refusal=refusal(row.problem)) for row in refused[:100]],
        done=progress.done,
    )
