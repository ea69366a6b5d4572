"""What callers can catch. Every message says what was wanted, what came, and what to do."""


class WeftError(Exception):
    """The base of every error that weft raises on purpose."""


class ShapeError(WeftError, ValueError):
    """Tensors that do not fit together."""


class ConfigError(WeftError, ValueError):
    """A setting that is unknown, impossible or contradicts another."""


class UnsupportedError(WeftError, RuntimeError):
    """Something that this part does not do; raised before any work."""


class DataError(WeftError, ValueError):
    """Bad input data; the message starts with file:line where there is one."""
