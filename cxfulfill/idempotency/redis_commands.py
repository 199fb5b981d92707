"""What is said to Redis and what it answers: scripts, and records that they read and write.

A record is one string: a head of fixed length and three parts, so that one GET reads it whole, its length can be
checked, and it costs less memory than a hash, whose fields of more than 64 bytes each cost an entry of their own.

    cxf1, L or R, time of expiry in 16 digits, lengths of the parts in 9 digits each; owner, fingerprint, result
"""

import math
from typing import Any, Final

from cxfulfill.idempotency.store import Acquired, Completed, InProgress, Lease, Outcome

Command = tuple[int, str, *tuple[str | bytes | int, ...]]
"""The number of a script in `SCRIPTS`, the call's key, and further arguments."""

LEASE_KEPT: Final = 86_400.0
"""Seconds that a lease is remembered after it has run out, so that who takes it over is told."""

_READ = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local value = redis.pcall('GET', KEYS[1])
if type(value) == 'table' then
    if not string.find(value.err, 'WRONGTYPE', 1, true) then return value end
    value = false
end
local record
if value then
    local state, expires, owner, fingerprint, result = string.match(value, HEAD)
    if state and #value == 48 + owner + fingerprint + result then
        local middle = 48 + owner
        record = {
            running = state == 'L',
            expires = tonumber(expires),
            owner = string.sub(value, 49, middle),
            fingerprint = string.sub(value, middle + 1, middle + fingerprint),
            result = string.sub(value, middle + fingerprint + 1),
        }
    end
end
local function write(state, lasts, kept, owner, fingerprint, result)
    local head = string.format('cxf1%s%016d%09d%09d%09d', state, now + lasts, #owner, #fingerprint, #result)
    redis.call('SET', KEYS[1], head .. owner .. fingerprint .. result, 'PX', lasts + kept)
end
""".replace("HEAD", f"'^cxf1([LR])({'%d' * 16})({'%d' * 9})({'%d' * 9})({'%d' * 9})'")
_ACQUIRE_IT = """
local own = record and record.running and record.owner == ARGV[1]
if record and not own and record.expires > now then
    if record.running then return {'running', record.fingerprint} end
    return {'completed', record.fingerprint, record.result}
end
write('L', ARGV[3], KEPT, ARGV[1], ARGV[2], '')
return {'acquired', (record and record.running and not own) and 1 or 0}
""".replace("KEPT", str(int(LEASE_KEPT * 1000)))
_COMPLETE_IT = """
if not record or record.owner ~= ARGV[1] then return 0 end
write('R', ARGV[3], 0, ARGV[1], record.fingerprint, ARGV[2])
return 1
"""
_RELEASE_IT = """
if not record or not record.running or record.owner ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""
SCRIPTS: Final = (_READ + _ACQUIRE_IT, _READ + _COMPLETE_IT, _READ + _RELEASE_IT)


def acquiring(lease: Lease, seconds: float) -> Command:
    """Say `IdempotencyStore.acquire`.

    Args:
        lease: What is asked for.
        seconds: How long it shall last.

    Returns:
        The command.
    """
    return 0, lease.key, lease.owner, lease.fingerprint, _milliseconds(seconds)


def outcome(lease: Lease, answer: Any) -> Outcome:
    """Read what is answered to `acquiring`.

    Args:
        lease: What was asked for.
        answer: The answer.

    Returns:
        The outcome.
    """
    match answer:
        case [b"running", other]:
            return InProgress(_text(other))
        case [b"completed", other, result]:
            return Completed(_text(other), result)
        case _:
            return Acquired(lease, took_over=answer[1] == 1)


def completing(lease: Lease, result: bytes, seconds: float) -> Command:
    """Say `IdempotencyStore.complete`; the answer is 1 or 0.

    Args:
        lease: The right that the call was run by.
        result: The result.
        seconds: How long it is kept.

    Returns:
        The command.
    """
    return 1, lease.key, lease.owner, result, _milliseconds(seconds)


def releasing(lease: Lease) -> Command:
    """Say `IdempotencyStore.release`; the answer is 1 or 0.

    Args:
        lease: The right.

    Returns:
        The command.
    """
    return 2, lease.key, lease.owner


def _milliseconds(seconds: float) -> int:
    return max(1, math.ceil(seconds * 1000))


def _text(data: bytes) -> str:
    return data.decode(errors="replace")
