"""What the token process is told when it starts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from sealwright_signer.adapters.roots import FileRoot, Pkcs11Root, RootOfTrust


@dataclass(frozen=True, slots=True)
class Orders:
    """All that the token process is told when it starts, over its socket: neither a command line nor an environment
    may hold a PIN."""

    root: RootOfTrust
    threads: int
    """Threads that sign."""
    makers: int
    """Threads that make and remove keys."""

    def document(self) -> bytes:
        """As it is sent."""
        root = self.root
        values: dict[str, str | int] = {"threads": self.threads, "makers": self.makers}
        if isinstance(root, FileRoot):
            values |= {"folder": str(root.folder)}
        else:
            values |= {"module": root.module, "label": root.label, "pin": root.pin, "lock_dir": str(root.lock_dir)}
        return json.dumps(values).encode()

    @classmethod
    def read(cls, document: bytes) -> Orders:
        """The orders of :meth:`document`."""
        values = json.loads(document)
        root: RootOfTrust
        if "folder" in values:
            root = FileRoot(Path(values["folder"]))
        else:
            root = Pkcs11Root(values["module"], values["label"], values["pin"], Path(values["lock_dir"]))
        return cls(root, values["threads"], values["makers"])
