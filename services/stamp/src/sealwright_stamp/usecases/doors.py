"""All that the doors can have done, in one value."""

from __future__ import annotations

from dataclasses import dataclass

from sealwright_stamp.usecases.accept import AcceptOrders
from sealwright_stamp.usecases.importing import ImportMeasurements
from sealwright_stamp.usecases.look import GetCertificate, GetHistory, ListCertificates, Watch
from sealwright_stamp.usecases.mend import Redeliver, Resume
from sealwright_stamp.usecases.recipients import CreateRecipient, GetRecipient, ListRecipients
from sealwright_stamp.usecases.withdraw import FindWithdrawn, ListWithdrawn, Withdraw


@dataclass(frozen=True, slots=True)
class StampUseCases:
    """One use case per verb."""

    create_recipient: CreateRecipient
    get_recipient: GetRecipient
    list_recipients: ListRecipients
    accept: AcceptOrders
    get_certificate: GetCertificate
    list_certificates: ListCertificates
    history: GetHistory
    watch: Watch
    withdraw: Withdraw
    list_withdrawn: ListWithdrawn
    find_withdrawn: FindWithdrawn
    resume: Resume
    redeliver: Redeliver
    import_measurements: ImportMeasurements
