"""The wallet's state: wallets, endpoints and slices, in memory and optionally in a journal."""

import base64
import uuid
from dataclasses import dataclass, field
from typing import Any

from sealwright_sandbox.journal import Journal
from sealwright_sandbox.wallet.keys import WalletKey
from sealwright_sandbox.wallet.slices import Received, Slice, as_posted, read_slice


@dataclass
class Wallet:
    """One wallet."""

    id: str
    key: WalletKey
    endpoints: list[bytes] = field(default_factory=list)
    disabled: bool = False


class Holdings:
    """Everything the wallet server knows."""

    def __init__(self, journal: Journal) -> None:
        self.wallets: dict[str, Wallet] = {}
        self.slices: dict[Slice, Received] = {}
        self._owners: dict[bytes, tuple[Wallet, int]] = {}
        self._journal = Journal(None)
        for record in journal.records():
            self._replay(record)
        self._journal = journal

    def create_wallet(self, key: WalletKey, wallet_id: str | None = None) -> Wallet:
        """A new wallet over a root key."""
        wallet = Wallet(wallet_id or str(uuid.uuid4()), key)
        self.wallets[wallet.id] = wallet
        self._journal.write({"wallet": wallet.id, "key": base64.b64encode(key.extended).decode()})
        return wallet

    def create_endpoint(self, wallet: Wallet) -> bytes:
        """The public key of the wallet's next endpoint; endpoints count from 1."""
        number = len(wallet.endpoints) + 1
        public = wallet.key.endpoint(number)
        wallet.endpoints.append(public)
        self._owners[public] = (wallet, number)
        self._journal.write({"endpoint": wallet.id})
        return public

    def switch(self, wallet: Wallet, disabled: bool) -> None:
        """A disabled wallet takes no slices."""
        wallet.disabled = disabled
        self._journal.write({"switch": wallet.id, "disabled": disabled})

    def owner(self, public_key: bytes) -> tuple[Wallet, int] | None:
        """The wallet and the endpoint's number behind an endpoint's key."""
        return self._owners.get(public_key)

    def receive(self, one: Slice) -> Received:
        """Stores a slice, or counts one that came before. Raises KeyError if its endpoint is unknown."""
        wallet, number = self._owners[one.public_key]
        self._journal.write({"slice": as_posted(one)})
        received = self.slices.get(one)
        if received is None:
            received = self.slices[one] = Received(one, wallet.id, number)
        else:
            received.deliveries += 1
        return received

    def close(self) -> None:
        """Closes the journal."""
        self._journal.close()

    def _replay(self, record: dict[str, Any]) -> None:
        if "wallet" in record:
            self.create_wallet(WalletKey(base64.b64decode(record["key"])), record["wallet"])
        elif "endpoint" in record:
            self.create_endpoint(self.wallets[record["endpoint"]])
        elif "switch" in record:
            self.switch(self.wallets[record["switch"]], record["disabled"])
        else:
            self.receive(read_slice(record["slice"]))
