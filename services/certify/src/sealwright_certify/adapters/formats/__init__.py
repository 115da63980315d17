"""The credential formats certify writes, by OpenID4VCI format identifier. Pure code: no key, clock or network."""

from collections.abc import Mapping

from sealwright_common.domain.credentials import CredentialFormat
from sealwright_common.domain.formats import CredentialMaker

from sealwright_certify.adapters.formats.data_integrity import DataIntegrityMaker
from sealwright_certify.adapters.formats.jwt_vc import JwtVcMaker
from sealwright_certify.adapters.formats.mdoc import MdocMaker
from sealwright_certify.adapters.formats.sd_jwt import SdJwtMaker

MAKERS: Mapping[CredentialFormat, CredentialMaker] = {
    maker.format: maker for maker in (SdJwtMaker(), MdocMaker(), DataIntegrityMaker(), JwtVcMaker())
}
"""One maker per format."""

__all__ = ["MAKERS", "DataIntegrityMaker", "JwtVcMaker", "MdocMaker", "SdJwtMaker"]
