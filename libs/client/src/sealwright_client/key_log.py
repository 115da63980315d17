"""Verifying a copy of the key log without any service: hashes, root, signed head, and whether its story makes sense."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sealwright_common.domain import merkle

from sealwright_client.authority import AUTHORITY, Seal, from_base64url

_ORDER = ("PENDING", "PUBLISHED", "ACTIVE", "VERIFY_ONLY", "DESTROY_SCHEDULED", "DESTROYED")


@dataclass(frozen=True, slots=True)
class Copy:
    """A log as it was downloaded. Leaves of other tenants are empty; their hashes stand in for them."""

    size: int
    root: str
    jws: str
    leaves: list[str]
    hashes: list[str]

    def to_json(self) -> str:
        """The copy as a JSON document."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> Copy:
        """The copy in a JSON document; ValueError if it is none."""
        body = json.loads(text)
        try:
            return cls(**body)
        except TypeError:
            raise ValueError("this is no exported key log; make one with: sealwright keylog export FILE") from None


@dataclass(slots=True)
class Verdict:
    """What was found."""

    size: int = 0
    root: str = ""
    leaves_read: int = 0
    signed_by: str = ""
    """Key id of the head's signature, if it verifies."""
    issuers: int = 0
    keys: int = 0
    problems: list[str] = field(default_factory=list[str])

    @property
    def whole(self) -> bool:
        """True if nothing is wrong."""
        return not self.problems

    def members(self) -> dict[str, Any]:
        """For display."""
        return {"whole": self.whole, **asdict(self)}


def verify(copy: Copy, *, since: str | None = None, trust: str | None = None) -> Verdict:
    """Checks a copy; ``since`` is an earlier head ``SIZE:ROOT``, ``trust`` the key id that must have signed it."""
    verdict = Verdict(copy.size, copy.root)
    if len(copy.leaves) != copy.size or len(copy.hashes) != copy.size:
        verdict.problems.append(f"the head says {copy.size} entries, the copy has {len(copy.leaves)}")
        return verdict
    earlier, earlier_root = _earlier(since)
    frontier, story = merkle.Frontier(), _Story(verdict)
    for position, (leaf, said) in enumerate(zip(copy.leaves, copy.hashes, strict=True)):
        if position == earlier and frontier.root.hex() != earlier_root:
            verdict.problems.append(f"it does not extend the earlier head of size {earlier}")
        if leaf:
            verdict.leaves_read += 1
            if merkle.leaf_hash(leaf.encode()).hex() != said:
                verdict.problems.append(f"entry {position} was changed: its hash does not fit its content")
            story.tell(position, leaf)
        frontier, _ = frontier.append([bytes.fromhex(said)])
    if earlier == copy.size and frontier.root.hex() != earlier_root:
        verdict.problems.append(f"it does not extend the earlier head of size {earlier}")
    if earlier > copy.size:
        verdict.problems.append(f"it is shorter than the earlier head of size {earlier}")
    if frontier.root.hex() != copy.root:
        verdict.problems.append("the root does not fit the entries")
    verdict.issuers, verdict.keys = len(story.issuers), len(story.keys)
    _check_head(copy, story, trust, verdict)
    return verdict


def _earlier(since: str | None) -> tuple[int, str]:
    if since is None:
        return -1, ""
    size, _, root = since.partition(":")
    if not (size.isascii() and size.isdigit()):
        raise ValueError("an earlier head is written SIZE:ROOT")
    return int(size), root


def _check_head(copy: Copy, story: _Story, trust: str | None, verdict: Verdict) -> None:
    """The signature must be by a key that the log itself shows as the authority's, over this size and root."""
    if not copy.jws:
        verdict.problems.append("the head is not signed")
        return
    try:
        seal = Seal.read(copy.jws)
        if (seal.said["size"], from_base64url(seal.said["root"]).hex()) != (copy.size, copy.root):
            verdict.problems.append("the signed head is another one")
    except (ValueError, KeyError, TypeError):
        verdict.problems.append("the signed head is malformed")
        return
    if not seal.known(story.authority):
        problem = f"the head is signed by {seal.kid}, which the log does not show as a key of {AUTHORITY}"
        verdict.problems.append(problem)
        return
    if not seal.verifies(story.authority):
        verdict.problems.append("the signature of the head does not verify")
        return
    if trust is not None and trust != seal.kid:
        verdict.problems.append(f"the head is signed by {seal.kid}, not by {trust}")
    verdict.signed_by = seal.kid


class _Story:
    """The keys as the entries tell of them: no slot twice, states only forward, windows never later."""

    def __init__(self, verdict: Verdict) -> None:
        self._verdict = verdict
        self.issuers: set[str] = set()
        self.keys: dict[tuple[str, int, int], Mapping[str, Any]] = {}
        self.authority: dict[str, bytes] = {}

    def tell(self, position: int, leaf: str) -> None:
        """One entry."""
        body = json.loads(leaf)
        if body["position"] != position:
            self._wrong(position, f"says that it is entry {body['position']}")
        if "issuer" in body:
            self.issuers.add(body["issuer"]["id"])
            return
        key = body["key"]
        place = (key["issuer_id"], key["cohort"], key["slot"])
        before = self.keys.get(place)
        if before is not None:
            self._compare(position, before, key)
        elif body["type"] != "KEY_SCHEDULED":
            self._wrong(position, "tells of a key that was never scheduled")
        self.keys[place] = key
        if key["issuer_type"] == AUTHORITY and key["state"] != "COMPROMISED" and "key_id" in key:
            self.authority[key["key_id"]] = from_base64url(key["public_key"])
        elif key["issuer_type"] == AUTHORITY and key["state"] == "COMPROMISED":
            self.authority.pop(key.get("key_id", ""), None)

    def _compare(self, position: int, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        if before["id"] != after["id"] or before.get("key_id", after.get("key_id")) != after.get("key_id"):
            self._wrong(position, "puts a second key into a slot")
        if after["version"] <= before["version"]:
            self._wrong(position, "goes back to an older version of its key")
        if after["start_at"] > before["start_at"] or after["end_at"] > before["end_at"]:
            self._wrong(position, "moves a window later")
        if before["state"] == "COMPROMISED" or (
            after["state"] != "COMPROMISED" and _ORDER.index(after["state"]) < _ORDER.index(before["state"])
        ):
            self._wrong(position, f"takes a key from {before['state']} back to {after['state']}")

    def _wrong(self, position: int, what: str) -> None:
        self._verdict.problems.append(f"entry {position} {what}")


def row(position: int, leaf: Mapping[str, Any] | None, leaf_hash: str) -> dict[str, Any]:
    """An entry for people and programs; only its hash if its content is another tenant's."""
    if leaf is None:
        return {"position": position, "leaf_hash": leaf_hash}
    subject = leaf.get("key") or leaf["issuer"]
    return {
        "position": position,
        "time": leaf["time"],
        "type": leaf["type"],
        "issuer": subject["issuer_type"],
        "cohort": subject.get("cohort"),
        "slot": subject.get("slot"),
        "state": subject["state"],
        "leaf_hash": leaf_hash,
    }
