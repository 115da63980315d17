"""The PKCS#11 token behind the :class:`~sealwright_signer.ports.Hsm` port. Nothing else imports the PKCS#11 library."""

from sealwright_signer.adapters.pkcs11.hsm import Pkcs11Hsm

__all__ = ["Pkcs11Hsm"]
