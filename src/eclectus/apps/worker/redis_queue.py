"""The queue on a Redis server: a stream with a consumer group, and leases on top.

Idle time of a claimed entry is its lease: owners reset it, and what has been idle for too long is
claimed by others. An entry leaves the stream only together with the count of its job, in one
script, so that a file that two workers have done counts once.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from itertools import islice
from typing import Any

import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from eclectus.apps.worker import redis_scripts as scripts
from eclectus.apps.worker.queue import Claim, Item, ItemOutcome, Job, JobStatus
from eclectus.config.worker_options import QueueOptions
from eclectus.core.choices import OverwritePolicy, TimestampLevel
from eclectus.core.errors import QueueError

_GROUP = "workers"
_CHUNK = 500
_FORGOTTEN_MS = 3_600_000
"""A worker without files that was not heard of for so long has ended without saying so."""
_SWEEPS = 4
"""How often in a lease files of dead workers are looked for."""
_TIMEOUT_S = 10.0


class RedisQueue:
    """Implements `eclectus.apps.worker.queue.Queue`."""

    def __init__(self, options: QueueOptions, *, name: str | None = None) -> None:
        """Prepare; nothing is sent yet.

        Args:
            options: Where the server is.
            name: Of this worker, one in the group; None for host, process and something random.

        Raises:
            QueueError: The address is impossible.
        """
        self._options = options
        self.name = name or f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        try:
            # Its annotations allow bytes everywhere, which there are none of here.
            self._redis: Any = redis.Redis.from_url(
                options.url,
                decode_responses=True,
                socket_timeout=_TIMEOUT_S,
                socket_connect_timeout=_TIMEOUT_S,
                retry=Retry(ExponentialBackoff(cap=1.0, base=0.05), 3),
            )
            self._redis.connection_pool.make_connection()  # sends nothing, but reads all options
        except (ValueError, TypeError):
            # What is wrong with it may hold pieces of the password.
            raise QueueError(
                "queue.url is no address of a Redis server: it is like "
                "redis://:password@host:6379/0, special characters of the password as %XX"
            ) from None
        # Braces: in a cluster all keys lie together, where scripts may use them.
        self._prefix = "{" + options.prefix + "}"
        self._items = f"{self._prefix}:items"
        self._later = f"{self._prefix}:later"
        self._jobs = f"{self._prefix}:jobs"
        script = self._redis.register_script
        self._add, self._again = script(scripts.ADD), script(scripts.AGAIN)
        self._finish, self._retry = script(scripts.FINISH), script(scripts.RETRY)
        self._due = script(scripts.DUE)
        self._renew, self._forget = script(scripts.RENEW), script(scripts.FORGET)
        self._grouped = False
        self._held: set[str] = set()
        self._next_sweep = 0.0

    # Jobs

    def submit(self, job: Job, items: Iterable[Item]) -> int:
        """See `Queue`. Files that are in the job already, whatever became of them, are not new."""
        with self._reached():
            self._ensure_group()
            key = self._job_key(job.id)
            self._redis.hsetnx(key, "spec", json.dumps(asdict(job)))
            self._redis.hsetnx(key, "submitted", time.time())
            self._redis.zadd(self._jobs, {job.id: time.time()}, nx=True)
            self._redis.hdel(key, "stopped")
            self._requeue(job.id, ItemOutcome.CANCELLED)
            keys = [self._items, *self._keys(job.id)]
            new = 0
            rest = iter(items)
            while some := list(islice(rest, _CHUNK)):
                pairs = [text for item in some for text in (item.source, item.target)]
                new += int(self._add(keys=keys, args=[job.id, *pairs]))
            return new

    def job(self, name: str) -> Job | None:
        """See `Queue`."""
        with self._reached():
            spec, stopped = self._redis.hmget(self._job_key(name), ["spec", "stopped"])
        return None if spec is None or stopped else _job(spec)

    def cancel(self, name: str) -> bool:
        """See `Queue`. Workers drop the files as they come to them."""
        with self._reached():
            if not self._redis.exists(self._job_key(name)):
                return False
            self._redis.hset(self._job_key(name), "stopped", 1)
            return True

    def remove(self, name: str) -> bool:
        """See `Queue`. Workers drop the files that are left as they come to them."""
        with self._reached():
            self._redis.zrem(self._jobs, name)
            return bool(self._redis.delete(*self._keys(name)))

    def retry_failed(self, name: str) -> int:
        """See `Queue`."""
        with self._reached():
            return self._requeue(name, ItemOutcome.FAILED)

    def _requeue(self, name: str, outcome: ItemOutcome) -> int:
        keys = [self._items, *self._keys(name)]
        return sum(
            int(self._again(keys=keys, args=[name, source, outcome.value]))
            for source, state in self._redis.hscan_iter(keys[1], count=_CHUNK)
            if state.startswith(outcome.value)
        )

    def status(self, name: str) -> JobStatus | None:
        """See `Queue`."""
        with self._reached():
            found = self._redis.hgetall(self._job_key(name))
        return _status(found) if "spec" in found else None

    def jobs(self) -> Sequence[JobStatus]:
        """See `Queue`."""
        with self._reached():
            names = self._redis.zrevrange(self._jobs, 0, -1)
        found = [self.status(name) for name in names]
        return [one for one in found if one is not None]

    def problems(self, name: str) -> dict[str, str]:
        """See `Queue`."""
        with self._reached():
            files = self._redis.hscan_iter(self._keys(name)[0], count=_CHUNK)
            start = _failed("")
            failed = [(source, state) for source, state in files if state.startswith(start)]
        return {source: state.removeprefix(start) for source, state in sorted(failed)}

    def waiting(self) -> int:
        """See `Queue`."""
        with self._reached():
            return int(self._redis.xlen(self._items)) + int(self._redis.zcard(self._later))

    # Files

    def claim(self, count: int, wait_s: float) -> Sequence[Claim]:
        """See `Queue`."""
        with self._reached():
            self._ensure_group()
            if time.monotonic() >= self._next_sweep:
                stale = self._sweep()
                if stale is not None:
                    self._held.add(stale.handle)
                    return [stale]
                self._next_sweep = time.monotonic() + self._options.lease_s / _SWEEPS
            self._due(keys=[self._items, self._later], args=[time.time(), _CHUNK])
            found = self._redis.xreadgroup(
                _GROUP,
                self.name,
                {self._items: ">"},
                count=count,
                # 0 would mean for ever.
                block=max(1, round(1000 * min(wait_s, _TIMEOUT_S / 2))),
            )
        entries = found[0][1] if found else []
        self._held.update(handle for handle, _ in entries)
        return [Claim(_item(fields), handle) for handle, fields in entries]

    def _sweep(self) -> Claim | None:
        """Take one file whose worker is not heard of any more, and forget such workers."""
        found = self._claim_stale()
        if found is None:
            consumers = self._redis.xinfo_consumers(self._items, _GROUP)
            idle = [one["name"] for one in consumers if one["idle"] > _FORGOTTEN_MS]
            self._forget(keys=[self._items], args=[_GROUP, *idle])
            return None
        handle, fields = found
        pending = self._redis.xpending_range(self._items, _GROUP, handle, handle, 1)
        deliveries = int(pending[0]["times_delivered"]) if pending else 1
        item = _item(fields, deaths=deliveries - 1)
        return Claim(item, handle, suspect=True)

    def _claim_stale(self) -> tuple[str, dict[str, str]] | None:
        """Take one file whose lease has ended, unless this worker has it and was late to renew."""
        lease_ms = round(1000 * self._options.lease_s)
        most = len(self._held) + _CHUNK
        stale = self._redis.xpending_range(self._items, _GROUP, "-", "+", most, idle=lease_ms)
        for one in stale:
            handle = one["message_id"]
            if handle not in self._held:
                taken = self._redis.xclaim(self._items, _GROUP, self.name, lease_ms, [handle])
                if taken:  # nobody else was faster
                    return handle, taken[0][1]
        return None

    def renew(self, claims: Iterable[Claim]) -> Sequence[Claim]:
        """See `Queue`."""
        by_handle = {claim.handle: claim for claim in claims}
        if not by_handle:
            return []
        with self._reached():
            lost = self._renew(keys=[self._items], args=[_GROUP, self.name, *by_handle])
        self._held.difference_update(lost)
        return [by_handle[handle] for handle in lost]

    def finish(
        self, claim: Claim, outcome: ItemOutcome, *, problem: str = "", audio_s: float = 0.0
    ) -> bool:
        """See `Queue`."""
        state = _failed(problem) if outcome is ItemOutcome.FAILED else outcome.value
        with self._reached():
            keys = [self._items, *self._keys(claim.item.job)[:2]]
            args = [_GROUP, claim.handle, claim.item.source, state, outcome.value, repr(audio_s)]
            counts = bool(self._finish(keys=keys, args=args))
        self._held.discard(claim.handle)
        return counts

    def retry(self, claim: Claim, problem: str, delay_s: float) -> bool:  # noqa: ARG002 - protocol
        """See `Queue`."""
        item = asdict(claim.item) | {"attempt": claim.item.attempt + 1}
        return self._put_back(claim, item, time.time() + delay_s)

    def release(self, claim: Claim) -> bool:
        """See `Queue`."""
        return self._put_back(claim, asdict(claim.item), 0.0)

    def _put_back(self, claim: Claim, item: dict[str, Any], due: float) -> bool:
        with self._reached():
            args: list[str | float] = [_GROUP, claim.handle, due, json.dumps(item), self.name]
            counts = bool(self._retry(keys=[self._items, self._later], args=args))
        self._held.discard(claim.handle)
        return counts

    def leave(self) -> None:
        """See `Queue`."""
        with self._reached():
            self._forget(keys=[self._items], args=[_GROUP, self.name])

    def close(self) -> None:
        """Close the connections; safe to call twice."""
        self._redis.close()

    # The server

    def _ensure_group(self) -> None:
        if self._grouped:
            return
        with suppress(redis.ResponseError):  # it is there
            self._redis.xgroup_create(self._items, _GROUP, id="0", mkstream=True)
        self._grouped = True

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except redis.RedisError as error:
            # A server that lost its data lacks the group too.
            self._grouped = False
            raise QueueError(
                f"the queue does not answer as it should: {error}; is queue.url right, and is a "
                "Redis server of version 6.2 or newer there?"
            ) from error

    def _job_key(self, name: str) -> str:
        return f"{self._prefix}:job:{name}"

    def _keys(self, name: str) -> tuple[str, str, str]:
        return f"{self._prefix}:files:{name}", self._job_key(name), f"{self._prefix}:targets:{name}"


def _failed(problem: str) -> str:
    return f"{ItemOutcome.FAILED.value}: {problem}"


def _item(fields: dict[str, str], deaths: int = 0) -> Item:
    attempt = int(fields["attempt"]) + deaths
    return Item(fields["job"], fields["source"], fields["target"], attempt)


def _job(spec: str) -> Job:
    told = json.loads(spec)
    return Job(
        id=told["id"],
        sources=tuple(told["sources"]),
        target=told["target"],
        formats=tuple(told["formats"]),
        language=told["language"],
        timestamps=TimestampLevel(told["timestamps"]),
        overwrite=OverwritePolicy(told["overwrite"]),
    )


def _status(found: dict[str, str]) -> JobStatus:
    return JobStatus(
        job=_job(found["spec"]),
        submitted=float(found["submitted"]),
        total=int(found.get("total", 0)),
        done=int(found.get(ItemOutcome.DONE, 0)),
        failed=int(found.get(ItemOutcome.FAILED, 0)),
        cancelled=int(found.get(ItemOutcome.CANCELLED, 0)),
        audio_s=float(found.get("audio_s", 0.0)),
        stopped="stopped" in found,
    )
