"""A wallet for OpenID4VCI 1.0, to develop, test and show against. Keeps everything in memory."""

from sealwright_sandbox.oid4vci_wallet.keys import WalletKey
from sealwright_sandbox.oid4vci_wallet.wallet import Refused, Wallet, WalletOffer

__all__ = ["Refused", "Wallet", "WalletKey", "WalletOffer"]
