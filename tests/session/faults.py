"""A file layer whose n-th operation fails, once or from then on."""

import errno

from viewer.session.files import FileLayer

STEPS = (
    "create",
    "write",
    "length",
    "sync",
    "close",
    "checksum",
    "copy_mode",
    "keep",
    "replace",
    "sync_folder",
    "remove",
)


class FailingLayer(FileLayer):
    """Counts the operations; number ``at`` fails with ``ENOSPC`` or another error."""

    def __init__(self, at, *, sticky, code=errno.ENOSPC):
        self.at, self.sticky, self.code = at, sticky, code
        self.count = 0
        self.failed = []
        self.open = set()

    def _step(self, name):
        self.count += 1
        if self.count == self.at or (self.sticky and self.count > self.at):
            self.failed.append(name)
            raise OSError(self.code, "planted")

    def create(self, path, mode):
        self._step("create")
        descriptor = super().create(path, mode)
        self.open.add(descriptor)
        return descriptor

    def close(self, descriptor):
        super().close(descriptor)  # a failing close has closed all the same
        self.open.discard(descriptor)
        self._step("close")

    def wait(self, seconds):
        pass


def _failing(name):
    def method(self, *arguments):
        self._step(name)
        return getattr(FileLayer, name)(self, *arguments)

    return method


for _name in STEPS:
    if _name not in ("create", "close"):
        setattr(FailingLayer, _name, _failing(_name))
